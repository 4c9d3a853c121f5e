//! Every text and setting that is one database's own, SQLite's and PostgreSQL's beside each other.
//!
//! A text that both understand is a constant; of others there is a [`Sql`], or a method of [`Dialect`] that makes it.

mod bulk;
pub(super) mod postgres;
mod ready;
pub(super) mod sqlite;
mod texts;

use std::fmt::Write as _;

use sea_orm::sea_query::Expr;
use sea_orm::{AccessMode, DbBackend, IdenStatic as _, IsolationLevel, TransactionOptions, Value};
use sqlx::Error;

pub(super) use self::bulk::*;
pub(super) use self::texts::*;
use super::entity::task;
use super::error::Class;

/// Which database it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    Sqlite,
    Postgres,
}

/// A text in both.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sql {
    sqlite: &'static str,
    postgres: &'static str,
}

impl Sql {
    pub(super) const fn of(self, dialect: Dialect) -> &'static str {
        match dialect {
            Dialect::Sqlite => self.sqlite,
            Dialect::Postgres => self.postgres,
        }
    }
}

impl Dialect {
    pub(super) const fn backend(self) -> DbBackend {
        match self {
            Self::Sqlite => DbBackend::Sqlite,
            Self::Postgres => DbBackend::Postgres,
        }
    }

    /// How reads begin that see one state of the database, however many they are.
    pub(super) const fn snapshot(self) -> TransactionOptions {
        let (isolation_level, access_mode) = match self {
            // Any transaction that only reads does.
            Self::Sqlite => (None, None),
            Self::Postgres => (Some(IsolationLevel::RepeatableRead), Some(AccessMode::ReadOnly)),
        };
        TransactionOptions {
            isolation_level,
            access_mode,
            sqlite_transaction_mode: None,
        }
    }

    /// A condition with a value in place of each question mark.
    pub(super) fn holds(self, text: &str, values: impl IntoIterator<Item = Value>) -> Expr {
        match self {
            Self::Sqlite => Expr::cust_with_values(text.to_owned(), values),
            Self::Postgres => {
                let mut parts = text.split('?');
                let first = parts.next().unwrap_or_default().to_owned();
                let numbered = parts
                    .zip(1..)
                    .fold(first, |text, (part, number)| format!("{text}${number}{part}"));
                Expr::cust_with_values(numbered, values)
            }
        }
    }

    /// The rows of tasks by a list of ids, see [`ID_IN`], each with the duration and the expire time of its lease. Without
    /// `payloads`, these have no bodies.
    pub(super) fn tasks(self, columns: impl Iterator<Item = task::Column>, payloads: bool) -> String {
        let none = match self {
            Self::Sqlite => "NULL",
            Self::Postgres => "NULL::bytea",
        };
        let name = |column: task::Column| match column {
            task::Column::InputBody | task::Column::OutputBody | task::Column::CheckpointBody
                if !payloads =>
            {
                none.to_owned()
            }
            column => format!("task.{}", column.as_str()),
        };
        let columns: Vec<_> = columns.map(name).collect();
        // A text of its own has numbered parameters there, one of SeaORM has not.
        let id_in = ID_IN.of(self).replace('?', "$1");
        format!(
            "SELECT {}, lease.duration, lease.expire_time FROM task LEFT JOIN lease ON lease.task_id = task.id \
             WHERE {id_in}",
            columns.join(",")
        )
    }

    /// The live leases of the tasks of a queue: namespace, name. `label`: of the key that is answered too, if any.
    pub(super) fn find_leased(self, of_key: Option<&str>) -> String {
        let key = of_key.map_or_else(|| "CAST(NULL AS TEXT)".to_owned(), |key| self.label(key));
        let join = match self {
            // CROSS JOIN: or the tasks, which are many, may be walked for the leases.
            Self::Sqlite => "CROSS JOIN",
            Self::Postgres => "JOIN",
        };
        format!(
            "SELECT t.id, {key}, l.expire_time FROM lease AS l {join} task AS t ON t.id = l.task_id \
             WHERE t.namespace = $1 AND t.queue = $2"
        )
    }

    /// The value of a label. The text must be the same wherever it stands: an index on it serves no other text.
    pub(super) fn label(self, key: &str) -> String {
        let key = key.replace('\'', "''");
        match self {
            Self::Sqlite => format!("labels->>'$.\"{key}\"'"),
            Self::Postgres => format!("(labels::jsonb->>'{key}')"),
        }
    }

    /// Makes the index of a label.
    pub(super) fn make_label_index(self, key: &str) -> String {
        let (name, label) = (label_index(key), self.label(key));
        format!(
            "CREATE INDEX IF NOT EXISTS {name} ON task (namespace, ({label}), number) WHERE {label} IS NOT NULL"
        )
    }
}

/// What an error means, whichever database it is of.
pub(super) fn classify(error: &Error) -> Class {
    let is_postgres = |error: &dyn sqlx::error::DatabaseError| {
        error
            .try_downcast_ref::<sqlx::postgres::PgDatabaseError>()
            .is_some()
    };
    match error {
        Error::Database(cause) if is_postgres(&**cause) => postgres::classify(error),
        Error::Tls(_) | Error::Protocol(_) => postgres::classify(error),
        _ => sqlite::classify(error),
    }
}

/// Tells whether `found`, as in `3.51.3` or `15.18 (Debian)`, is `needed` or newer.
pub(super) fn is_new_enough(found: &str, needed: &str) -> bool {
    let parts = |text: &str| -> Vec<u32> {
        let version = text.split(' ').next().unwrap_or_default();
        version.split('.').map(|part| part.parse().unwrap_or(0)).collect()
    };
    parts(found) >= parts(needed)
}

/// The name of the index of a label; such names are the store's own.
pub(super) fn label_index(key: &str) -> String {
    let hex: String = key.bytes().map(|byte| format!("{byte:02x}")).collect();
    format!("{LABEL_INDEX}{hex}")
}

const LABEL_INDEX: &str = "task_label_";

pub(super) fn drop_index(name: &str) -> String {
    format!("DROP INDEX {name}")
}

pub(super) fn push(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    // A String takes all that is written to it.
    text.write_fmt(arguments).expect("writing to a string");
}
