//! Looking for ready tasks where queues have limits: a queue that gives out nothing must not stand before the others that a
//! call names, nor a key that is full before the others of its queue.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};

use baton_domain::Timestamp;

use super::Queues;
use super::known::Known;
use crate::engine::committer::Failure;
use crate::engine::load::Loader;
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
    /// What is to be known of queues that keep what is ready.
    pub(in crate::engine) held_back: Vec<HeldBack>,
}

/// Whether a look passed over ready tasks of a queue.
pub(in crate::engine) struct HeldBack {
    pub(in crate::engine) namespace: String,
    pub(in crate::engine) queue: String,
    pub(in crate::engine) is_so: bool,
}

impl Look {
    /// Puts its tasks into the order in which they are given out.
    pub(in crate::engine) fn sort(&mut self) {
        let order = |task: &Ready| (Reverse(task.priority), task.since, task.id);
        self.ready.sort_unstable_by_key(order);
    }

    fn add(&mut self, ready: Vec<Ready>, is_cut_off: bool) {
        if is_cut_off {
            self.cut_off.extend(ready.last().cloned());
        }
        self.ready.extend(ready);
    }
}

impl Loader {
    /// Looks for up to `limit` tasks that may be given out at `now`.
    pub(in crate::engine) async fn look(
        &mut self,
        demand: &Demand,
        limit: usize,
        (queues, now): (&Queues, Timestamp),
    ) -> Result<Look, Failure> {
        let mut look = Look::default();
        let is_limited = |name: &String| {
            let known = queues.get(&demand.namespace, name);
            known.is_some_and(|known| known.standing.queue.is_limited())
        };
        let (limited, free): (Vec<String>, Vec<String>) = if queues.is_empty() {
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
            self.look_into(&of(vec![name]), limit, (queues, now), &mut look)
                .await?;
        }
        look.sort();
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
        limit: usize,
        (queues, now): (&Queues, Timestamp),
        look: &mut Look,
    ) -> Result<(), Failure> {
        let (namespace, name) = (demand.namespace.as_str(), demand.queues[0].as_str());
        let Some(known) = queues.get(namespace, name) else {
            return Ok(());
        };
        let held_back = |is_so| HeldBack {
            namespace: namespace.to_owned(),
            queue: name.to_owned(),
            is_so,
        };
        let StandingQueue { queue, usage } = &known.standing;
        let room = usize::try_from(queue.room(*usage, now)).unwrap_or(usize::MAX);
        if room == 0 {
            look.held_back.push(held_back(true));
            self.workers.turns.wait(&known.standing, now);
            return Ok(());
        }
        let limit = limit.min(room);
        let (ready, is_cut_off) = if queue.spec.keys.is_some() {
            self.look_by_keys((demand, known), limit, now).await?
        } else {
            self.ready(demand, limit, now).await?
        };
        if !is_cut_off && demand.types.is_none() {
            look.held_back.push(held_back(queue.spec.keys.is_some()));
        }
        look.add(ready, is_cut_off);
        Ok(())
    }

    /// Tasks of a queue with a limit by key: of each key no more than may be given out. Answers too whether there may be
    /// more.
    async fn look_by_keys(
        &mut self,
        (demand, known): (&Demand, &Known),
        limit: usize,
        now: Timestamp,
    ) -> Result<(Vec<Ready>, bool), Failure> {
        let (oldest, _) = self.ready(demand, 1, now).await?;
        let Some(keys) = &known.standing.queue.spec.keys else {
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
