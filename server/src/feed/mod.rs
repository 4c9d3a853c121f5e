//! The feed: every committed event of a namespace, once and in order, to any number of readers.
//!
//! A reader is a cursor into the log and nothing else. Recent events are read from a ring in memory, older ones
//! from the store, so a slow reader costs no memory and loses nothing. What is told between tasks is only that the
//! head moved.

mod logged;
mod ring;
mod selection;
mod watch;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use baton_domain::Event;
use parking_lot::Mutex;
use tokio::sync::watch as latest;

pub use self::logged::Logged;
use self::ring::Ring;
pub use self::selection::{Selected, Selection};
pub use self::watch::{Begin, Plan, Update, Watch, only};
use crate::store::{Heads, Store, StoreError};

/// Bytes of recent events kept for all namespaces together.
pub const RING_BYTES: usize = 32 * 1024 * 1024;

/// The log of every namespace. Cheap to clone.
#[derive(Clone)]
pub struct Feed {
    shared: Arc<Shared>,
}

struct Shared {
    store: Store,
    heads: Heads,
    logs: Mutex<HashMap<String, Arc<Log>>>,
    ring_bytes: usize,
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
            let log = self.log(&run[0].namespace);
            let share = self.shared.ring_bytes / self.shared.logs.lock().len().max(1);
            log.ring.lock().extend(run, share);
            log.head.send_replace(run[run.len() - 1].position);
        }
    }

    /// The position of the last committed event; 0 where there is none.
    #[must_use]
    pub fn head(&self, namespace: &str) -> i64 {
        *self.log(namespace).head.borrow()
    }

    /// The lowest position that can be read, which is 1 until the log is trimmed.
    #[must_use]
    pub fn oldest(&self, namespace: &str) -> i64 {
        self.log(namespace).horizon.load(Ordering::SeqCst)
    }

    /// Moves the horizon: what is below `oldest` can no longer be read.
    pub(crate) fn trim(&self, namespace: &str, oldest: i64) {
        self.log(namespace).horizon.fetch_max(oldest, Ordering::SeqCst);
    }

    /// A reader of everything above `position`.
    #[must_use]
    pub fn reader(&self, namespace: &str, position: i64) -> Reader {
        let log = self.log(namespace);
        let head = log.head.subscribe();
        Reader {
            store: self.shared.store.clone(),
            log,
            head,
            position,
        }
    }

    pub(super) fn store(&self) -> &Store {
        &self.shared.store
    }

    fn log(&self, namespace: &str) -> Arc<Log> {
        let mut logs = self.shared.logs.lock();
        if let Some(log) = logs.get(namespace) {
            return Arc::clone(log);
        }
        let log = Arc::new(Log {
            namespace: namespace.to_owned(),
            ring: Mutex::default(),
            head: latest::Sender::new(self.shared.heads.position(namespace)),
            horizon: AtomicI64::new(self.shared.heads.oldest(namespace)),
        });
        logs.insert(namespace.to_owned(), Arc::clone(&log));
        log
    }
}

/// A cursor into one namespace's log.
pub struct Reader {
    store: Store,
    log: Arc<Log>,
    head: latest::Receiver<i64>,
    position: i64,
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

    /// The next events in order, at least one and at most `limit`; waits until there are any. Cancel-safe.
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
            // The sender lives in the log that this reader holds: it cannot go away.
            let _moved = self.head.changed().await;
        }
    }

    async fn read(&self, limit: usize) -> Result<Vec<Arc<Logged>>, ReadError> {
        self.check_horizon()?;
        let recent = self.log.ring.lock().after(self.position, limit);
        if let Some(events) = recent {
            return Ok(events);
        }
        let limit = u32::try_from(limit).unwrap_or(u32::MAX);
        let events = self.store.log(&self.log.namespace, self.position, limit).await?;
        // The horizon may have passed the cursor while the store was read.
        self.check_horizon()?;
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
