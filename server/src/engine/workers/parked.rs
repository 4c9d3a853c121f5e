//! Calls that wait for a task to become ready, each woken when there is one for it.
//!
//! Nobody is woken in vain but where somebody else came first, and no ready task is forgotten: a call stands in line
//! *before* it looks, so what becomes ready while it looks wakes it again; and one that leaves hands on what it was woken
//! for.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::metrics;
use crate::store::Demand;

/// A queue in its namespace.
type Line = (String, String);
/// Namespace, queue and type of a task.
type Kind<'a> = (&'a str, &'a str, &'a str);

/// The lines of waiting calls, one for each queue.
#[derive(Clone, Default)]
pub(crate) struct Parked {
    lines: Arc<Mutex<Lines>>,
}

#[derive(Default)]
struct Lines {
    arrivals: u64,
    waiting: HashMap<Line, BTreeMap<u64, Arc<Waiter>>>,
}

struct Waiter {
    arrival: u64,
    demand: Demand,
    wanted: usize,
    woken: Notify,
    /// Queue and type of each task that it was woken for.
    promised: Mutex<Vec<(String, String)>>,
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
                promised: Mutex::default(),
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
            let has_room = |waiter: &&Arc<Waiter>| {
                waiter.demand.takes(task) && waiter.promised.lock().len() < waiter.wanted
            };
            if let Some(waiter) = woken.iter().find(has_room) {
                waiter.promise(task);
            } else if let Some(waiter) = lines.first(task) {
                waiter.promise(task);
                waiter.woken.notify_one();
                lines.leave(&waiter);
                woken.push(waiter);
            }
        }
    }

    /// Wakes everybody: what was committed is not known.
    pub(crate) fn everybody(&self) {
        let mut lines = self.lines.lock();
        for line in std::mem::take(&mut lines.waiting).into_values() {
            line.into_values().for_each(|waiter| waiter.woken.notify_one());
        }
    }
}

impl Lines {
    /// Who has waited longest for such a task.
    fn first(&self, task: Kind<'_>) -> Option<Arc<Waiter>> {
        let line = self.waiting.get(&(task.0.to_owned(), task.1.to_owned()))?;
        line.values()
            .find(|waiter| waiter.demand.takes(task))
            .map(Arc::clone)
    }

    fn enter(&mut self, waiter: &Arc<Waiter>) {
        for line in waiter.lines() {
            let line = self.waiting.entry(line).or_default();
            line.insert(waiter.arrival, Arc::clone(waiter));
        }
    }

    fn leave(&mut self, waiter: &Waiter) {
        for name in waiter.lines() {
            if let Some(line) = self.waiting.get_mut(&name) {
                line.remove(&waiter.arrival);
                if line.is_empty() {
                    self.waiting.remove(&name);
                }
            }
        }
    }
}

impl Waiter {
    fn lines(&self) -> impl Iterator<Item = Line> {
        let Demand {
            namespace, queues, ..
        } = &self.demand;
        queues.iter().map(|queue| (namespace.clone(), queue.clone()))
    }

    fn promise(&self, (_, queue, task_type): Kind<'_>) {
        let mut promised = self.promised.lock();
        promised.push((queue.to_owned(), task_type.to_owned()));
    }
}

impl Place {
    /// Stands in line. What it was woken for before counts no more: its call looks now.
    pub(crate) fn stand(&self) {
        let mut lines = self.parked.lines.lock();
        self.waiter.promised.lock().clear();
        lines.enter(&self.waiter);
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
        let promised = std::mem::take(&mut *self.waiter.promised.lock());
        let namespace = self.waiter.demand.namespace.as_str();
        let kinds = promised
            .iter()
            .map(|(queue, task_type)| (namespace, queue.as_str(), task_type.as_str()));
        self.parked.ready(kinds);
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;

    const A: Kind<'_> = ("default", "a", "x");
    const B: Kind<'_> = ("default", "b", "y");

    fn demand(queues: &[&str], types: Option<&[&str]>) -> Demand {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        Demand {
            namespace: "default".to_owned(),
            queues: names(queues),
            types: types.map(names),
        }
    }

    fn stands(parked: &Parked, queues: &[&str], types: Option<&[&str]>) -> Place {
        let place = parked.place(demand(queues, types), 2);
        place.stand();
        place
    }

    fn is_woken(place: &Place) -> bool {
        place.woken().now_or_never().is_some()
    }

    #[test]
    fn the_longest_waiting_that_takes_it_is_woken_and_nobody_else() {
        let parked = Parked::default();
        let other_type = stands(&parked, &["a"], Some(&["z"]));
        let first = stands(&parked, &["b", "a"], Some(&["x"]));
        let second = stands(&parked, &["a"], None);
        parked.ready([A].into_iter());
        assert!(is_woken(&first) && !is_woken(&second) && !is_woken(&other_type));
        parked.ready([A].into_iter());
        assert!(is_woken(&second) && !is_woken(&first));
    }

    #[test]
    fn one_call_is_woken_for_as_many_as_it_takes() {
        let parked = Parked::default();
        let first = stands(&parked, &["a"], None);
        let second = stands(&parked, &["a"], None);
        let third = stands(&parked, &["a"], None);
        parked.ready([A, A, A].into_iter());
        assert!(is_woken(&first) && is_woken(&second) && !is_woken(&third));
    }

    #[test]
    fn a_call_that_leaves_hands_on_what_it_was_woken_for() {
        let parked = Parked::default();
        let first = stands(&parked, &["a", "b"], None);
        let of_b = stands(&parked, &["b"], None);
        let of_a = stands(&parked, &["a"], None);
        parked.ready([A].into_iter());
        drop(first);
        assert!(is_woken(&of_a) && !is_woken(&of_b));
    }

    #[test]
    fn what_becomes_ready_while_a_call_looks_wakes_it_again() {
        let parked = Parked::default();
        let place = stands(&parked, &["b"], None);
        parked.ready([B].into_iter());
        assert!(is_woken(&place));
        place.stand();
        parked.ready([B].into_iter());
        assert!(is_woken(&place));
        // It got that one: nobody is to be woken for it any more.
        place.stand();
        let other = stands(&parked, &["b"], None);
        drop(place);
        assert!(!is_woken(&other));
    }
}
