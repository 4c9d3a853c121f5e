//! One watch: where it begins, what it is told, and from where it can be resumed. Knows nothing of messages.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use baton_domain::{Event, EventType, Task, TaskId};
use tokio::time::{Instant, Sleep, sleep_until};

use super::ring::fitting;
use super::{Feed, Logged, ReadError, Reader, Selection};
use crate::seams::monotonic_now;
use crate::store::{
    EventsOfQuery, ListField, ListOrder, ListQuery, SCAN_ROWS, SortKey, Store, StoreError, Window,
    named_bytes,
};

/// Events read at once.
const EVENTS_READ: usize = 256;
/// Tasks of one part of a snapshot.
const SNAPSHOT_TASKS: u32 = 50;
/// Bytes of payloads held for one watch, unless a single task or event has more: those of one message.
const PAYLOAD_BYTES: usize = 256 * 1024;

/// What to watch.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Whose log.
    pub namespace: String,
    /// Which events.
    pub selection: Selection,
    /// The one task watched, if it is one: its own history is read in place of the log, and its end ends the watch.
    pub task: Option<TaskId>,
    /// Fill in the payloads that events name.
    pub payloads: bool,
    /// Where to begin.
    pub begin: Begin,
    /// A bookmark after so long without a message.
    pub bookmark_every: Duration,
}

/// Where a watch begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begin {
    /// With a bookmark, then events from now on.
    Now,
    /// Above a position; 0 is the beginning.
    After(i64),
    /// With the tasks that match; above `after` where a snapshot is resumed, whose events begin above `position`.
    Snapshot {
        /// The last task told of.
        after: Option<TaskId>,
        /// Where the events begin.
        position: i64,
    },
}

/// What a watch is told next.
#[derive(Debug)]
pub enum Update {
    /// A part of the snapshot; it may be empty though there is more. `next` is `None` where it is the last part.
    Tasks {
        /// The tasks.
        tasks: Vec<Task>,
        /// Where the snapshot goes on.
        next: Option<TaskId>,
        /// Where the events begin.
        position: i64,
    },
    /// Events, with whether the task left; everything up to `through` was judged.
    Events {
        /// In order, with whether the task stopped matching.
        events: Vec<(Arc<Logged>, bool)>,
        /// The position up to which nothing is missing.
        through: i64,
    },
    /// Nothing new up to there.
    Bookmark {
        /// The position up to which nothing is missing.
        through: i64,
    },
}

enum Phase {
    Snapshot {
        after: Option<TaskId>,
        position: i64,
    },
    /// The task's own history above `sequence`, up to position `until`.
    History {
        sequence: i64,
        above: i64,
        until: i64,
        /// Whether the task ends with what was read so far.
        ended: bool,
    },
    Live,
    Ended,
}

/// Events whose payloads are still to be read, and the position up to which they were judged.
#[derive(Default)]
struct Unfilled {
    events: VecDeque<(Arc<Logged>, bool)>,
    through: i64,
}

/// A watch under way.
pub struct Watch {
    store: Store,
    plan: Plan,
    phase: Phase,
    unfilled: Unfilled,
    reader: Reader,
    greet: bool,
    next_bookmark: Instant,
    /// Wakes at `next_bookmark` or before.
    bookmark: Pin<Box<Sleep>>,
}

impl Watch {
    /// Begins to watch. Reads nothing yet.
    #[must_use]
    pub fn new(feed: &Feed, plan: Plan) -> Self {
        let head = feed.head(&plan.namespace);
        let (phase, position) = match (plan.begin, plan.task) {
            (Begin::Now, _) => (Phase::Live, head),
            (Begin::After(position), None) => (Phase::Live, position),
            (Begin::After(position), Some(_)) => (
                Phase::History {
                    sequence: 0,
                    above: position,
                    until: head.max(position),
                    ended: false,
                },
                head.max(position),
            ),
            (Begin::Snapshot { after, position }, _) => (Phase::Snapshot { after, position }, position),
        };
        let next_bookmark = monotonic_now() + plan.bookmark_every;
        Self {
            store: feed.store().clone(),
            reader: feed.reader(&plan.namespace, position),
            greet: plan.begin == Begin::Now,
            next_bookmark,
            bookmark: Box::pin(sleep_until(next_bookmark)),
            phase,
            unfilled: Unfilled::default(),
            plan,
        }
    }

    /// Events committed that this watch has not looked at.
    #[must_use]
    pub fn lag(&self) -> i64 {
        self.reader.lag()
    }

    /// What comes next; `None` where the watched task has ended and everything was told. Waits. Cancel-safe.
    ///
    /// # Errors
    /// [`ReadError`]: the watch cannot go on.
    pub async fn next(&mut self) -> Result<Option<Update>, ReadError> {
        let update = self.advance().await?;
        self.next_bookmark = monotonic_now() + self.plan.bookmark_every;
        Ok(update)
    }

    async fn advance(&mut self) -> Result<Option<Update>, ReadError> {
        loop {
            if let Some(update) = self.fill().await? {
                return Ok(Some(update));
            }
            match self.phase {
                Phase::Snapshot { after, position } => return self.snapshot(after, position).await.map(Some),
                Phase::History {
                    sequence,
                    above,
                    until,
                    ended,
                } => {
                    if let Some(update) = self.history((sequence, ended), (above, until)).await? {
                        return Ok(Some(update));
                    }
                }
                Phase::Live => {
                    if self.greet {
                        self.greet = false;
                        self.end_if_settled().await?;
                        return Ok(Some(Update::Bookmark {
                            through: self.reader.position(),
                        }));
                    }
                    if let Some(update) = self.live().await? {
                        return Ok(Some(update));
                    }
                }
                Phase::Ended => return Ok(None),
            }
        }
    }

    async fn snapshot(&mut self, after: Option<TaskId>, position: i64) -> Result<Update, ReadError> {
        let mut query = ListQuery {
            namespace: self.plan.namespace.clone(),
            filter: self.plan.selection.filter.clone(),
            order: ListOrder {
                field: ListField::Id,
                descending: false,
            },
            after: after.map(SortKey::of_id),
            limit: SNAPSHOT_TASKS,
            scan_limit: SCAN_ROWS,
            payloads: false,
        };
        let mut page = self.store.list(&query).await?;
        if self.plan.payloads && page.tasks.iter().any(|task| payload_bytes(task) > 0) {
            // Read again as many as may be held with their payloads: how large these are was not known before.
            let some = fitting(page.tasks.iter().map(payload_bytes), PAYLOAD_BYTES);
            if some < page.tasks.len() {
                query.limit = u32::try_from(some).unwrap_or(SNAPSHOT_TASKS);
            }
            query.payloads = true;
            page = self.store.list(&query).await?;
        }
        match page.next.map(|key| key.id) {
            Some(next) => {
                self.phase = Phase::Snapshot {
                    after: Some(next),
                    position,
                };
                Ok(Update::Tasks {
                    tasks: page.tasks,
                    next: Some(next),
                    position,
                })
            }
            None => {
                self.phase = Phase::Live;
                self.end_if_settled().await?;
                Ok(Update::Tasks {
                    tasks: page.tasks,
                    next: None,
                    position,
                })
            }
        }
    }

    /// A watch of one task whose end lies behind it has nothing to wait for. An end that came since the watch began is
    /// still ahead of the reader, and is told first.
    async fn end_if_settled(&mut self) -> Result<(), StoreError> {
        let Some(id) = self.plan.task else {
            return Ok(());
        };
        let newest = EventsOfQuery {
            window: Window::Before(i64::MAX),
            types: Vec::new(),
            limit: 1,
            payloads: false,
        };
        let events = self.store.events_of(id, &newest).await?;
        let behind = |last: &Event| last.position <= self.reader.position() && ends(last);
        if events.last().is_none_or(behind) {
            self.phase = Phase::Ended;
        }
        Ok(())
    }

    async fn history(
        &mut self,
        (sequence, ended): (i64, bool),
        (above, until): (i64, i64),
    ) -> Result<Option<Update>, ReadError> {
        let Some(id) = self.plan.task else {
            self.phase = Phase::Live;
            return Ok(None);
        };
        let query = EventsOfQuery {
            window: Window::After(sequence),
            types: Vec::new(),
            limit: EVENTS_READ as u32,
            payloads: false,
        };
        let events = self.store.events_of(id, &query).await?;
        let whole = events.len() < EVENTS_READ || events.last().is_none_or(|e| e.position >= until);
        let last = events.last().map_or(sequence, |e| e.sequence);
        let told = events.iter().rev().find(|e| e.position <= until);
        // A page may be empty, where the one before took the last event.
        let ended = told.map_or(ended, ends);
        let through = if whole {
            until
        } else {
            told.map_or(above, |e| e.position)
        };
        let events: Vec<_> = events
            .into_iter()
            .filter(|e| e.position > above && e.position <= until)
            .filter_map(|e| self.plan.selection.judge(&e).map(|s| (logged(e), s.left)))
            .collect();
        self.phase = match (whole, ended) {
            (true, true) => Phase::Ended,
            (true, false) => Phase::Live,
            (false, _) => Phase::History {
                sequence: last,
                above,
                until,
                ended,
            },
        };
        Ok(self.tell(events, through))
    }

    /// Events to tell of now, or, where their payloads are wanted, once these were read.
    fn tell(&mut self, events: Vec<(Arc<Logged>, bool)>, through: i64) -> Option<Update> {
        if events.is_empty() {
            return None;
        }
        if self.plan.payloads {
            let events = events.into();
            self.unfilled = Unfilled { events, through };
            return None;
        }
        Some(Update::Events { events, through })
    }

    /// The next of the events that wait for their payloads, as many as may be held with them. The others go on naming
    /// theirs: a reader that stops reading keeps no more than this.
    async fn fill(&mut self) -> Result<Option<Update>, StoreError> {
        let waiting = &self.unfilled.events;
        if waiting.is_empty() {
            return Ok(None);
        }
        let some = fitting(waiting.iter().map(|(event, _)| named_bytes(event)), PAYLOAD_BYTES);
        let (mut filled, left): (Vec<Event>, Vec<bool>) = waiting
            .iter()
            .take(some)
            .map(|(event, left)| (Event::clone(event), *left))
            .unzip();
        self.store.fill_payloads(&mut filled).await?;
        self.unfilled.events.drain(..some);
        let through = match filled.last() {
            Some(last) if !self.unfilled.events.is_empty() => last.position,
            Some(_) | None => self.unfilled.through,
        };
        let events = filled.into_iter().map(logged).zip(left).collect();
        Ok(Some(Update::Events { events, through }))
    }

    async fn live(&mut self) -> Result<Option<Update>, ReadError> {
        let read = tokio::select! {
            biased;
            // No read is given up for a bookmark: where reads take longer than its pause, there would be nothing else.
            () = self.reader.wait() => self.reader.next(EVENTS_READ).await?,
            () = self.bookmark.as_mut() => {
                // Set to the bookmark that was next when it was armed: moving it with every message costs more than
                // waking once in vain.
                let now = monotonic_now();
                let is_due = now >= self.next_bookmark;
                let next = if is_due { now + self.plan.bookmark_every } else { self.next_bookmark };
                self.bookmark.as_mut().reset(next);
                return Ok(is_due.then(|| Update::Bookmark { through: self.reader.position() }));
            }
        };
        let mut events = Vec::new();
        for event in read {
            let last = self.plan.task == Some(event.task_id) && ends(&event);
            if let Some(selected) = self.plan.selection.judge(&event) {
                events.push((event, selected.left));
            }
            if last {
                self.phase = Phase::Ended;
                break;
            }
        }
        let through = self.reader.position();
        if !events.is_empty() {
            return Ok(self.tell(events, through));
        }
        // Nothing here for this watch; on a busy log it still gets its bookmark in time.
        Ok((monotonic_now() >= self.next_bookmark).then_some(Update::Bookmark { through }))
    }
}

fn logged(event: Event) -> Arc<Logged> {
    Arc::new(Logged::new(Arc::new(event)))
}

/// Bytes of a task's payloads, whether they were read or not.
fn payload_bytes(task: &Task) -> usize {
    let both = [&task.input, &task.output].into_iter().flatten();
    both.map(|payload| usize::try_from(payload.size).unwrap_or_default())
        .sum()
}

/// Whether a watch of one task ends behind this event.
fn ends(event: &Event) -> bool {
    event.to_state.is_settled() || event.kind == EventType::Deleted
}
