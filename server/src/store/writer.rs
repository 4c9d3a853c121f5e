//! The one writer of a process: a batch is one transaction on one held connection.
//!
//! SQLite has one writer; on PostgreSQL each replica has one, and they take turns: see [`Writer::begin`].

mod at_once;
mod hush;
mod import;
mod link;
mod postgres;
mod sqlite;
mod texts;

use std::collections::HashSet;
use std::sync::Arc;

use baton_domain::Timestamp;

use self::at_once::AtOnce;
pub use self::import::ImportError;
pub(super) use self::link::{Bind, Link};
pub(super) use self::postgres::PostgresLink;
pub(super) use self::sqlite::SqliteLink;
use super::Inner;
use super::batch::WriteBatch;
use super::bulk::{Cell, Rows};
use super::dialect::{self, Dialect};
use super::error::{Class, CommitError, Constraint, StoreError};
use super::numbers::Numbers;
use super::plan::Plan;

/// Writes batches. A process has one, and it holds the only connection that writes.
#[derive(Debug)]
pub struct Writer {
    pub(super) link: Link,
    numbers: Numbers,
    /// Others may have given numbers since these were read.
    may_lack_numbers: bool,
    #[cfg(feature = "bench")]
    writes_nothing: bool,
    /// Keeps the lock file.
    pub(super) inner: Arc<Inner>,
}

/// What a turn begins with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Turn {
    /// The time by the database's clock; `None` where the process has the database to itself.
    pub time: Option<Timestamp>,
    /// Somebody else has written since this writer's last turn: what was read before may be behind.
    pub is_behind: bool,
    /// Among that are task types, webhooks, or queues that came or went.
    pub has_definitions: bool,
}

impl Writer {
    pub(super) fn new(link: Link, numbers: Numbers, inner: Arc<Inner>) -> Self {
        Self {
            link,
            numbers,
            may_lack_numbers: false,
            #[cfg(feature = "bench")]
            writes_nothing: false,
            inner,
        }
    }

    #[cfg(feature = "bench")]
    pub(super) fn writing_nothing(mut self, writes_nothing: bool) -> Self {
        self.writes_nothing = writes_nothing;
        self
    }

    /// Begins this writer's turn, unless it has it: until [`Writer::commit`] or [`Writer::leave`] no other process writes
    /// to this database, and whatever is read is the newest there is. Where the process has the database to itself, that
    /// is always so.
    ///
    /// # Errors
    /// What the database may do.
    pub async fn begin(&mut self) -> Result<Turn, StoreError> {
        let turn = match &mut self.link {
            Link::Sqlite(_) => return Ok(Turn::default()),
            Link::Postgres(link) => link.begin().await?,
        };
        self.may_lack_numbers |= turn.is_behind;
        Ok(turn)
    }

    /// Knows the number of every namespace of `batch` that has one. A number is never taken away, so those that are known are
    /// not read again.
    async fn learn_numbers(&mut self, batch: &WriteBatch) -> Result<(), StoreError> {
        let numbers = &self.numbers;
        let mut namespaces = batch.events.iter().map(|event| &event.namespace);
        if self.may_lack_numbers && namespaces.any(|name| numbers.of(name).is_none()) {
            self.numbers = self.link.numbers().await?;
            self.may_lack_numbers = false;
        }
        Ok(())
    }

    async fn plan(&mut self, batch: &WriteBatch) -> Result<Plan, StoreError> {
        self.learn_numbers(batch).await?;
        Plan::new(batch, &self.numbers, self.dialect())
    }

    /// What others wrote could not be read: the next turn is to say so again.
    pub fn fall_behind(&mut self) {
        if let Link::Postgres(link) = &mut self.link {
            link.fall_behind();
        }
    }

    /// Tells, between turns, whether somebody else has written since this writer's last one. The next turn tells it again.
    ///
    /// # Errors
    /// What the database may do.
    pub async fn glance(&mut self) -> Result<Turn, StoreError> {
        match &mut self.link {
            Link::Sqlite(_) => Ok(Turn::default()),
            Link::Postgres(link) => link.glance().await,
        }
    }

    /// Gives the turn up with nothing written; without one it does nothing.
    pub async fn leave(&mut self) {
        if let Link::Postgres(link) = &mut self.link {
            link.leave().await;
        }
    }

    /// Writes all of `batch` or nothing, and ends the turn; when it returns, the batch is on disk. An empty batch touches
    /// nothing.
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
        // Nothing but this says that the batch was decided before its turn; when that was is no matter.
        let last = self.presumed_turn();
        let at_once = self.may_presume();
        self.settle().await.map_err(CommitError::Failed)?;
        let planned = if at_once {
            match self.commit_at_once(batch).await? {
                AtOnce::Written => return Ok(()),
                AtOnce::Not(planned) => planned,
            }
        } else {
            None
        };
        let turn = self.begin().await.map_err(CommitError::Failed)?;
        if turn.is_behind && last.is_some() {
            self.leave().await;
            self.go_back(last);
            return Err(CommitError::Behind);
        }
        let plan = match planned {
            Some(plan) => plan,
            None => self.plan(batch).await.map_err(CommitError::Failed)?,
        };
        if plan.parts.is_empty() {
            // Its tasks stand as they stood.
            return Ok(());
        }
        let fresh = plan.fresh;
        let (parts, parameters) = (plan.parts, plan.parameters);
        let written = self
            .link
            .write((parts, parameters), batch.changes_definitions())
            .await;
        if let Err(error) = written {
            self.failed(error, batch).await?;
        }
        self.link.settled();
        self.numbers.add(fresh);
        Ok(())
    }

    pub(super) const fn dialect(&self) -> Dialect {
        self.link.dialect()
    }

    /// Runs a statement that is no batch, in a transaction of its own; answers how many rows it changed.
    pub(super) async fn run(&mut self, text: &str, values: &[i64]) -> Result<u64, StoreError> {
        let values: Vec<Bind> = values.iter().copied().map(Bind::Int).collect();
        self.run_with(text, &values).await
    }

    /// As [`Writer::run`], of a statement whose first parameter is a namespace.
    pub(super) async fn run_in(
        &mut self,
        namespace: &str,
        text: &str,
        values: &[i64],
    ) -> Result<u64, StoreError> {
        let name = Bind::Text(namespace.to_owned());
        let values = values.iter().copied().map(Bind::Int);
        let values: Vec<Bind> = std::iter::once(name).chain(values).collect();
        self.run_with(text, &values).await
    }

    async fn run_with(&mut self, text: &str, values: &[Bind]) -> Result<u64, StoreError> {
        self.settle().await?;
        self.link.run(text, values).await
    }

    /// Ends what a cancelled or failed call has left behind.
    async fn settle(&mut self) -> Result<(), StoreError> {
        if self.link.is_in_doubt() {
            self.link.roll_back().await?;
            self.numbers = self.link.numbers().await?;
            self.link.settled();
        }
        Ok(())
    }

    /// Finds out what became of a batch that failed.
    async fn failed(&mut self, error: WriteError, batch: &WriteBatch) -> Result<(), CommitError> {
        if let Err(lost) = self.link.roll_back().await {
            return Err(CommitError::Unknown(lost));
        }
        match self.is_written(batch).await {
            Ok(true) => return Ok(()),
            Ok(false) => {}
            Err(lost) => return Err(CommitError::Unknown(lost)),
        }
        self.link.settled();
        let class = match &error {
            WriteError::Database(error) => dialect::classify(error),
            WriteError::Rows => Class::Statement,
        };
        if self.link.leaves_doubt(&error) {
            return Err(CommitError::Unknown(error.into()));
        }
        let cause = self.cause(class, batch).await.map_err(CommitError::Failed)?;
        Err(cause.unwrap_or_else(|| CommitError::Failed(error.into())))
    }

    /// Whether the last event of `batch` is in the log. Without events a batch can be repeated: then it is not.
    async fn is_written(&mut self, batch: &WriteBatch) -> Result<bool, StoreError> {
        let Some(event) = batch.events.last() else {
            return Ok(false);
        };
        let values = [
            Bind::Text(event.namespace.clone()),
            Bind::Int(event.position),
            Bind::Id(event.task_id.0),
            Bind::Int(event.sequence),
        ];
        self.link.finds(dialect::FIND_EVENT, &values).await
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
        let dialect = self.dialect();
        let mut seen = HashSet::new();
        let twice = batch.inserted.iter().any(|task| !seen.insert(task.id));
        let ids = batch.inserted.iter().map(|task| vec![Cell::Id(task.id.0)]);
        if twice || self.find(dialect::FIND_TASK.of(dialect), ids).await? {
            return Ok(Constraint::TaskId);
        }
        let keys = batch.requests.iter();
        let keys = keys.map(|r| vec![Cell::Id(r.request_id), Cell::text(&r.namespace)]);
        let is_request = self.find(dialect::FIND_REQUEST.of(dialect), keys).await?;
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
        let rows = self.rows(cells)?;
        self.link.finds(text, &[rows]).await
    }

    async fn missing(&mut self, batch: &WriteBatch) -> Result<Option<String>, StoreError> {
        let named = batch
            .updated
            .iter()
            .map(|(before, _)| before)
            .chain(&batch.deleted);
        let ids = self.rows(named.map(|task| vec![Cell::Id(task.id.0)]))?;
        let text = dialect::FIND_MISSING.of(self.dialect());
        self.link.find_text(text, &[ids]).await
    }

    fn rows<'a>(&self, cells: impl Iterator<Item = Vec<Cell<'a>>>) -> Result<Bind, StoreError> {
        let rows = Rows::of_values(self.dialect(), "task").with(cells)?;
        Ok(Bind::Rows(rows.finish().into_one()))
    }
}

/// Why a batch was not written.
#[derive(Debug)]
pub(super) enum WriteError {
    /// The database said so.
    Database(sqlx::Error),
    /// A statement did not change as many rows as it had to.
    Rows,
}

impl From<WriteError> for StoreError {
    fn from(error: WriteError) -> Self {
        match error {
            WriteError::Database(error) => error.into(),
            WriteError::Rows => Self::corrupt("batch", "to be written", "a row to be changed is not there"),
        }
    }
}
