//! What can go wrong in the store. Database errors are told apart here and by their codes, never by their texts.

use std::sync::Arc;

use sea_orm::{DbErr, RuntimeErr};
use thiserror::Error;

use super::{Schema, dialect};

/// Why a read or a start failed, or why nothing of a batch was written. Cloned where one failure answers many callers.
#[derive(Clone, Debug, Error)]
pub enum StoreError {
    /// The setting names no database that this build can open.
    #[error("the database setting is not usable: {0}")]
    Url(String),
    /// Another process serves this database.
    #[error(
        "the database {path} is in use by another baton process; stop that one, or give this one its own database"
    )]
    InUse {
        /// The database's file.
        path: String,
    },
    /// Another process holds a lock of the database for too long; the same call may succeed later.
    #[error("the database is busy")]
    Busy(#[source] Source),
    /// The database cannot be reached, read or written: disk full, file gone, input/output error.
    #[error("the database is not available")]
    Unavailable(#[source] Source),
    /// What is stored, or was to be stored, breaks a rule of the schema or cannot be read by this version.
    #[error("{table} row {id} is corrupt: {why}")]
    Corrupt {
        /// Its table.
        table: &'static str,
        /// Its key.
        id: String,
        /// What is wrong with it.
        why: String,
    },
    /// The database refused the rows of a batch: a constraint that is not a unique key, a value too big, a trigger.
    #[error("the database refused the rows")]
    Refused(#[source] Source),
    /// A unique key of the batch is taken.
    #[error("{0} is taken")]
    Constraint(Constraint),
    /// The database is older than this build relies on.
    #[error("{name} {found} is too old, at least {needed} is needed")]
    VersionTooOld {
        /// Which database.
        name: &'static str,
        /// What it says it is.
        found: String,
        /// The oldest that will do.
        needed: &'static str,
    },
    /// A newer version of Baton has changed the schema, and this one cannot use it; nothing was touched.
    #[error(
        "the database has schema {}, for servers that know schema {} at least; this one knows {}, and not the step {step}: run a \
         newer baton, nothing was changed",
        schema.version, schema.readable_from, schema.known
    )]
    SchemaTooNew {
        /// The first unknown step.
        step: String,
        /// How far it is.
        schema: Schema,
    },
    /// A step would take away what servers need that are connected; nothing was touched.
    #[error(
        "the step {step} of the schema takes away what servers need that do not know version {needs}, and such are connected: \
         {servers}; stop these first, nothing was changed"
    )]
    OldServers {
        /// The step.
        step: String,
        /// What servers must know that go on.
        needs: u32,
        /// Those that do not.
        servers: String,
    },
    /// The database answered with something this code does not expect: a fault of the build.
    #[error("the database did not accept a statement")]
    Statement(#[source] Source),
}

/// The database's own error, shared by the clones of one failure.
pub type Source = Arc<dyn std::error::Error + Send + Sync>;

/// A unique key that may be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Constraint {
    /// A task's id, by a task or by the events of one that was deleted.
    TaskId,
    /// A request id in its namespace.
    Request,
    /// A position of the log or a sequence of a task: somebody else has written to this database.
    Event,
}

impl std::fmt::Display for Constraint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::TaskId => "the task id",
            Self::Request => "the request id",
            Self::Event => "a place in the log",
        })
    }
}

impl StoreError {
    /// Whether the rows themselves are at fault, so that other rows may fare better.
    #[must_use]
    pub const fn is_about_the_rows(&self) -> bool {
        match self {
            Self::Corrupt { .. } | Self::Refused(_) | Self::Constraint(_) | Self::Statement(_) => true,
            Self::Url(_)
            | Self::InUse { .. }
            | Self::Busy(_)
            | Self::Unavailable(_)
            | Self::VersionTooOld { .. }
            | Self::SchemaTooNew { .. }
            | Self::OldServers { .. } => false,
        }
    }

    pub(super) fn corrupt(table: &'static str, id: impl ToString, why: impl ToString) -> Self {
        Self::Corrupt {
            table,
            id: id.to_string(),
            why: why.to_string(),
        }
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        let class = dialect::classify(&error);
        classified(class, Arc::new(error))
    }
}

impl From<DbErr> for StoreError {
    fn from(error: DbErr) -> Self {
        let class = match (&error, driver_below(&error)) {
            (_, Some(cause)) => dialect::classify(cause),
            (DbErr::Conn(_) | DbErr::Exec(_) | DbErr::Query(_), None) => Class::Unavailable,
            (DbErr::ConnectionAcquire(_), None) => Class::Busy,
            _ => Class::Statement,
        };
        classified(class, Arc::new(error))
    }
}

/// What a layer below said.
pub(super) fn source(error: &StoreError) -> Option<&(dyn std::error::Error + Send + Sync + 'static)> {
    match error {
        StoreError::Busy(source)
        | StoreError::Unavailable(source)
        | StoreError::Refused(source)
        | StoreError::Statement(source) => Some(source.as_ref()),
        StoreError::Url(_)
        | StoreError::InUse { .. }
        | StoreError::Corrupt { .. }
        | StoreError::Constraint(_)
        | StoreError::VersionTooOld { .. }
        | StoreError::SchemaTooNew { .. }
        | StoreError::OldServers { .. } => None,
    }
}

/// What the driver said, through whatever layer it came.
pub(super) fn driver(error: &StoreError) -> Option<&sqlx::Error> {
    let source = source(error)?;
    source
        .downcast_ref()
        .or_else(|| source.downcast_ref().and_then(driver_below))
}

/// What the driver said, through SeaORM.
pub(super) fn driver_below(error: &DbErr) -> Option<&sqlx::Error> {
    match error {
        DbErr::Conn(RuntimeErr::SqlxError(error))
        | DbErr::Exec(RuntimeErr::SqlxError(error))
        | DbErr::Query(RuntimeErr::SqlxError(error)) => Some(error),
        _ => None,
    }
}

/// What a database's error code means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    Busy,
    Unavailable,
    Refused,
    /// A unique key is taken; which one is found by looking.
    Unique,
    Statement,
}

fn classified(class: Class, source: Source) -> StoreError {
    match class {
        Class::Busy => StoreError::Busy(source),
        Class::Unavailable => StoreError::Unavailable(source),
        Class::Refused | Class::Unique => StoreError::Refused(source),
        Class::Statement => StoreError::Statement(source),
    }
}

/// Why a batch was not committed.
#[derive(Clone, Debug, Error)]
pub enum CommitError {
    /// A unique key is taken. Nothing was written.
    #[error("{0} is taken")]
    Conflict(Constraint),
    /// The batch was decided before its turn, and somebody else has written meanwhile. Nothing was written.
    #[error("another server wrote meanwhile")]
    Behind,
    /// Nothing was written.
    #[error("nothing was written")]
    Failed(#[source] StoreError),
    /// The batch may be written or not: the database did not say, and could not be asked.
    #[error("the outcome is unknown")]
    Unknown(#[source] StoreError),
}
