//! The database: what is kept, how it is written, how it is read. The only code that knows SeaORM, sqlx and SQL.
//!
//! Reading order: [`WriteBatch`] (what one transaction writes), [`Store::open`], [`Writer::commit`], then the reads:
//! tasks, lists, the log. `entity` are the tables, `rows` turns them into domain values and back, `dialect` holds
//! every text that is one database's own.
//!
//! Writes go over one connection, in batches: see [`Writer`]. Reads go over a pool and see what was committed when
//! they began.

mod advice;
mod archive;
mod arrays;
mod backup;
mod batch;
mod bulk;
mod close;
mod dialect;
mod entity;
mod error;
mod filter;
mod floors;
mod heads;
mod json;
mod jsonb;
mod leases;
mod list;
mod log;
mod news;
mod numbers;
mod open;
mod plan;
mod pooler;
mod queues;
mod read;
mod readers;
mod ready;
mod replicas;
mod rows;
mod runs;
mod schedules;
mod schema;
mod stats;
mod task_types;
mod tasks;
mod upkeep;
mod url;
mod waits;
mod webhooks;
mod writer;

#[cfg(test)]
mod tests;

use std::fs::File;
use std::sync::Arc;

use sqlx::postgres::PgConnectOptions;
use uuid::Uuid;

use self::dialect::Dialect;
use self::readers::Readers;
use self::tasks::TaskReader;
use crate::token::Keyring;

pub use archive::{Archive, ArchiveCounts, Batches, Fault, Target, spool};
pub use backup::{Backup, BackupError};
pub use batch::{
    Edge, EndedRun, FollowUp, FollowUpKind, HeldKey, KeptPayload, KeyUse, NewFollowUp, RequestRecord,
    StandingQueue, WriteBatch,
};
pub use error::{CommitError, Constraint, Source, StoreError};
pub use floors::Floors;
pub use heads::Heads;
pub use leases::HeldLease;
pub use list::{ListField, ListOrder, ListPage, ListQuery, SCAN_ROWS, SortKey};
pub use log::{EventsOfQuery, Window, named_bytes};
pub use news::News;
pub use open::{Opened, StoreOptions};
pub use queues::{LeasedTask, SettledPlace, SettledQuery};
pub use read::BEGINNING;
pub use ready::{Demand, FullKeys, Ready};
pub use replicas::{Herald, Listener};
pub use runs::{RunPage, RunQuery};
pub use schema::Schema;
pub use stats::TaskGroup;
pub use url::DatabaseUrl;
pub use writer::{ImportError, Turn, Writer};

/// Reads what is stored. Clones share everything.
#[derive(Clone, Debug)]
pub struct Store {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    dialect: Dialect,
    readers: Readers,
    tasks: TaskReader,
    epoch: Uuid,
    keyring: Keyring,
    indexed_labels: Vec<String>,
    /// How the other processes are reached that may use this database; `None` where there are none.
    replicas: Option<PgConnectOptions>,
    /// Held for as long as anybody reads or writes; a database that several may use has none.
    _lock: Option<File>,
}

impl Store {
    /// Names the life of this database: a position of another life means nothing here.
    #[must_use]
    pub fn epoch(&self) -> Uuid {
        self.inner.epoch
    }

    /// Signs and checks tokens. Made with the database.
    #[must_use]
    pub fn keyring(&self) -> &Keyring {
        &self.inner.keyring
    }

    /// Which database it is: `sqlite` or `postgres`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self.dialect() {
            Dialect::Sqlite => "sqlite",
            Dialect::Postgres => "postgres",
        }
    }

    /// Whether other processes may write to this database.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        self.dialect() == Dialect::Postgres
    }

    fn dialect(&self) -> Dialect {
        self.inner.dialect
    }

    fn readers(&self) -> &Readers {
        &self.inner.readers
    }
}
