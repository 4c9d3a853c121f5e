//! SQLite: a batch is one text of many statements, from BEGIN to COMMIT.
//!
//! Why not a pooled transaction: each call to the database is a hop between threads, and hops, not SQL, are what a
//! small batch costs. Measured: one text for all statements makes the move of a task 17 % cheaper.

use futures::{Stream, TryStreamExt as _};
use sqlx::sqlite::{SqliteArguments, SqliteConnectOptions, SqliteConnection, SqliteQueryResult};
use sqlx::{AssertSqlSafe, Connection as _, Either, Executor as _, SqlSafeStr as _, Sqlite};

use super::WriteError;
use super::hush::Hush;
use super::link::Bind;
use super::texts::Texts;
use crate::store::dialect::{Dialect, sqlite};
use crate::store::error::{Class, StoreError};
use crate::store::plan::{Parameter, Part};

/// The connection, which is the only one that writes to the file.
#[derive(Debug)]
pub(in crate::store) struct SqliteLink {
    pub(super) connection: SqliteConnection,
    options: SqliteConnectOptions,
    texts: Texts,
    hush: Hush,
    pub(super) in_doubt: bool,
}

pub(super) type Query<'q> = sqlx::query::Query<'q, Sqlite, SqliteArguments>;

impl SqliteLink {
    pub(in crate::store) async fn open(options: SqliteConnectOptions) -> Result<Self, StoreError> {
        let hush = Hush::default();
        Ok(Self {
            connection: connect(&options, &hush).await?,
            options,
            texts: Texts::default(),
            hush,
            in_doubt: false,
        })
    }

    pub(super) async fn write(
        &mut self,
        (parts, parameters): (Vec<Part>, Vec<Parameter>),
    ) -> Result<(), sqlx::Error> {
        let guarded: Vec<bool> = parts.iter().map(|part| part.is_guarded()).collect();
        // With BEGIN and COMMIT.
        let statements = parts.len() + guarded.iter().filter(|is_guarded| **is_guarded).count() + 2;
        let mut query = sqlx::query(self.texts.of(&parts, transaction));
        for (Parameter { rows, count }, is_guarded) in parameters.into_iter().zip(guarded) {
            query = query.bind(rows.into_one());
            if is_guarded {
                query = query.bind(count);
            }
        }
        self.in_doubt = true;
        let done = (&mut self.connection).fetch_many(query);
        self.hush.until_commit(all_of(statements, done)).await
    }

    /// As [`Link::open`](super::Link::open).
    pub(super) async fn open_batch(&mut self) -> Result<(), sqlx::Error> {
        self.in_doubt = true;
        self.connection.execute(sqlite::BEGIN).await.map(drop)
    }

    /// As [`Link::add`](super::Link::add): a statement at a time, for their texts seldom come together again.
    pub(super) async fn add(
        &mut self,
        (parts, parameters): (Vec<Part>, Vec<Parameter>),
    ) -> Result<(), WriteError> {
        self.in_doubt = true;
        for (part, Parameter { rows, .. }) in parts.into_iter().zip(parameters) {
            let text = AssertSqlSafe(part.text(Dialect::Sqlite)).into_sql_str();
            let done = sqlx::query(text)
                .bind(rows.into_one())
                .execute(&mut self.connection)
                .await;
            done.map_err(WriteError::Database)?;
        }
        Ok(())
    }

    /// As [`Link::finish`](super::Link::finish).
    pub(super) async fn finish(&mut self) -> Result<(), sqlx::Error> {
        self.connection.execute(sqlite::COMMIT).await.map(drop)
    }

    /// As [`Link::run`](super::Link::run), which deals with what is in doubt behind it.
    pub(super) async fn try_run(&mut self, text: &str, values: &[Bind]) -> Result<u64, StoreError> {
        let text = AssertSqlSafe(format!("{}{text}", sqlite::BEGIN)).into_sql_str();
        self.in_doubt = true;
        bind(sqlx::query(text), values)
            .execute(&mut self.connection)
            .await?;
        let changed = self.changes().await?;
        self.connection.execute(sqlite::COMMIT).await?;
        Ok(changed)
    }

    async fn changes(&mut self) -> Result<u64, StoreError> {
        let changes: i64 = sqlx::query_scalar(sqlite::CHANGES)
            .fetch_one(&mut self.connection)
            .await?;
        Ok(u64::try_from(changes).unwrap_or(0))
    }

    pub(super) async fn close(mut self, is_last: bool) -> Result<(), StoreError> {
        if !is_last {
            // What is closed beside others leaves the log to them, and they end with the process.
            self.connection.execute(sqlite::CHECKPOINT).await?;
        }
        Ok(self.connection.close().await?)
    }

    /// What a statement that reads answers.
    pub(super) async fn asked<T>(
        &mut self,
        ask: impl AsyncFnOnce(&mut SqliteConnection) -> Result<T, sqlx::Error>,
    ) -> Result<T, sqlx::Error> {
        ask(&mut self.connection).await
    }

    pub(super) fn query<'q>(&self, text: &'static str, values: &[Bind]) -> Query<'q> {
        bind(sqlx::query(text), values)
    }

    pub(super) async fn roll_back(&mut self) -> Result<(), StoreError> {
        let Err(error) = self.connection.execute(sqlite::ROLLBACK).await else {
            return Ok(());
        };
        // After some failures the database has rolled back by itself, and says that there is nothing to roll back.
        if sqlite::classify(&error) == Class::Statement {
            return Ok(());
        }
        self.connection = connect(&self.options, &self.hush).await?;
        Ok(())
    }
}

async fn connect(options: &SqliteConnectOptions, hush: &Hush) -> Result<SqliteConnection, sqlx::Error> {
    let mut connection = SqliteConnection::connect_with(options).await?;
    let mut handle = connection.lock_handle().await?;
    handle.set_commit_hook(hush.on_commit());
    drop(handle);
    Ok(connection)
}

/// Waits until so many statements are done, and no longer: that their thread rests again would be told by a wake of its own.
async fn all_of<R>(
    statements: usize,
    mut done: impl Stream<Item = Result<Either<SqliteQueryResult, R>, sqlx::Error>> + Unpin,
) -> Result<(), sqlx::Error> {
    let mut left = statements;
    while left > 0
        && let Some(told) = done.try_next().await?
    {
        left -= usize::from(told.is_left());
    }
    // Not even COMMIT was told of.
    if left > 0 {
        Err(sqlx::Error::WorkerCrashed)
    } else {
        Ok(())
    }
}

fn bind<'q>(mut query: Query<'q>, values: &[Bind]) -> Query<'q> {
    for value in values {
        query = match value {
            Bind::Int(value) => query.bind(*value),
            Bind::Text(text) => query.bind(text.clone()),
            Bind::Id(id) => query.bind(id.as_bytes().to_vec()),
            Bind::Bytes(bytes) | Bind::Rows(bytes) => query.bind(bytes.clone()),
        };
    }
    query
}

/// All of a batch as one text.
fn transaction(parts: &[Part]) -> String {
    let statement = |part: &Part| {
        let guard = if part.is_guarded() { sqlite::GUARD } else { "" };
        part.text(Dialect::Sqlite) + guard
    };
    let body: String = parts.iter().map(statement).collect();
    format!("{}{body}{}", sqlite::BEGIN, sqlite::COMMIT)
}
