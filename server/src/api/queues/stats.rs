//! GetQueueStats.

use std::collections::BTreeMap;

use baton_domain::queue::RateLimit;
use baton_domain::{State, Timestamp};
use baton_proto::raw::v1 as raw;
use tonic::Status;

use super::{Key, QueueApi, not_found};
use crate::api::convert::{queue, time};
use crate::api::failed;
use crate::engine::Pace;
use crate::store::{KeyUse, StandingQueue, TaskGroup};

/// Keys in use that are shown.
const KEYS_SHOWN: u32 = 100;

impl QueueApi {
    /// Answers how a queue stands.
    pub(super) async fn stats(&self, key: Key) -> Result<raw::GetQueueStatsResponse, Status> {
        let store = self.engine.store();
        let found = self.found(&key).await?;
        let groups = store
            .task_groups_of(&key.0, &key.1)
            .await
            .map_err(failed::unread)?;
        if found.is_none() && groups.is_empty() {
            return Err(not_found(key));
        }
        let now = self.now();
        let (leased, keys) = match &found {
            Some(found) => {
                let keys = store.keys_in_use(found.queue.id, KEYS_SHOWN).await;
                (found.usage.leased, keys.map_err(failed::unread)?)
            }
            None => {
                let leased = store.leased_of((&key.0, &key.1), None).await;
                let leased = leased.map_err(failed::unread)?.len();
                (i64::try_from(leased).unwrap_or(i64::MAX), Vec::new())
            }
        };
        let pace = self.engine.pace(&key.0, &key.1);
        let stats = raw::QueueStats {
            leased_count: leased,
            keys: keys.into_iter().map(write_key).collect(),
            ..write(key, &groups, (pace, now))
        };
        let stats = with_turns(stats, found.as_ref(), now);
        Ok(raw::GetQueueStatsResponse {
            stats: Some(stats),
            queue: found.as_ref().map(queue::write),
        })
    }
}

fn write((namespace, name): Key, groups: &[TaskGroup], (pace, now): (Pace, Timestamp)) -> raw::QueueStats {
    let mut states: BTreeMap<State, i64> = BTreeMap::new();
    for group in groups {
        *states.entry(group.state).or_default() += group.count;
    }
    let oldest = groups.iter().filter_map(|group| group.oldest_ready_time).min();
    let open = states.iter().filter(|(state, _)| state.is_open());
    raw::QueueStats {
        namespace,
        name,
        open_count: open.map(|(_, count)| count).sum(),
        ready_count: states.get(&State::Queued).copied().unwrap_or(0),
        states: states.iter().map(write_state).collect(),
        oldest_ready_time: oldest.map(time::write),
        oldest_ready_age: oldest.map(|since| time::write_span(now.since(since))),
        finished_per_second_1m: pace.minute,
        finished_per_second_5m: pace.five_minutes,
        finished_since_time: Some(time::write(Timestamp::from_micros(pace.since_micros))),
        as_of_time: Some(time::write(now)),
        ..raw::QueueStats::default()
    }
}

/// What its rate limit says, if it has one.
fn with_turns(stats: raw::QueueStats, found: Option<&StandingQueue>, now: Timestamp) -> raw::QueueStats {
    let limited = found.and_then(|found| Some((found.queue.spec.rate?, found.usage.bucket)));
    let available = |(rate, bucket): (RateLimit, _)| {
        let tasks = rate.available(bucket, now);
        i32::try_from(tasks).unwrap_or(i32::MAX)
    };
    let next = limited.and_then(|(rate, bucket)| rate.next_time(bucket, now));
    raw::QueueStats {
        rate_available: limited.map(available),
        rate_next_time: next.map(time::write),
        ..stats
    }
}

fn write_state((state, count): (&State, &i64)) -> raw::QueueStateCount {
    raw::QueueStateCount {
        state: state.number(),
        count: *count,
    }
}

fn write_key(used: KeyUse) -> raw::QueueKeyUse {
    let KeyUse {
        queue: _,
        key,
        leased,
    } = used;
    raw::QueueKeyUse {
        key,
        leased_count: leased,
    }
}
