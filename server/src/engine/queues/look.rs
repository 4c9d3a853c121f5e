//! Looking for ready tasks where queues have limits: a queue that gives out nothing must not stand before the others that a
//! call names, nor a key that is full before the others of its queue.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};

use baton_domain::Timestamp;

use crate::engine::committer::{Committer, Failure};
use crate::store::{Demand, FullKeys, Ready, StandingQueue};

/// Tasks of a queue with keys that are read for one that is wanted, at first: some of them share a key.
const SPREAD: usize = 4;
/// As many at least.
const SPREAD_MIN: usize = 64;
/// As many at most.
const SPREAD_MAX: usize = 10_000;

/// What was found for a demand.
#[derive(Default)]
pub(in crate::engine) struct Look {
    /// In the order in which they are given out; behind them, where there are more, the one that waits longest.
    pub(in crate::engine) ready: Vec<Ready>,
    /// Of each part that was not read to its end: a task of it.
    pub(in crate::engine) cut_off: Vec<Ready>,
}

impl Look {
    fn add(&mut self, ready: Vec<Ready>, is_cut_off: bool) {
        if is_cut_off {
            self.cut_off.extend(ready.last().cloned());
        }
        self.ready.extend(ready);
    }
}

impl Committer {
    /// Looks for up to `limit` tasks that may be given out at `now`.
    pub(in crate::engine) async fn look(
        &mut self,
        demand: &Demand,
        limit: usize,
        now: Timestamp,
    ) -> Result<Look, Failure> {
        let mut look = Look::default();
        let is_limited = |name: &String| {
            let known = self.queues.get(&demand.namespace, name);
            known.is_some_and(|known| known.standing.queue.is_limited())
        };
        let (limited, free): (Vec<String>, Vec<String>) = if self.queues.is_empty() {
            (Vec::new(), Vec::new())
        } else {
            demand.queues.iter().cloned().partition(is_limited)
        };
        if limited.is_empty() {
            let (ready, is_cut_off) = self.ready(demand, limit, now).await?;
            look.add(ready, is_cut_off);
            return Ok(look);
        }
        let of = |queues: Vec<String>| Demand {
            queues,
            ..demand.clone()
        };
        if !free.is_empty() {
            let (ready, is_cut_off) = self.ready(&of(free), limit, now).await?;
            look.add(ready, is_cut_off);
        }
        for name in limited {
            self.look_into(&of(vec![name]), (limit, now), &mut look).await?;
        }
        let order = |task: &Ready| (Reverse(task.priority), task.since, task.id);
        look.ready.sort_unstable_by_key(order);
        Ok(look)
    }

    /// Ready tasks of queues whatever their limits, and whether there are more.
    async fn ready(
        &mut self,
        demand: &Demand,
        limit: usize,
        now: Timestamp,
    ) -> Result<(Vec<Ready>, bool), Failure> {
        let found = self
            .store
            .look_for_ready(demand, limit, (&mut self.floors, now))
            .await;
        let ready = found.map_err(Failure::down)?;
        let is_cut_off = ready.len() >= limit;
        Ok((ready, is_cut_off))
    }

    /// As [`Self::look`], of one queue with limits.
    async fn look_into(
        &mut self,
        demand: &Demand,
        (limit, now): (usize, Timestamp),
        look: &mut Look,
    ) -> Result<(), Failure> {
        let (namespace, name) = (demand.namespace.as_str(), demand.queues[0].as_str());
        let Some(known) = self.queues.get_mut(namespace, name) else {
            return Ok(());
        };
        let StandingQueue { queue, usage } = &known.standing;
        let room = usize::try_from(queue.room(*usage, now)).unwrap_or(usize::MAX);
        if room == 0 {
            known.held_back = true;
            self.workers.turns.wait(&known.standing, now);
            return Ok(());
        }
        let limit = limit.min(room);
        let (ready, is_cut_off) = if queue.spec.keys.is_some() {
            self.look_by_keys(demand, limit, now).await?
        } else {
            self.ready(demand, limit, now).await?
        };
        if !is_cut_off
            && demand.types.is_none()
            && let Some(known) = self.queues.get_mut(namespace, name)
        {
            known.held_back = known.standing.queue.spec.keys.is_some();
        }
        look.add(ready, is_cut_off);
        Ok(())
    }

    /// Tasks of a queue with a limit by key: of each key no more than may be given out. Answers too whether there may be
    /// more.
    async fn look_by_keys(
        &mut self,
        demand: &Demand,
        limit: usize,
        now: Timestamp,
    ) -> Result<(Vec<Ready>, bool), Failure> {
        let (oldest, _) = self.ready(demand, 1, now).await?;
        let known = self.queues.get(&demand.namespace, &demand.queues[0]);
        let keyed = known.and_then(|known| Some((known, known.standing.queue.spec.keys.as_ref()?)));
        let Some((known, keys)) = keyed else {
            return Ok((Vec::new(), false));
        };
        let queue = &known.standing.queue;
        let room = |key: &str| queue.room_of_key(known.keys.get(key).copied().unwrap_or(0));
        let full = FullKeys {
            label: &keys.label,
            keys: known
                .keys
                .keys()
                .map(String::as_str)
                .filter(|key| room(key) == 0)
                .collect(),
        };
        let mut spread = limit.saturating_mul(SPREAD).max(SPREAD_MIN);
        let (mut found, is_cut_off) = loop {
            let read = self
                .store
                .ready_of_keys(demand, &full, (spread, &self.floors))
                .await;
            let read = read.map_err(Failure::down)?;
            let is_cut_off = read.len() >= spread;
            let found = thin(read, limit, room);
            if found.len() >= limit || !is_cut_off || spread >= SPREAD_MAX {
                break (found, is_cut_off);
            }
            spread = spread.saturating_mul(SPREAD).min(SPREAD_MAX);
        };
        let known: HashSet<_> = found.iter().map(|task| task.id).collect();
        found.extend(oldest.into_iter().rfind(|task| !known.contains(&task.id)));
        Ok((found, is_cut_off))
    }
}

/// The first `limit` of these, but of no key more than it has room for.
fn thin(read: Vec<(Ready, Option<String>)>, limit: usize, room: impl Fn(&str) -> i64) -> Vec<Ready> {
    let mut taken: HashMap<String, i64> = HashMap::new();
    let mut found = Vec::new();
    for (ready, key) in read {
        if found.len() >= limit {
            break;
        }
        if let Some(key) = key {
            let room = room(&key);
            let taken = taken.entry(key).or_default();
            if *taken >= room {
                continue;
            }
            *taken += 1;
        }
        found.push(ready);
    }
    found
}
