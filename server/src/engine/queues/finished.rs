//! How fast tasks settle by their work, for whoever looks at a queue. Counted from what is committed, in memory: a view of
//! the last minutes, and no more.

use std::collections::{HashMap, VecDeque};

use baton_domain::{Event, State};
use parking_lot::Mutex;

/// What is counted together, in microseconds.
const STEP: i64 = 5_000_000;
/// The short look back and the long one, in steps.
const MINUTE: i64 = 12;
const FIVE_MINUTES: i64 = 60;
/// Queues that are counted at once. Whoever names more is not counted until others are quiet.
const QUEUES: usize = 10_000;

/// Tasks that settled, by steps.
type Steps = VecDeque<(i64, u32)>;

/// How fast tasks of a queue settle by their work.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pace {
    /// Tasks a second over the last minute.
    pub minute: f64,
    /// Tasks a second over the last five.
    pub five_minutes: f64,
    /// Since when they are counted, in microseconds since 1970.
    pub since_micros: i64,
}

/// Counts of all queues.
pub(in crate::engine) struct Finished {
    /// By namespace and queue.
    counts: Mutex<HashMap<String, HashMap<String, Steps>>>,
    began_micros: i64,
}

impl Finished {
    pub(in crate::engine) fn new(began_micros: i64) -> Self {
        Self {
            counts: Mutex::default(),
            began_micros,
        }
    }

    /// Takes in events that were committed.
    pub(in crate::engine) fn count<'a>(&self, events: impl Iterator<Item = &'a Event>) {
        let mut settled = events.filter(|event| is_settled_by_work(event)).peekable();
        if settled.peek().is_none() {
            return;
        }
        let mut counts = self.counts.lock();
        for event in settled {
            let step = event.time.as_micros() / STEP;
            if let Some(steps) = steps_of(&mut counts, (&event.namespace, &event.queue), step) {
                add(steps, step);
            }
        }
    }

    /// How fast it goes at `now_micros`.
    pub(super) fn pace(&self, (namespace, queue): (&str, &str), now_micros: i64) -> Pace {
        let now = now_micros / STEP;
        let counts = self.counts.lock();
        let steps = counts.get(namespace).and_then(|queues| queues.get(queue));
        let age = now_micros.saturating_sub(self.began_micros).max(1);
        let over = |back: i64| {
            let within = steps.into_iter().flatten().filter(|(step, _)| *step > now - back);
            let tasks: f64 = within.map(|(_, count)| f64::from(*count)).sum();
            tasks / seconds((back * STEP).min(age.max(STEP)))
        };
        Pace {
            minute: over(MINUTE),
            five_minutes: over(FIVE_MINUTES),
            since_micros: self.began_micros.max(now_micros - FIVE_MINUTES * STEP),
        }
    }
}

fn is_settled_by_work(event: &Event) -> bool {
    let by_work = matches!(event.to_state, State::Completed | State::Failed | State::Dead);
    by_work && event.from_state != Some(event.to_state)
}

/// The steps of a queue; `None` where there are too many queues.
fn steps_of<'c>(
    counts: &'c mut HashMap<String, HashMap<String, Steps>>,
    (namespace, queue): (&str, &str),
    now: i64,
) -> Option<&'c mut Steps> {
    let is_known = counts
        .get(namespace)
        .is_some_and(|queues| queues.contains_key(queue));
    if !is_known {
        if counts.values().map(HashMap::len).sum::<usize>() >= QUEUES {
            let is_recent = |steps: &Steps| steps.back().is_some_and(|(step, _)| *step > now - FIVE_MINUTES);
            counts
                .values_mut()
                .for_each(|queues| queues.retain(|_, steps| is_recent(steps)));
            counts.retain(|_, queues| !queues.is_empty());
        }
        if counts.values().map(HashMap::len).sum::<usize>() >= QUEUES {
            return None;
        }
        let queues = counts.entry(namespace.to_owned()).or_default();
        queues.insert(queue.to_owned(), Steps::new());
    }
    counts.get_mut(namespace)?.get_mut(queue)
}

fn add(steps: &mut Steps, step: i64) {
    match steps.back_mut() {
        Some((last, count)) if *last >= step => *count = count.saturating_add(1),
        Some(_) | None => steps.push_back((step, 1)),
    }
    while steps
        .front()
        .is_some_and(|(first, _)| *first <= step - FIVE_MINUTES)
    {
        steps.pop_front();
    }
}

#[expect(clippy::cast_precision_loss, reason = "five minutes of microseconds at most")]
fn seconds(micros: i64) -> f64 {
    micros as f64 / 1_000_000.0
}
