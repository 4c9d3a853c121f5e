//! The calls of QueueService.

use baton_domain::limits::{BULK_COUNT, BULK_COUNT_DEFAULT, MESSAGE_CHARS};
use baton_domain::queue::NewQueue;
use baton_domain::{Actor, QueueId};
use baton_proto::raw::v1 as raw;
use uuid::Uuid;

use super::lists::{Page, read_page_of};
use super::named::{Key, given, read_common, read_key, read_note};
use crate::api::check;
use crate::api::convert::{Draw, queue, queue_edit};
use crate::api::repeat::Repeatable;
use crate::api::violations::{Path, Violations};
use crate::engine::{QueueAction, QueueChange};

/// What is asked of one queue.
#[derive(Clone, Debug)]
pub(in crate::api) struct Asked {
    pub(in crate::api) change: QueueChange,
    pub(in crate::api) request_id: Option<Uuid>,
}

/// A call that changes a queue.
pub(in crate::api) trait QueueCall: Repeatable {
    /// Reads the request whole.
    fn read(self, v: &mut Violations, draw: &Draw<'_>) -> Option<Asked>;
}

/// What every call carries that names a queue which is there.
struct Named {
    key: Key,
    etag: String,
    request_id: String,
    actor: Option<raw::Actor>,
}

impl Named {
    fn read(self, v: &mut Violations, action: Option<QueueAction>) -> Option<Asked> {
        let common = read_common(v, &self.request_id, self.actor);
        let key = read_key(v, &Path::REQUEST, self.key);
        let (request_id, _) = common?;
        asked(key?, self.etag, request_id, action?)
    }
}

fn asked(
    (namespace, name): Key,
    etag: String,
    request_id: Option<Uuid>,
    action: QueueAction,
) -> Option<Asked> {
    let change = QueueChange {
        namespace,
        name,
        etag: given(etag),
        action,
    };
    Some(Asked { change, request_id })
}

impl QueueCall for raw::CreateQueueRequest {
    fn read(self, v: &mut Violations, draw: &Draw<'_>) -> Option<Asked> {
        let Self {
            queue,
            request_id,
            actor,
        } = self;
        let common = read_common(v, &request_id, actor);
        let at = Path::REQUEST.field("queue");
        let queue = check::present(v, &at, queue)?;
        let key = read_key(v, &at, (queue.namespace.clone(), queue.name.clone()));
        let paused = queue.paused;
        let note = check::text(v, &at.field("note"), queue.note.clone(), MESSAGE_CHARS);
        let spec = queue::read_spec(v, &at, queue);
        let ((namespace, name), (request_id, creator)) = (key?, common?);
        let new = NewQueue {
            id: QueueId(draw.task_id().0),
            namespace: namespace.clone(),
            name: name.clone(),
            spec: spec?,
            paused,
            note: note?,
            creator,
        };
        let action = QueueAction::Create(Box::new(new));
        asked((namespace, name), String::new(), request_id, action)
    }
}

impl QueueCall for raw::UpdateQueueRequest {
    fn read(self, v: &mut Violations, _: &Draw<'_>) -> Option<Asked> {
        let Self {
            queue,
            request_id,
            actor,
            update_mask,
        } = self;
        let common = read_common(v, &request_id, actor);
        let at = Path::REQUEST.field("queue");
        let queue = check::present(v, &at, queue)?;
        let key = read_key(v, &at, (queue.namespace.clone(), queue.name.clone()));
        let etag = queue.etag.clone();
        let edit = queue_edit::read(v, queue, update_mask);
        let (request_id, _) = common?;
        asked(key?, etag, request_id, QueueAction::Update(edit?))
    }
}

impl QueueCall for raw::DeleteQueueRequest {
    fn read(self, v: &mut Violations, _: &Draw<'_>) -> Option<Asked> {
        let Self {
            namespace,
            request_id,
            etag,
            actor,
            name,
        } = self;
        let named = Named {
            key: (namespace, name),
            etag,
            request_id,
            actor,
        };
        named.read(v, Some(QueueAction::Delete))
    }
}

impl QueueCall for raw::PauseQueueRequest {
    fn read(self, v: &mut Violations, _: &Draw<'_>) -> Option<Asked> {
        let Self {
            namespace,
            request_id,
            etag,
            actor,
            name,
            note,
        } = self;
        let note = read_note(v, note);
        let named = Named {
            key: (namespace, name),
            etag,
            request_id,
            actor,
        };
        named.read(v, note.map(|note| QueueAction::Pause { note }))
    }
}

impl QueueCall for raw::ResumeQueueRequest {
    fn read(self, v: &mut Violations, _: &Draw<'_>) -> Option<Asked> {
        let Self {
            namespace,
            request_id,
            etag,
            actor,
            name,
            note,
        } = self;
        let note = read_note(v, note);
        let named = Named {
            key: (namespace, name),
            etag,
            request_id,
            actor,
        };
        named.read(v, note.map(|note| QueueAction::Resume { note }))
    }
}

/// Reads which queue GetQueue answers.
pub(in crate::api) fn read_get(v: &mut Violations, request: raw::GetQueueRequest) -> Option<Key> {
    let raw::GetQueueRequest { namespace, name } = request;
    read_key(v, &Path::REQUEST, (namespace, name))
}

/// Reads which queue GetQueueStats answers.
pub(in crate::api) fn read_stats(v: &mut Violations, request: raw::GetQueueStatsRequest) -> Option<Key> {
    let raw::GetQueueStatsRequest { namespace, name } = request;
    read_key(v, &Path::REQUEST, (namespace, name))
}

/// Reads which queues ListQueues answers.
pub(in crate::api) fn read_list(
    v: &mut Violations,
    request: raw::ListQueuesRequest,
) -> Option<(String, Page)> {
    let raw::ListQueuesRequest {
        namespace,
        page_size,
        page_token,
    } = request;
    read_page_of(v, namespace, (page_size, page_token))
}

/// What PurgeQueue asks for.
#[derive(Clone, Debug)]
pub(in crate::api) struct Purge {
    pub(in crate::api) key: Key,
    pub(in crate::api) request_id: Option<Uuid>,
    pub(in crate::api) actor: Actor,
    pub(in crate::api) reason: String,
    pub(in crate::api) max_count: usize,
}

/// Reads what PurgeQueue asks for.
pub(in crate::api) fn read_purge(v: &mut Violations, request: raw::PurgeQueueRequest) -> Option<Purge> {
    let raw::PurgeQueueRequest {
        namespace,
        request_id,
        actor,
        name,
        reason,
        max_count,
    } = request;
    let common = read_common(v, &request_id, actor);
    let key = read_key(v, &Path::REQUEST, (namespace, name));
    let reason = check::text(v, &Path::REQUEST.field("reason"), reason, MESSAGE_CHARS);
    let max_count = check::within(v, &Path::REQUEST.field("max_count"), max_count, 0..=BULK_COUNT)?;
    let count = if max_count == 0 {
        BULK_COUNT_DEFAULT
    } else {
        max_count
    };
    let (request_id, actor) = common?;
    Some(Purge {
        key: key?,
        request_id,
        actor,
        reason: reason?,
        max_count: usize::try_from(count).ok()?,
    })
}
