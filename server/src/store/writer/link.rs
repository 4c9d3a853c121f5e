//! The held connection, whichever database it leads to.

use sqlx::{AssertSqlSafe, Executor as _, Row as _};
use uuid::Uuid;

use super::{PostgresLink, SqliteLink, WriteError};
use crate::store::dialect::{self, Dialect};
use crate::store::error::StoreError;
use crate::store::numbers::Numbers;
use crate::store::plan::{Parameter, Part};

/// A parameter.
#[derive(Clone, Debug)]
pub(in crate::store) enum Bind {
    Int(i64),
    Text(String),
    Id(Uuid),
    Bytes(Vec<u8>),
    /// As [`Rows`](crate::store::bulk::Rows) writes them.
    Rows(Vec<u8>),
}

/// The connection.
#[derive(Debug)]
pub(in crate::store) enum Link {
    Sqlite(SqliteLink),
    Postgres(PostgresLink),
}

/// Does the same over either connection.
macro_rules! over {
    ($self:expr, $link:ident => $work:expr) => {
        match $self {
            Link::Sqlite($link) => $work,
            Link::Postgres($link) => $work,
        }
    };
}

impl Link {
    pub(in crate::store) const fn dialect(&self) -> Dialect {
        match self {
            Self::Sqlite(_) => Dialect::Sqlite,
            Self::Postgres(_) => Dialect::Postgres,
        }
    }

    /// Writes the parts in one transaction and commits; the outcome of a call that failed or was cut off is in doubt.
    pub(super) async fn write(
        &mut self,
        plan: (Vec<Part>, Vec<Parameter>),
        changes_definitions: bool,
    ) -> Result<(), WriteError> {
        match self {
            Self::Sqlite(link) => link.write(plan).await.map_err(WriteError::Database),
            Self::Postgres(link) => link.write(plan, changes_definitions).await,
        }
    }

    /// Begins a transaction to which [`Link::add`] adds; on a database that has turns, the turn is that.
    pub(super) async fn open(&mut self) -> Result<(), WriteError> {
        match self {
            Self::Sqlite(link) => link.open_batch().await.map_err(WriteError::Database),
            Self::Postgres(_) => Ok(()),
        }
    }

    /// Writes the parts, none of them guarded, into the transaction that is open.
    pub(super) async fn add(&mut self, plan: (Vec<Part>, Vec<Parameter>)) -> Result<(), WriteError> {
        over!(self, link => link.add(plan).await)
    }

    /// Commits what was added; the outcome of a call that failed or was cut off is in doubt.
    pub(super) async fn finish(&mut self) -> Result<(), WriteError> {
        let done = match self {
            Self::Sqlite(link) => link.finish().await,
            Self::Postgres(link) => link.commit(true).await,
        };
        done.map_err(WriteError::Database)
    }

    /// Runs one statement in a transaction; answers how many rows it changed.
    pub(in crate::store) async fn run(&mut self, text: &str, values: &[Bind]) -> Result<u64, StoreError> {
        let done = over!(self, link => link.try_run(text, values).await);
        // A transaction that stays open is dealt with before the next statement.
        if done.is_ok() || self.roll_back().await.is_ok() {
            self.settled();
        }
        done
    }

    /// Whether a statement that reads finds a row.
    pub(super) async fn finds(&mut self, text: &'static str, values: &[Bind]) -> Result<bool, StoreError> {
        Ok(over!(self, link => {
            let query = link.query(text, values);
            link.asked(async |connection| query.fetch_optional(connection).await).await?.is_some()
        }))
    }

    /// The text that a statement finds first.
    pub(super) async fn find_text(
        &mut self,
        text: &'static str,
        values: &[Bind],
    ) -> Result<Option<String>, StoreError> {
        over!(self, link => {
            let query = link.query(text, values);
            let found = link.asked(async |connection| query.fetch_optional(connection).await).await?;
            Ok(found.map(|row| row.try_get(0)).transpose()?)
        })
    }

    /// Every text that a statement finds.
    pub(in crate::store) async fn find_texts(
        &mut self,
        text: &'static str,
    ) -> Result<Vec<String>, StoreError> {
        over!(self, link => Ok(sqlx::query_scalar(text).fetch_all(&mut link.connection).await?))
    }

    /// Runs a statement that takes no parameters, outside of a batch.
    pub(in crate::store) async fn execute(&mut self, text: String) -> Result<(), StoreError> {
        let text = AssertSqlSafe(text);
        over!(self, link => link.connection.execute(text).await.map(drop))?;
        Ok(())
    }

    /// The numbers that were given to namespaces.
    pub(in crate::store) async fn numbers(&mut self) -> Result<Numbers, StoreError> {
        let text = dialect::FIND_NUMBERS;
        let rows: Vec<(String, i64)> = over!(self, link => link.asked(async |connection| sqlx::query_as(text).fetch_all(connection).await).await)?;
        Ok(Numbers::new(rows.into_iter().collect()))
    }

    /// Ends a transaction that may be open; with a new connection where this one does not answer any more.
    pub(super) async fn roll_back(&mut self) -> Result<(), StoreError> {
        over!(self, link => link.roll_back().await)
    }

    /// Closes the connection in order; `is_last` says whether no other of this process is left.
    pub(in crate::store) async fn close(self, is_last: bool) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(link) => link.close(is_last).await,
            Self::Postgres(link) => link.close().await,
        }
    }

    /// Whether a transaction may be open: a call was cancelled half-way, or rolling back failed.
    pub(super) const fn is_in_doubt(&self) -> bool {
        over!(self, link => link.in_doubt)
    }

    /// The connection is in a transaction that is to be rolled back.
    pub(super) const fn mark_in_doubt(&mut self) {
        over!(self, link => link.in_doubt = true);
    }

    /// Nothing is in doubt any more.
    pub(super) const fn settled(&mut self) {
        over!(self, link => link.in_doubt = false);
    }

    /// Whether a commit that failed so may come to light later, though it is not to be seen now.
    pub(super) fn leaves_doubt(&self, error: &WriteError) -> bool {
        match (self, error) {
            (Self::Sqlite(_), WriteError::Database(error)) => dialect::sqlite::leaves_doubt(error),
            (Self::Sqlite(_), WriteError::Rows) | (Self::Postgres(_), _) => false,
        }
    }
}
