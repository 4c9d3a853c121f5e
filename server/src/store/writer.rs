//! The one writer: a batch is one text of many statements, from BEGIN to COMMIT, on one held connection.
//!
//! Why not a pooled transaction: each call to the database is a hop between threads, and hops, not SQL, are what a
//! small batch costs. Measured: one text for all statements makes the move of a task 17 % cheaper.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use sqlx::sqlite::{SqliteArguments, SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, SqlSafeStr as _, SqlStr, Sqlite};

use super::Inner;
use super::batch::WriteBatch;
use super::bulk::{Cell, Mask, Rows};
use super::dialect;
use super::error::{Class, CommitError, Constraint, StoreError};
use super::numbers::Numbers;
use super::plan::{Parameter, Part, Plan};

/// Texts of batches that are remembered. Far more than the kinds of batches there are.
const TEXTS: usize = 512;

/// Writes batches. There is one for a database, and it holds the only connection that writes.
#[derive(Debug)]
pub struct Writer {
    connection: SqliteConnection,
    options: SqliteConnectOptions,
    texts: HashMap<Vec<Part>, SqlStr>,
    numbers: Numbers,
    /// A transaction may be open: a commit was cancelled half-way, or rolling back failed.
    in_doubt: bool,
    #[cfg(feature = "bench")]
    writes_nothing: bool,
    /// Keeps the lock file.
    _inner: Arc<Inner>,
}

impl Writer {
    pub(super) fn new(
        (connection, options): (SqliteConnection, SqliteConnectOptions),
        numbers: Numbers,
        inner: Arc<Inner>,
    ) -> Self {
        Self {
            connection,
            options,
            texts: HashMap::new(),
            numbers,
            in_doubt: false,
            #[cfg(feature = "bench")]
            writes_nothing: false,
            _inner: inner,
        }
    }

    #[cfg(feature = "bench")]
    pub(super) fn writing_nothing(mut self, writes_nothing: bool) -> Self {
        self.writes_nothing = writes_nothing;
        self
    }

    /// Writes all of `batch` or nothing; when it returns, the batch is on disk. An empty batch touches nothing.
    ///
    /// Not cancel-safe for the caller, who then does not know the outcome; safe for the store.
    ///
    /// # Errors
    /// [`CommitError`], which says whether something may have been written.
    pub async fn commit(&mut self, batch: &WriteBatch) -> Result<(), CommitError> {
        if batch.is_empty() {
            return Ok(());
        }
        #[cfg(feature = "bench")]
        if self.writes_nothing {
            return Ok(());
        }
        self.settle().await.map_err(CommitError::Failed)?;
        let plan = Plan::new(batch, &self.numbers).map_err(CommitError::Failed)?;
        let Plan {
            parts,
            parameters,
            fresh,
        } = plan;
        if parts.is_empty() {
            // Its tasks stand as they stood.
            return Ok(());
        }
        let text = self.text(parts);
        self.in_doubt = true;
        match self.execute(text, parameters).await {
            Ok(()) => {}
            Err(error) => self.failed(error, batch).await?,
        }
        self.in_doubt = false;
        self.numbers.add(fresh);
        Ok(())
    }

    fn text(&mut self, parts: Vec<Part>) -> SqlStr {
        if self.texts.len() >= TEXTS {
            self.texts.clear();
        }
        let text = self.texts.entry(parts).or_insert_with_key(|parts| {
            let body: String = parts.iter().map(|part| part.text()).collect();
            AssertSqlSafe(format!("{}{body}{}", dialect::BEGIN, dialect::COMMIT)).into_sql_str()
        });
        text.clone()
    }

    async fn execute(&mut self, text: SqlStr, parameters: Vec<Parameter>) -> Result<(), sqlx::Error> {
        let mut query = sqlx::query(text);
        for parameter in parameters {
            query = match parameter {
                Parameter::Rows(rows) => query.bind(rows),
                Parameter::Count(count) => query.bind(count),
            };
        }
        query.execute(&mut self.connection).await.map(|_| ())
    }

    /// Runs statements that are no batch, in one transaction; answers how many rows the last one changed.
    pub(super) async fn run(
        &mut self,
        body: &str,
        bind: impl FnOnce(Query) -> Query,
    ) -> Result<u64, StoreError> {
        self.settle().await?;
        let text = AssertSqlSafe(format!("{}{body}", dialect::BEGIN)).into_sql_str();
        self.in_doubt = true;
        let done = bind(sqlx::query(text)).execute(&mut self.connection).await;
        let result = match done {
            Ok(_) => {
                let changed = self.changes().await?;
                self.connection.execute(dialect::COMMIT).await.map(|_| changed)
            }
            Err(error) => Err(error),
        };
        match result {
            Ok(changed) => {
                self.in_doubt = false;
                Ok(changed)
            }
            Err(error) => {
                // A transaction that stays open is dealt with before the next statement.
                self.in_doubt = self.roll_back().await.is_err();
                Err(error.into())
            }
        }
    }

    async fn changes(&mut self) -> Result<u64, StoreError> {
        let changes: i64 = sqlx::query_scalar(dialect::CHANGES)
            .fetch_one(&mut self.connection)
            .await?;
        Ok(u64::try_from(changes).unwrap_or(0))
    }

    /// Ends what a cancelled or failed call has left behind.
    async fn settle(&mut self) -> Result<(), StoreError> {
        if self.in_doubt {
            self.roll_back().await?;
            self.numbers = numbers(&mut self.connection).await?;
            self.in_doubt = false;
        }
        Ok(())
    }

    /// Ends a transaction that may be open; with a new connection where this one does not answer any more.
    async fn roll_back(&mut self) -> Result<(), StoreError> {
        let Err(error) = self.connection.execute(dialect::ROLLBACK).await else {
            return Ok(());
        };
        // After some failures the database has rolled back by itself, and says that there is nothing to roll back.
        if dialect::classify(&error) == Class::Statement {
            return Ok(());
        }
        self.connection = SqliteConnection::connect_with(&self.options).await?;
        Ok(())
    }

    /// Finds out what became of a batch whose text failed.
    async fn failed(&mut self, error: sqlx::Error, batch: &WriteBatch) -> Result<(), CommitError> {
        if let Err(lost) = self.roll_back().await {
            return Err(CommitError::Unknown(lost));
        }
        match self.is_written(batch).await {
            Ok(true) => return Ok(()),
            Ok(false) => {}
            Err(lost) => return Err(CommitError::Unknown(lost)),
        }
        self.in_doubt = false;
        if dialect::leaves_doubt(&error) {
            return Err(CommitError::Unknown(error.into()));
        }
        let class = dialect::classify(&error);
        let cause = self.cause(class, batch).await.map_err(CommitError::Failed)?;
        Err(cause.unwrap_or_else(|| CommitError::Failed(error.into())))
    }

    /// Whether the last event of `batch` is in the log. Without events a batch can be repeated: then it is not.
    async fn is_written(&mut self, batch: &WriteBatch) -> Result<bool, StoreError> {
        let Some(event) = batch.events.last() else {
            return Ok(false);
        };
        let query = sqlx::query(dialect::FIND_EVENT)
            .bind(&event.namespace)
            .bind(event.position)
            .bind(event.task_id.0.as_bytes().as_slice())
            .bind(event.sequence);
        Ok(query.fetch_optional(&mut self.connection).await?.is_some())
    }

    /// Looks for the row that made the database refuse `batch`, where its code asks for that.
    async fn cause(&mut self, class: Class, batch: &WriteBatch) -> Result<Option<CommitError>, StoreError> {
        match class {
            Class::Unique => self
                .taken(batch)
                .await
                .map(|taken| Some(CommitError::Conflict(taken))),
            // What a guard raises has no code of its own.
            Class::Statement => {
                let missing = self.missing(batch).await?;
                Ok(missing.map(|id| {
                    let why = "the row to be changed is not there";
                    CommitError::Failed(StoreError::corrupt("task", id, why))
                }))
            }
            Class::Busy | Class::Unavailable | Class::Refused => Ok(None),
        }
    }

    async fn taken(&mut self, batch: &WriteBatch) -> Result<Constraint, StoreError> {
        let mut seen = HashSet::new();
        let twice = batch.inserted.iter().any(|task| !seen.insert(task.id));
        let ids = batch
            .inserted
            .iter()
            .map(|task| vec![Cell::blob(task.id.0.as_bytes())]);
        if twice || self.find(dialect::FIND_TASK, ids).await? {
            return Ok(Constraint::TaskId);
        }
        let keys = batch.requests.iter();
        let keys = keys.map(|r| vec![Cell::blob(r.request_id.as_bytes()), Cell::text(&r.namespace)]);
        let is_request = self.find(dialect::FIND_REQUEST, keys).await?;
        Ok(if is_request {
            Constraint::Request
        } else {
            Constraint::Event
        })
    }

    async fn find<'a>(
        &mut self,
        text: &'static str,
        cells: impl Iterator<Item = Vec<Cell<'a>>>,
    ) -> Result<bool, StoreError> {
        let query = sqlx::query(text).bind(json(cells)?);
        Ok(query.fetch_optional(&mut self.connection).await?.is_some())
    }

    async fn missing(&mut self, batch: &WriteBatch) -> Result<Option<String>, StoreError> {
        let named = batch
            .updated
            .iter()
            .map(|(before, _)| before)
            .chain(&batch.deleted);
        let ids = json(named.map(|task| vec![Cell::blob(task.id.0.as_bytes())]))?;
        Ok(sqlx::query_scalar(dialect::FIND_MISSING)
            .bind(ids)
            .fetch_optional(&mut self.connection)
            .await?)
    }
}

/// The numbers that were given.
pub(super) async fn numbers(connection: &mut SqliteConnection) -> Result<Numbers, StoreError> {
    let rows: Vec<(String, i64)> = sqlx::query_as(dialect::FIND_NUMBERS)
        .fetch_all(connection)
        .await?;
    Ok(Numbers::new(rows.into_iter().collect()))
}

/// A statement that takes parameters.
pub(super) type Query = sqlx::query::Query<'static, Sqlite, SqliteArguments>;

fn json<'a>(cells: impl Iterator<Item = Vec<Cell<'a>>>) -> Result<Vec<u8>, StoreError> {
    let mut rows = Rows::new();
    for cells in cells {
        rows.push("task", &cells, Mask::MAX)?;
    }
    Ok(rows.finish())
}
