//! The feed: every committed event of a namespace, once and in order, to any number of readers.
//!
//! A reader is a cursor into the log and nothing else. Recent events are read from a ring in memory, older ones
//! from the store, so a slow reader costs no memory and loses nothing. What is told between tasks is only that the
//! head moved.

mod logged;
mod ring;
mod selection;
#[cfg(test)]
mod tests;
mod watch;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use baton_domain::Event;
use parking_lot::Mutex;
use tokio::sync::watch as latest;

pub use self::logged::Logged;
use self::ring::{Ring, fitting, size};
pub use self::selection::{Selected, Selection, only};
pub use self::watch::{Begin, Plan, Update, Watch};
use crate::store::{Heads, Store, StoreError};

/// Bytes of recent events kept for all namespaces together.
pub const RING_BYTES: usize = 32 * 1024 * 1024;
/// Bytes of events that are read at once, unless one has more: a reader that goes no further keeps them.
const READ_BYTES: usize = 1024 * 1024;

/// The log of every namespace. Cheap to clone.
#[derive(Clone)]
pub struct Feed {
    shared: Arc<Shared>,
}

struct Shared {
    store: Store,
    heads: Heads,
    logs: Mutex<Logs>,
    ring_bytes: usize,
}

#[derive(Default)]
struct Logs {
    by_name: HashMap<String, Known>,
    /// How many of them had events since they were read first: these share the ring's bytes.
    told: usize,
}

/// What is known of one namespace.
struct Known {
    log: Arc<Log>,
    /// While there are any, a log without events is kept: anybody may ask for any name.
    readers: usize,
    /// Whether anybody has read it since the start. Until then its ring stays empty: nobody may ever ask.
    was_read: bool,
    /// Whether it is in the store.
    lasting: bool,
    told: bool,
}

struct Log {
    namespace: String,
    ring: Mutex<Ring>,
    head: latest::Sender<i64>,
    horizon: AtomicI64,
}

/// Why a reader cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// What comes next is no longer in the log; `oldest` is the lowest position that is.
    #[error("the log begins at position {oldest}")]
    Expired {
        /// The lowest position that can be read.
        oldest: i64,
    },
    /// The store failed; reading again may work.
    #[error("the store failed")]
    Store(#[from] StoreError),
}

impl Feed {
    /// A feed over what the store holds; `heads` as the store was opened.
    #[must_use]
    pub fn new(store: Store, heads: Heads, ring_bytes: usize) -> Self {
        Self {
            shared: Arc::new(Shared {
                store,
                heads,
                logs: Mutex::default(),
                ring_bytes,
            }),
        }
    }

    /// Takes committed events, in the order of their positions, and wakes whoever waits for them.
    pub(crate) fn publish(&self, events: &[Arc<Event>]) {
        for run in events.chunk_by(|a, b| a.namespace == b.namespace) {
            let (log, share) = self.log_told(&run[0].namespace);
            if let Some(share) = share {
                log.ring.lock().extend(run, share);
            }
            log.head.send_replace(run[run.len() - 1].position);
        }
    }

    /// Takes over where a log ends, without the events on the way there: readers find those in the store.
    pub(crate) fn skip_to(&self, namespace: &str, position: i64) {
        let (log, _) = self.log_told(namespace);
        *log.ring.lock() = Ring::default();
        log.head.send_replace(position);
    }

    /// The log that events are added to, and how many bytes of them it may keep; `None` where it keeps none.
    fn log_told(&self, namespace: &str) -> (Arc<Log>, Option<usize>) {
        let mut logs = self.shared.logs.lock();
        let known = self.known(&mut logs, namespace);
        let log = Arc::clone(&known.log);
        known.lasting = true;
        if !known.was_read {
            return (log, None);
        }
        let is_new = !std::mem::replace(&mut known.told, true);
        logs.told += usize::from(is_new);
        let share = self.shared.ring_bytes / logs.told.max(1);
        // Those that fell quiet keep what they have until their share has halved: all together hold at most twice
        // the bytes, and looking at all of them stays rare.
        if is_new && logs.told.is_power_of_two() {
            for known in logs.by_name.values() {
                known.log.ring.lock().shrink(share);
            }
        }
        (log, Some(share))
    }

    /// The position of the last committed event; 0 where there is none.
    #[must_use]
    pub fn head(&self, namespace: &str) -> i64 {
        let logs = self.shared.logs.lock();
        let known = logs.by_name.get(namespace);
        known.map_or_else(
            || self.shared.heads.position(namespace),
            |known| *known.log.head.borrow(),
        )
    }

    /// The lowest position that can be read, which is 1 until the log is trimmed.
    #[must_use]
    pub fn oldest(&self, namespace: &str) -> i64 {
        let logs = self.shared.logs.lock();
        let known = logs.by_name.get(namespace);
        known.map_or_else(
            || self.shared.heads.oldest(namespace),
            |known| known.log.horizon.load(Ordering::SeqCst),
        )
    }

    /// Whether anybody has read that log since the start.
    pub(crate) fn was_read(&self, namespace: &str) -> bool {
        let logs = self.shared.logs.lock();
        logs.by_name.get(namespace).is_some_and(|known| known.was_read)
    }

    /// Moves the horizon: what is below `oldest` can no longer be read.
    pub(crate) fn trim(&self, namespace: &str, oldest: i64) {
        let mut logs = self.shared.logs.lock();
        let known = self.known(&mut logs, namespace);
        known.lasting = true;
        known.log.horizon.fetch_max(oldest, Ordering::SeqCst);
    }

    /// A reader of everything above `position`.
    #[must_use]
    pub fn reader(&self, namespace: &str, position: i64) -> Reader {
        let mut logs = self.shared.logs.lock();
        let known = self.known(&mut logs, namespace);
        known.readers += 1;
        known.was_read = true;
        let log = Arc::clone(&known.log);
        let head = log.head.subscribe();
        Reader {
            feed: self.clone(),
            log,
            head,
            position,
            rows: usize::MAX,
        }
    }

    pub(super) fn store(&self) -> &Store {
        &self.shared.store
    }

    fn known<'a>(&self, logs: &'a mut Logs, namespace: &str) -> &'a mut Known {
        let heads = &self.shared.heads;
        logs.by_name
            .entry(namespace.to_owned())
            .or_insert_with_key(|namespace| Known {
                log: Arc::new(Log {
                    namespace: namespace.clone(),
                    ring: Mutex::default(),
                    head: latest::Sender::new(heads.position(namespace)),
                    horizon: AtomicI64::new(heads.oldest(namespace)),
                }),
                readers: 0,
                was_read: false,
                lasting: heads.position(namespace) > 0,
                told: false,
            })
    }
}

/// A cursor into one namespace's log.
pub struct Reader {
    feed: Feed,
    log: Arc<Log>,
    head: latest::Receiver<i64>,
    position: i64,
    /// Rows that are worth reading at once, as the last read found.
    rows: usize,
}

impl Drop for Reader {
    fn drop(&mut self) {
        let mut logs = self.feed.shared.logs.lock();
        if let Some(known) = logs.by_name.get_mut(&self.log.namespace) {
            known.readers = known.readers.saturating_sub(1);
            if known.readers == 0 && !known.lasting {
                logs.by_name.remove(&self.log.namespace);
            }
        }
    }
}

impl Reader {
    /// The position up to which everything was read.
    #[must_use]
    pub fn position(&self) -> i64 {
        self.position
    }

    /// Events committed and not read yet.
    #[must_use]
    pub fn lag(&self) -> i64 {
        (*self.head.borrow() - self.position).max(0)
    }

    /// Waits until there is something to read. Cancel-safe.
    pub async fn wait(&mut self) {
        let position = self.position;
        // The sender lives in the log that this reader holds: it cannot go away.
        let _moved = self.head.wait_for(|head| position < *head).await;
    }

    /// The next events in order, at least one and at most `limit`; waits until there are any. Cancel-safe; but what is
    /// given up before it ends reads the store again from where it stood: who has anything else to do in time
    /// [waits](Self::wait) first.
    ///
    /// # Errors
    /// [`ReadError`]; the cursor stays where it is.
    pub async fn next(&mut self, limit: usize) -> Result<Vec<Arc<Logged>>, ReadError> {
        loop {
            let head = *self.head.borrow_and_update();
            if self.position < head {
                let events = self.read(limit).await?;
                if let Some(last) = events.last() {
                    self.position = last.position;
                    return Ok(events);
                }
            }
            let _moved = self.head.changed().await;
        }
    }

    async fn read(&mut self, limit: usize) -> Result<Vec<Arc<Logged>>, ReadError> {
        self.check_horizon()?;
        let recent = self.log.ring.lock().after(self.position, (limit, READ_BYTES));
        if let Some(events) = recent {
            return Ok(events);
        }
        let rows = u32::try_from(limit.min(self.rows)).unwrap_or(u32::MAX);
        let store = &self.feed.shared.store;
        let mut events = store.log(&self.log.namespace, self.position, rows).await?;
        if store.is_shared() {
            // Whoever moves the horizon says so in the store before anything goes.
            let oldest = store.oldest_position(&self.log.namespace).await?;
            self.log.horizon.fetch_max(oldest, Ordering::SeqCst);
        }
        // The horizon may have passed the cursor while the store was read.
        self.check_horizon()?;
        let some = fitting(events.iter().map(size), READ_BYTES);
        let all = events.len() <= some;
        self.rows = if all { self.rows.saturating_mul(2) } else { some };
        events.truncate(some);
        let logged = |event| Arc::new(Logged::new(Arc::new(event)));
        Ok(events.into_iter().map(logged).collect())
    }

    fn check_horizon(&self) -> Result<(), ReadError> {
        let oldest = self.log.horizon.load(Ordering::SeqCst);
        if self.position + 1 < oldest {
            return Err(ReadError::Expired { oldest });
        }
        Ok(())
    }
}
