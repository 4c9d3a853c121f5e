//! Calls that wait for a task to become ready, each woken when there is one for it.
//!
//! Nobody is woken in vain but where somebody else came first, and no ready task is forgotten: a call stands in line
//! *before* it looks, so what becomes ready while it looks wakes it again; and what a call was woken for and did not get
//! it hands on when it leaves, be it that it got others or that its caller is gone.
//!
//! A commit costs what it made ready and whom that wakes, however many wait: there is a line for each queue and type that
//! somebody asks for, and one for each queue of those who take any type.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::{Notify, oneshot};

use crate::engine::{ClaimRequest, Done};
use crate::metrics;
use crate::store::Demand;

/// Namespace, queue and type of a task.
type Kind<'a> = (&'a str, &'a str, &'a str);
/// Who waits, by arrival.
type Line = BTreeMap<u64, Arc<Waiter>>;

/// The lines of waiting calls.
#[derive(Clone, Default)]
pub(crate) struct Parked {
    lines: Arc<Mutex<Lines>>,
}

#[derive(Default)]
struct Lines {
    arrivals: u64,
    /// By namespace and queue.
    waiting: HashMap<String, HashMap<String, QueueLines>>,
}

/// Those who wait at one queue.
#[derive(Default)]
struct QueueLines {
    of_any_type: Line,
    by_type: HashMap<String, Line>,
}

struct Waiter {
    arrival: u64,
    demand: Demand,
    wanted: usize,
    woken: Notify,
    promises: Mutex<Promises>,
    resting: Mutex<Option<Resting>>,
}

/// What a call wants that looked and found nothing: a commit that makes tasks ready may give them to it.
pub(crate) struct Resting {
    /// What it asked for.
    pub(crate) claim: ClaimRequest,
    /// Takes what it is given. Dropped, it looks again.
    pub(crate) reply: oneshot::Sender<Vec<Done>>,
}

/// Queue and type of a task; without a type where there is room in the queue for whatever is ready.
type Promise = (String, Option<String>);

/// What a call was woken for and has not seen yet.
#[derive(Default)]
struct Promises {
    /// Since it stood in line. While it does, there are none.
    new: Vec<Promise>,
    /// Before that: it is looking for these.
    sought: Vec<Promise>,
}

/// The place of one call. It leaves the line when it is dropped.
pub(crate) struct Place {
    parked: Parked,
    waiter: Arc<Waiter>,
}

impl Parked {
    /// A place for a call that takes up to `wanted` tasks; not in line yet.
    pub(crate) fn place(&self, demand: Demand, wanted: usize) -> Place {
        let mut lines = self.lines.lock();
        lines.arrivals += 1;
        let arrival = lines.arrivals;
        drop(lines);
        Place {
            parked: self.clone(),
            waiter: Arc::new(Waiter {
                arrival,
                demand,
                wanted,
                woken: Notify::new(),
                promises: Mutex::default(),
                resting: Mutex::default(),
            }),
        }
    }

    /// Wakes those who wait for these tasks, the longest waiting first, each for as many as it takes.
    pub(crate) fn ready<'a>(&self, tasks: impl Iterator<Item = Kind<'a>>) {
        let mut tasks = tasks.peekable();
        if tasks.peek().is_none() {
            return;
        }
        let mut lines = self.lines.lock();
        if lines.waiting.is_empty() {
            return;
        }
        let mut woken: Vec<Arc<Waiter>> = Vec::new();
        for task in tasks {
            let Some(waiter) = lines.first(task) else { continue };
            let promised = waiter.promise(promise(task));
            if promised >= waiter.wanted {
                lines.leave(&waiter);
            }
            if promised == 1 {
                woken.push(waiter);
            }
        }
        for waiter in woken {
            lines.leave(&waiter);
            waiter.woken.notify_one();
        }
    }

    /// There is room for `count` more tasks of a queue: wakes those who wait at it, for each as many as take different types,
    /// the longest waiting first. What is ready there is not known.
    pub(crate) fn freed(&self, (namespace, queue): (&str, &str), count: usize) {
        let mut lines = self.lines.lock();
        let mut woken: Vec<Arc<Waiter>> = Vec::new();
        for _ in 0..count {
            let firsts = lines.firsts((namespace, queue));
            if firsts.is_empty() {
                break;
            }
            for waiter in firsts {
                let promised = waiter.promise((queue.to_owned(), None));
                if promised >= waiter.wanted {
                    lines.leave(&waiter);
                }
                if promised == 1 {
                    woken.push(waiter);
                }
            }
        }
        for waiter in woken {
            lines.leave(&waiter);
            waiter.woken.notify_one();
        }
    }

    /// Whether nobody waits.
    pub(crate) fn is_empty(&self) -> bool {
        self.lines.lock().waiting.is_empty()
    }

    /// Takes who has waited longest for such a task out of the line, where that one rests and may have it. Who is looking
    /// just now finds it.
    pub(crate) fn rouse(&self, task: Kind<'_>, may: impl Fn(&ClaimRequest) -> bool) -> Option<Resting> {
        let mut lines = self.lines.lock();
        let waiter = lines.first(task)?;
        let is_there = |resting: &mut Resting| !resting.reply.is_closed() && may(&resting.claim);
        let resting = waiter.resting.lock().take_if(is_there)?;
        lines.leave(&waiter);
        Some(resting)
    }

    /// Wakes one who waits with `demand`: its like looked and did not come to `task`, or to what stands behind it.
    pub(crate) fn again(&self, demand: &Demand, task: Kind<'_>) {
        let mut lines = self.lines.lock();
        if let Some(waiter) = lines.like(demand) {
            waiter.promise(promise(task));
            lines.leave(&waiter);
            waiter.woken.notify_one();
        }
    }

    /// Wakes everybody: what was committed is not known.
    pub(crate) fn everybody(&self) {
        let mut lines = self.lines.lock();
        let queues = std::mem::take(&mut lines.waiting);
        let all = queues.into_values().flat_map(HashMap::into_values);
        for lines in all {
            let lines = lines.by_type.into_values().chain([lines.of_any_type]);
            let waiters = lines.flat_map(BTreeMap::into_values);
            waiters.for_each(|waiter| waiter.woken.notify_one());
        }
    }
}

impl Lines {
    /// Who has waited longest for such a task.
    fn first(&self, (namespace, queue, task_type): Kind<'_>) -> Option<Arc<Waiter>> {
        let lines = self.waiting.get(namespace)?.get(queue)?;
        let of_type = lines.by_type.get(task_type).and_then(BTreeMap::first_key_value);
        let of_any = lines.of_any_type.first_key_value();
        let (_, first) = of_type
            .into_iter()
            .chain(of_any)
            .min_by_key(|(arrival, _)| **arrival)?;
        Some(Arc::clone(first))
    }

    /// Who has waited longest in each line of a queue, each of them once.
    fn firsts(&self, (namespace, queue): (&str, &str)) -> Vec<Arc<Waiter>> {
        let lines = self.waiting.get(namespace).and_then(|queues| queues.get(queue));
        let Some(QueueLines { of_any_type, by_type }) = lines else {
            return Vec::new();
        };
        let firsts = by_type.values().chain([of_any_type]);
        let firsts: Line = firsts
            .filter_map(BTreeMap::first_key_value)
            .map(|(arrival, waiter)| (*arrival, Arc::clone(waiter)))
            .collect();
        firsts.into_values().collect()
    }

    /// Who has waited longest with the same demand.
    fn like(&self, demand: &Demand) -> Option<Arc<Waiter>> {
        let lines = self.waiting.get(&demand.namespace)?.get(demand.queues.first()?)?;
        let line = match &demand.types {
            Some(types) => lines.by_type.get(types.first()?)?,
            None => &lines.of_any_type,
        };
        line.values().find(|waiter| waiter.demand == *demand).cloned()
    }

    fn enter(&mut self, waiter: &Arc<Waiter>) {
        let Demand {
            namespace,
            queues,
            types,
        } = &waiter.demand;
        let of_namespace = self.waiting.entry(namespace.clone()).or_default();
        for queue in queues {
            let lines = of_namespace.entry(queue.clone()).or_default();
            let Some(types) = types else {
                lines.of_any_type.insert(waiter.arrival, Arc::clone(waiter));
                continue;
            };
            for task_type in types {
                let line = lines.by_type.entry(task_type.clone()).or_default();
                line.insert(waiter.arrival, Arc::clone(waiter));
            }
        }
    }

    fn leave(&mut self, waiter: &Waiter) {
        let Demand {
            namespace,
            queues,
            types,
        } = &waiter.demand;
        let Some(of_namespace) = self.waiting.get_mut(namespace) else {
            return;
        };
        for queue in queues {
            let Some(lines) = of_namespace.get_mut(queue) else {
                continue;
            };
            lines.of_any_type.remove(&waiter.arrival);
            for task_type in types.iter().flatten() {
                if let Some(line) = lines.by_type.get_mut(task_type) {
                    line.remove(&waiter.arrival);
                    if line.is_empty() {
                        lines.by_type.remove(task_type);
                    }
                }
            }
            if lines.of_any_type.is_empty() && lines.by_type.is_empty() {
                of_namespace.remove(queue);
            }
        }
        if of_namespace.is_empty() {
            self.waiting.remove(namespace);
        }
    }
}

impl Waiter {
    /// Answers how many tasks it is woken for now.
    fn promise(&self, promise: Promise) -> usize {
        let mut promises = self.promises.lock();
        promises.new.push(promise);
        promises.new.len()
    }
}

fn promise((_, queue, task_type): Kind<'_>) -> Promise {
    (queue.to_owned(), Some(task_type.to_owned()))
}

impl Place {
    /// Stands in line. Its call looks now, for what it was woken for and for everything else.
    pub(crate) fn stand(&self) {
        let mut lines = self.parked.lines.lock();
        let mut promises = self.waiter.promises.lock();
        let Promises { new, sought } = &mut *promises;
        sought.append(new);
        lines.enter(&self.waiter);
    }

    /// The call looked and got these. Where it got none, there are none for it. Else it is going to leave with them, and
    /// does not know of the rest.
    pub(crate) fn looked<'a>(&self, got: impl Iterator<Item = Kind<'a>>) {
        let mut promises = self.waiter.promises.lock();
        let Promises { new, sought } = &mut *promises;
        let mut is_empty = true;
        for (_, queue, task_type) in got {
            is_empty = false;
            let of = |known: &Vec<Promise>| {
                let is_it = |known: &Promise| known.0 == queue && known.1.as_deref() == Some(task_type);
                let is_room = |known: &Promise| known.0 == queue && known.1.is_none();
                known
                    .iter()
                    .position(is_it)
                    .or_else(|| known.iter().position(is_room))
            };
            if let Some(place) = of(sought) {
                sought.swap_remove(place);
            } else if let Some(place) = of(new) {
                new.swap_remove(place);
            }
        }
        if is_empty {
            sought.clear();
        }
    }

    /// The call rests: it looked and got nothing. What is made ready for it may come by the channel; where that is closed,
    /// the call is to look again.
    pub(crate) fn rest(&self, claim: ClaimRequest) -> oneshot::Receiver<Vec<Done>> {
        let (reply, handed) = oneshot::channel();
        *self.waiter.resting.lock() = Some(Resting { claim, reply });
        handed
    }

    /// The call rests no more. Answers false where something is about to be handed to it, or was.
    pub(crate) fn rise(&self) -> bool {
        self.waiter.resting.lock().take().is_some()
    }

    /// Waits until there may be a task since [`Place::stand`].
    pub(crate) async fn woken(&self) {
        metrics::poll_parked();
        let _unpark = Unpark;
        self.waiter.woken.notified().await;
    }
}

struct Unpark;

impl Drop for Unpark {
    fn drop(&mut self) {
        metrics::poll_unparked();
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.parked.lines.lock().leave(&self.waiter);
        let Promises { mut new, sought } = std::mem::take(&mut *self.waiter.promises.lock());
        new.extend(sought);
        let namespace = self.waiter.demand.namespace.as_str();
        let kinds = new
            .iter()
            .filter_map(|(queue, task_type)| Some((namespace, queue.as_str(), task_type.as_deref()?)));
        self.parked.ready(kinds);
        for (queue, _) in new.iter().filter(|(_, task_type)| task_type.is_none()) {
            self.parked.freed((namespace, queue), 1);
        }
    }
}

#[cfg(test)]
mod tests;
