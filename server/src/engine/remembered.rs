//! Calls that were made before: what is remembered of them, and what their repeats are answered.

use std::sync::Arc;

use baton_domain::{Span, TaskId};

use super::batch::{Batch, unindexed};
use super::error::Error;
use super::job::{Answer, Done, RequestKey, Told, Work};
use crate::store::RequestRecord;

/// How long a success is remembered for its request id: 24 hours.
const REQUEST_MEMORY: Span = Span::from_secs(24 * 60 * 60);

/// In place of a revision: the create that is remembered found another task with its key, and made none.
const FOUND: i64 = 0;

impl Batch {
    /// The answer to a call that was made before.
    pub(super) fn replay(&self, work: &Work, key: &RequestKey) -> Option<Answer> {
        let records = self.remembered.get(&key.id)?;
        let record = records.iter().find(|record| self.is_beside(work, record))?;
        if !key.is_of(record) {
            return Some(Err(Error::RequestIdReused));
        }
        if let Work::Schedule(change) = work {
            let done = self.replay_schedule(change, record);
            return Some(done.map(|done| Told::Schedule(Box::new(done))));
        }
        if let Work::Type(change) = work {
            let done = self.replay_type(change, record);
            return Some(done.map(|done| Told::Type(Box::new(done))));
        }
        if let Work::Queue(change) = work {
            let done = self.replay_queue(change, record);
            return Some(done.map(|done| Told::Queue(Box::new(done))));
        }
        if let Work::Webhook(change) = work {
            let done = self.replay_webhook(change, record);
            return Some(done.map(|done| Told::Webhook(Box::new(done))));
        }
        let creates = matches!(work, Work::Create { .. });
        let done = |id: &TaskId| {
            self.working.get(*id).map(|t| Done {
                task: Arc::clone(t),
                events: Vec::new(),
                replayed: true,
                deduplicated: creates && record.revision == FOUND,
                revision: record.revision,
            })
        };
        let Work::Create { single, .. } = work else {
            // Whoever moved a task that is gone since is told so by finding none.
            let done = record.task_ids.iter().filter_map(done).collect();
            return Some(Ok(Told::Tasks(done)));
        };
        // Answers stand in the order of the members: one that is gone is no answer, and not the next one's.
        let members = record.task_ids.iter().enumerate().map(|(index, id)| {
            done(id).ok_or_else(|| {
                let source = Box::new(Error::NotFound { id: *id });
                unindexed(Error::InBatch { index, source }, *single)
            })
        });
        Some(members.collect::<Result<_, _>>().map(Told::Tasks))
    }

    /// Whether `work` is done in the namespace of `record`: a request id says nothing in any other.
    fn is_beside(&self, work: &Work, record: &RequestRecord) -> bool {
        match work {
            Work::Create { members, .. } => members.iter().any(|m| m.new.namespace == record.namespace),
            Work::Move { id, .. } => match self.working.get(*id) {
                Some(task) => task.namespace == record.namespace,
                None => record.task_ids.contains(id),
            },
            Work::Remember { namespace, .. } => *namespace == record.namespace,
            Work::Schedule(change) => change.namespace == record.namespace,
            Work::Type(change) => change.namespace == record.namespace,
            Work::Webhook(change) => change.namespace == record.namespace,
            Work::Queue(change) => change.namespace == record.namespace,
            Work::Claim(_) | Work::CloseFollowUp(_) | Work::Turn(_) => false,
        }
    }

    pub(super) fn remember(&mut self, key: &RequestKey, done: &[Done]) {
        let Some(first) = done.first() else { return };
        let ids = done.iter().map(|d| d.task.id).collect();
        let revision = if first.deduplicated {
            FOUND
        } else {
            first.task.revision
        };
        self.record(key, &first.task.namespace, (ids, revision));
    }

    pub(super) fn record(
        &mut self,
        key: &RequestKey,
        namespace: &str,
        (task_ids, revision): (Vec<TaskId>, i64),
    ) {
        let record = RequestRecord {
            namespace: namespace.to_owned(),
            request_id: key.id,
            method: key.method.to_owned(),
            hash: key.hash,
            task_ids,
            revision,
            expire_time: self.now.plus(REQUEST_MEMORY),
        };
        // A repeat in the same batch finds it here.
        self.remembered.entry(key.id).or_default().push(record.clone());
        self.write.requests.push(record);
    }
}
