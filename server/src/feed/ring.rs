//! The newest events of one namespace, without a gap, bounded by bytes.

use std::collections::VecDeque;
use std::sync::{Arc, OnceLock};

use baton_domain::{Event, HeapBytes as _};

use super::Logged;

/// An event and its message without what they hold on the heap, roughly. The message says all of that again.
const EVENT_BYTES: usize = 900;

#[derive(Default)]
pub(super) struct Ring {
    events: VecDeque<Kept>,
    bytes: usize,
}

struct Kept {
    event: Arc<Event>,
    /// Made for the first reader: most events fall out without any.
    shared: OnceLock<Arc<Logged>>,
    bytes: usize,
}

impl Kept {
    fn share(&self) -> Arc<Logged> {
        let share = || Arc::new(Logged::new(Arc::clone(&self.event)));
        Arc::clone(self.shared.get_or_init(share))
    }
}

impl Ring {
    /// Adds events whose positions follow the last one; drops the oldest beyond `most_bytes`.
    pub(super) fn extend(&mut self, events: &[Arc<Event>], most_bytes: usize) {
        for event in events {
            if self
                .events
                .back()
                .is_some_and(|last| last.event.position + 1 != event.position)
            {
                // Cannot follow from a correct log; without a gap is what readers rely on.
                self.events.clear();
                self.bytes = 0;
            }
            let bytes = size(event);
            self.bytes += bytes;
            self.events.push_back(Kept {
                event: Arc::clone(event),
                shared: OnceLock::new(),
                bytes,
            });
        }
        self.shrink(most_bytes);
    }

    /// Drops the oldest beyond `most_bytes`.
    pub(super) fn shrink(&mut self, most_bytes: usize) {
        while self.bytes > most_bytes
            && let Some(oldest) = self.events.pop_front()
        {
            self.bytes -= oldest.bytes;
        }
    }

    /// The events above `position`, at most `limit` and so many bytes, but at least one; `None` where the ring does not
    /// reach back that far.
    pub(super) fn after(
        &self,
        position: i64,
        (limit, most_bytes): (usize, usize),
    ) -> Option<Vec<Arc<Logged>>> {
        let first = self.events.front()?.event.position;
        let skip = usize::try_from(position + 1 - first).ok()?;
        let rest = self.events.iter().skip(skip).take(limit);
        let some = fitting(rest.clone().map(|kept| kept.bytes), most_bytes);
        let events: Vec<_> = rest.take(some).map(Kept::share).collect();
        (!events.is_empty()).then_some(events)
    }

    #[cfg(test)]
    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }
}

/// How many of these are no more than `most_bytes` together; at least one.
pub(super) fn fitting(sizes: impl Iterator<Item = usize>, most_bytes: usize) -> usize {
    let mut bytes = 0;
    let within = sizes.take_while(|size| {
        bytes += size;
        bytes <= most_bytes
    });
    within.count().max(1)
}

pub(super) fn size(event: &Event) -> usize {
    EVENT_BYTES + 2 * event.heap_bytes()
}

#[cfg(test)]
mod tests {
    use baton_domain::{Actor, Detail, EventType, Labels, Progress, State, TaskId, Timestamp, reason};

    use super::*;

    #[test]
    fn the_details_of_events_count() {
        let step = "x".repeat(10_000);
        let events = (1..=100).map(|position| {
            Arc::new(Event {
                task_id: TaskId(uuid::Uuid::nil()),
                namespace: "default".to_owned(),
                sequence: position,
                position,
                kind: EventType::Progress,
                time: Timestamp::from_micros(position),
                actor: Actor::anonymous(),
                message: String::new(),
                from_state: Some(State::InProgress),
                to_state: State::InProgress,
                state_reason: reason::READY,
                attempt: 1,
                fence: 1,
                queue: "default".to_owned(),
                task_type: "report".to_owned(),
                labels: Labels::default(),
                imported: false,
                detail: Detail::Progress(Progress {
                    current_step: step.clone(),
                    ..Progress::default()
                }),
            })
        });
        let events: Vec<_> = events.collect();
        let mut ring = Ring::default();
        ring.extend(&events, 200_000);
        let kept = ring.after(99, (1, usize::MAX)).map(|newest| newest.len());
        assert_eq!(kept, Some(1), "the newest is there");
        assert!(
            ring.after(89, (100, usize::MAX)).is_none(),
            "ten events and their messages are more"
        );
        assert!(ring.after(91, (100, usize::MAX)).is_some(), "nine fit in");
    }
}
