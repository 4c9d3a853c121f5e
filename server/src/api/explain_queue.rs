//! ExplainTask of a ready task: what of its queue keeps it.

use baton_domain::queue::Hold;
use baton_domain::{Task, Timestamp};
use baton_proto::raw::v1 as raw;
use baton_proto::raw::v1::CauseType;
use tonic::Status;

use super::convert::time;
use super::explain::cause;
use super::{TaskApi, failed};
use crate::store::{LeasedTask, StandingQueue};

impl TaskApi {
    /// What keeps a task that is ready.
    pub(super) async fn causes_of_queue(&self, task: &Task) -> Result<Vec<raw::Cause>, Status> {
        let found = self.engine.store().queue(&task.namespace, &task.queue).await;
        let found = found.map_err(failed::unread)?;
        let causes = match found.filter(|found| found.queue.is_limited()) {
            Some(found) => self.causes_of_limits(task, &found).await?,
            None => Vec::new(),
        };
        if causes.is_empty() {
            let message = "nothing keeps it: it waits for somebody to take it";
            return Ok(vec![cause(CauseType::Ready, message)]);
        }
        Ok(causes)
    }

    async fn causes_of_limits(&self, task: &Task, found: &StandingQueue) -> Result<Vec<raw::Cause>, Status> {
        let StandingQueue { queue, usage } = found;
        let label = queue.spec.keys.as_ref().map(|keys| keys.label.as_str());
        let named = (task.namespace.as_str(), task.queue.as_str());
        let leased = self.engine.store().leased_of(named, label).await;
        let leased = leased.map_err(failed::unread)?;
        let key = queue.key_of(&task.labels);
        let of_key = |leased: &&LeasedTask| key.is_some() && leased.key.as_deref() == key;
        let count = i64::try_from(leased.iter().filter(of_key).count()).unwrap_or(i64::MAX);
        let holds = queue.holds(*usage, key.map(|key| (key, count)), self.now());
        let ends = Ends {
            of_queue: leased.iter().map(|leased| leased.expire_time).min(),
            of_key: leased
                .iter()
                .filter(of_key)
                .map(|leased| leased.expire_time)
                .min(),
        };
        Ok(holds.iter().map(|hold| write(hold, &queue.name, &ends)).collect())
    }
}

/// When the first lease ends that is in the way, unless it is renewed.
struct Ends {
    of_queue: Option<Timestamp>,
    of_key: Option<Timestamp>,
}

fn write(hold: &Hold, queue: &str, ends: &Ends) -> raw::Cause {
    let (kind, message, change_time, (limit, leased)) = match hold {
        Hold::Paused => (
            CauseType::QueuePaused,
            format!("queue {queue} is paused until ResumeQueue"),
            None,
            (0, 0),
        ),
        Hold::Concurrency { limit, leased } => (
            CauseType::ConcurrencyLimit,
            format!("queue {queue} has {leased} of {limit} places in use"),
            ends.of_queue,
            (*limit, *leased),
        ),
        Hold::Rate { limit, next } => (
            CauseType::RateLimit,
            format!(
                "queue {queue} gives out {} in {} ms, and the next one later",
                limit.count,
                limit.period.as_micros() / 1_000
            ),
            Some(*next),
            (0, 0),
        ),
        Hold::Key { key, limit, leased } => (
            CauseType::KeyLimit,
            format!("queue {queue} has {leased} of {limit} places of key {key:?} in use"),
            ends.of_key,
            (*limit, *leased),
        ),
    };
    raw::Cause {
        change_time: change_time.map(time::write),
        queue: queue.to_owned(),
        limit,
        leased_count: leased,
        ..cause(kind, &message)
    }
}
