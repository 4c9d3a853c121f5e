//! Since when the ready tasks of a place wait, at most: a look for them begins there.
//!
//! PostgreSQL keeps the entries of tasks that were given out long ago for as long as an old snapshot may want to see them, and
//! they stand before all others in the index of ready tasks. Whoever begins at the front walks over all of them, every time.

use std::collections::HashMap;

use baton_domain::{Event, EventType, Span, State, Timestamp};

use super::ready::{Demand, Ready};

/// One for each priority, by its number.
pub(super) type ByPriority = [i64; 5];

/// Places that are remembered.
const PLACES: usize = 1_024;
/// A look from the front on comes so often, at least.
const WHOLE: Span = Span::from_secs(10);

/// What the committer remembers of its last looks. It tells of every event: [`Self::note`].
#[derive(Debug, Default)]
pub struct Floors {
    /// By namespace, queue and type; without a type, of all types.
    places: HashMap<(String, String, Option<String>), ByPriority>,
    /// None is higher.
    highest: i64,
    /// When all were forgotten last because of their age.
    refreshed: Timestamp,
}

impl Floors {
    /// The floors of a place; of one that is not known, the beginning of time.
    pub(super) fn of(&self, namespace: &str, queue: &str, task_type: Option<&str>) -> ByPriority {
        if self.places.is_empty() {
            return ByPriority::default();
        }
        let place = (
            namespace.to_owned(),
            queue.to_owned(),
            task_type.map(str::to_owned),
        );
        self.places.get(&place).copied().unwrap_or_default()
    }

    /// Has the next look begin at the front where the last such look is long ago. What is remembered follows from the events;
    /// a mistake in that costs a task these seconds, and not its life.
    pub(super) fn refresh(&mut self, now: Timestamp) {
        if now.since(self.refreshed) >= WHOLE {
            self.forget();
            self.refreshed = now;
        }
    }

    /// Takes in the answer to a look at `now`. Where nothing was found, later ones come with times that are no less. Of one
    /// that is not `whole`, what it does not name may be there.
    pub(super) fn learn(&mut self, demand: &Demand, (ready, whole): (&[Ready], bool), now: Timestamp) {
        if self.places.len() > PLACES {
            self.forget();
        }
        for queue in &demand.queues {
            match &demand.types {
                None => self.learn_place(demand, (queue, None), (ready, whole), now),
                Some(types) => {
                    for task_type in types {
                        self.learn_place(demand, (queue, Some(task_type)), (ready, whole), now);
                    }
                }
            }
        }
    }

    fn learn_place(
        &mut self,
        demand: &Demand,
        (queue, task_type): (&str, Option<&str>),
        (ready, whole): (&[Ready], bool),
        now: Timestamp,
    ) {
        let mut floors = self.of(&demand.namespace, queue, task_type);
        for (number, floor) in (1..).zip(&mut floors) {
            let is_there = |task: &&Ready| {
                task.priority == number
                    && task.queue == queue
                    && task_type.is_none_or(|wanted| task.task_type == wanted)
            };
            let first = ready.iter().filter(is_there).map(|task| task.since).min();
            if let Some(first) = first.or(whole.then_some(now)) {
                *floor = first.as_micros();
                self.highest = self.highest.max(*floor);
            }
        }
        let place = (
            demand.namespace.clone(),
            queue.to_owned(),
            task_type.map(str::to_owned),
        );
        self.places.insert(place, floors);
    }

    /// Takes in what was committed, whoever did it.
    pub fn note(&mut self, event: &Event) {
        if event.to_state != State::Queued || self.places.is_empty() {
            return;
        }
        if event.kind == EventType::Updated || event.imported {
            // It may have come to another place, where it stands as long as it has waited.
            self.forget();
        } else if event.time.as_micros() < self.highest {
            let time = event.time.as_micros();
            for floor in self.places.values_mut().flatten() {
                *floor = (*floor).min(time);
            }
        }
    }

    /// For what is not known event by event.
    pub fn forget(&mut self) {
        self.places.clear();
        self.highest = 0;
    }
}
