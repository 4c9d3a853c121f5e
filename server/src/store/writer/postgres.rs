//! PostgreSQL: replicas take turns to write.
//!
//! A turn is a transaction that begins with a lock which only one of them has. So what is read within it is the newest
//! there is, events get their positions in the order in which they are to be seen, and no row need be locked. A sequence
//! that each turn raises tells the next one whether what it has in memory still stands: unlike a row, it costs no dead
//! versions. See docs/adr/0016.

mod at_once;
mod filled;

use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;

use baton_domain::Timestamp;
use sqlx::postgres::{PgArguments, PgConnectOptions, PgConnection, PgRow};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, Postgres, Row as _, SqlSafeStr as _};
use tokio::time::Instant;

use self::filled::filled;
use super::link::Bind;
use super::texts::Texts;
use super::{Turn, WriteError};
use crate::seams::monotonic_now;
use crate::store::dialect::postgres::{ANSWER_TIMEOUT, LONG_ANSWER_TIMEOUT, WORD_TIMEOUT, answered};
use crate::store::dialect::{self, postgres};
use crate::store::error::{Class, StoreError};
use crate::store::plan::together::{self, Group, groups};
use crate::store::plan::{Parameter, Part};
use crate::store::readers::Doubt;
use crate::store::schema::{self, Schema};

/// What the sequences of turns and of definitions say.
pub(super) type Standing = (i64, i64);

/// The connection with which this replica takes its turns.
#[derive(Debug)]
pub(in crate::store) struct PostgresLink {
    pub(super) connection: PgConnection,
    options: PgConnectOptions,
    /// The version of the schema that this server knows.
    known: u32,
    /// Names the server and its history, as this began with it.
    history: String,
    texts: Texts,
    /// Those of statements that are turns.
    turns: Texts,
    /// The turn that is under way.
    turn: Option<Turn>,
    /// What the sequences said last.
    seen: Option<Standing>,
    /// When a turn was begun last.
    begun_at: Instant,
    pub(super) in_doubt: bool,
    /// An answer did not come in time: this connection is asked nothing more.
    is_deaf: bool,
    /// Of the connections that read: what this one met, they may have met too.
    doubt: Doubt,
}

pub(super) type Query<'q> = sqlx::query::Query<'q, Postgres, PgArguments>;

impl PostgresLink {
    pub(in crate::store) async fn open(
        options: PgConnectOptions,
        known: u32,
        doubt: Doubt,
    ) -> Result<Self, StoreError> {
        let mut connection = PgConnection::connect_with(&options).await?;
        Ok(Self {
            history: history(&mut connection).await?,
            connection,
            options,
            known,
            texts: Texts::default(),
            turns: Texts::default(),
            turn: None,
            seen: None,
            begun_at: monotonic_now(),
            in_doubt: false,
            is_deaf: false,
            doubt,
        })
    }

    /// Names the server and its history.
    pub(in crate::store) fn history(&self) -> &str {
        &self.history
    }

    /// As [`Writer::begin`](super::Writer::begin).
    pub(super) async fn begin(&mut self) -> Result<Turn, StoreError> {
        if self.in_doubt || self.is_deaf {
            self.roll_back().await?;
            self.in_doubt = false;
        }
        if let Some(turn) = self.turn {
            return Ok(Turn {
                is_behind: false,
                has_definitions: false,
                ..turn
            });
        }
        match self.try_begin().await {
            Err(error) if dialect::classify(&error) == Class::Unavailable => {
                // The connection may have been cut while it was idle: a new one may do.
                self.connect().await?;
                Ok(self.try_begin().await?)
            }
            turn => Ok(turn?),
        }
    }

    async fn try_begin(&mut self) -> Result<Turn, sqlx::Error> {
        self.in_doubt = true;
        let text = AssertSqlSafe(postgres::begin());
        let asked = sqlx::raw_sql(text).fetch_all(&mut self.connection);
        let rows = heard(&mut self.is_deaf, ANSWER_TIMEOUT, asked).await?;
        self.in_doubt = false;
        let Some(row) = rows.last() else {
            return Err(sqlx::Error::RowNotFound);
        };
        let begun = self.compared(row)?;
        self.seen = Some((row.try_get(0)?, row.try_get(1)?));
        self.begun_at = monotonic_now();
        self.turn = Some(begun);
        Ok(begun)
    }

    /// What the sequences and the clock say, against what they said last.
    fn compared(&self, row: &PgRow) -> Result<Turn, sqlx::Error> {
        let (turn, definition): (i64, i64) = (row.try_get(0)?, row.try_get(1)?);
        Ok(Turn {
            time: Some(Timestamp::from_micros(row.try_get(2)?)),
            is_behind: self.seen.is_none_or(|(last, _)| last != turn),
            has_definitions: self.seen.is_none_or(|(_, last)| last != definition),
        })
    }

    /// As [`Writer::glance`](super::Writer::glance).
    pub(super) async fn glance(&mut self) -> Result<Turn, StoreError> {
        if self.in_doubt || self.is_deaf {
            self.roll_back().await?;
            self.in_doubt = false;
        }
        self.in_doubt = true;
        let asked = sqlx::query(postgres::STANDING).fetch_one(&mut self.connection);
        let row = heard(&mut self.is_deaf, ANSWER_TIMEOUT, asked).await?;
        self.in_doubt = false;
        Ok(self.compared(&row)?)
    }

    /// As [`Writer::fall_behind`](super::Writer::fall_behind).
    pub(super) const fn fall_behind(&mut self) {
        self.seen = None;
    }

    /// Gives the turn up.
    pub(super) async fn leave(&mut self) {
        if self.turn.take().is_some() {
            if self.is_deaf {
                self.in_doubt = true;
                return;
            }
            let asked = self.connection.execute(postgres::ROLLBACK);
            let left = heard(&mut self.is_deaf, WORD_TIMEOUT, asked).await;
            self.in_doubt = left.is_err();
        }
    }

    pub(super) async fn close(self) -> Result<(), StoreError> {
        Ok(answered(WORD_TIMEOUT, self.connection.close()).await?)
    }

    pub(super) async fn write(
        &mut self,
        (parts, parameters): (Vec<Part>, Vec<Parameter>),
        changes_definitions: bool,
    ) -> Result<(), WriteError> {
        self.add((parts, parameters)).await?;
        self.commit(changes_definitions)
            .await
            .map_err(WriteError::Database)
    }

    /// As [`Link::add`](super::Link::add).
    pub(super) async fn add(
        &mut self,
        (parts, parameters): (Vec<Part>, Vec<Parameter>),
    ) -> Result<(), WriteError> {
        self.in_doubt = true;
        for group in groups(parts, parameters) {
            self.add_group(group).await?;
        }
        Ok(())
    }

    async fn add_group(&mut self, Group { parts, parameters }: Group) -> Result<(), WriteError> {
        let text = self.texts.of(&parts, together::text);
        let (query, wanted) = filled(sqlx::query(text), &parts, parameters);
        let changed: Vec<i64> = match parts.len() {
            1 => {
                let asked = query.execute(&mut self.connection);
                let done = heard(&mut self.is_deaf, ANSWER_TIMEOUT, asked).await;
                let rows = done.map_err(WriteError::Database)?.rows_affected();
                wanted.iter().map(|_| rows.cast_signed()).collect()
            }
            _ => {
                let asked = query.fetch_one(&mut self.connection);
                let row = heard(&mut self.is_deaf, ANSWER_TIMEOUT, asked).await;
                row.and_then(|row| (0..wanted.len()).map(|place| row.try_get(place)).collect())
                    .map_err(WriteError::Database)?
            }
        };
        if wanted == changed {
            Ok(())
        } else {
            Err(WriteError::Rows)
        }
    }

    pub(super) async fn commit(&mut self, changes_definitions: bool) -> Result<(), sqlx::Error> {
        let text = if changes_definitions {
            postgres::COMMIT_DEFINITIONS
        } else {
            postgres::COMMIT
        };
        let asked = sqlx::raw_sql(text).fetch_all(&mut self.connection);
        let rows = heard(&mut self.is_deaf, ANSWER_TIMEOUT, asked).await?;
        self.turn = None;
        if let (Some(row), Some((turn, definition))) = (rows.first(), &mut self.seen) {
            *turn = row.try_get(0)?;
            if changes_definitions {
                *definition = row.try_get(1)?;
            }
        }
        Ok(())
    }

    /// As [`Link::run`](super::Link::run), which deals with what is in doubt behind it.
    pub(super) async fn try_run(&mut self, text: &str, values: &[Bind]) -> Result<u64, StoreError> {
        let turn = self.begin().await?;
        self.in_doubt = true;
        let text = AssertSqlSafe(text.to_owned()).into_sql_str();
        let asked = bind(sqlx::query(text), values).execute(&mut self.connection);
        let done = heard(&mut self.is_deaf, LONG_ANSWER_TIMEOUT, asked).await;
        let done = match done {
            Ok(done) => self.commit(false).await.map(|()| done.rows_affected()),
            Err(error) => Err(error),
        };
        if turn.is_behind {
            // Whoever begins the next turn is to learn what this one found.
            self.fall_behind();
        }
        Ok(done?)
    }

    /// Whether nothing is left of an earlier transaction, and the connection answers, as far as is known.
    pub(in crate::store) const fn can_be_asked(&self) -> bool {
        !self.in_doubt && !self.is_deaf
    }

    /// What a statement that reads answers.
    pub(in crate::store) async fn asked<T>(
        &mut self,
        ask: impl AsyncFnOnce(&mut PgConnection) -> Result<T, sqlx::Error>,
    ) -> Result<T, sqlx::Error> {
        heard(&mut self.is_deaf, ANSWER_TIMEOUT, ask(&mut self.connection)).await
    }

    pub(super) fn query<'q>(&self, text: &'static str, values: &[Bind]) -> Query<'q> {
        bind(sqlx::query(text), values)
    }

    /// Says that this server is here, for as long as the session lives: nobody takes from the schema what it needs.
    pub(in crate::store) async fn attend(&mut self) -> Result<(), StoreError> {
        Ok(attend(&mut self.connection, self.known).await?)
    }

    /// Connects anew, to the same history: a standby that took over may lack what was committed last, and what this process
    /// has in memory would be taken for what stands.
    async fn connect(&mut self) -> Result<(), StoreError> {
        let connecting = async {
            let mut connection = PgConnection::connect_with(&self.options).await?;
            let found = history(&mut connection).await?;
            Ok((connection, found))
        };
        let (mut connection, found) = answered(WORD_TIMEOUT, connecting).await?;
        if found != self.history {
            let began = self.history.clone();
            return Err(StoreError::Unavailable(Arc::new(OtherHistory { began, found })));
        }
        attend(&mut connection, self.known).await?;
        check_schema(&mut connection, self.known).await?;
        self.connection = connection;
        self.is_deaf = false;
        self.doubt.everything();
        self.seen = None;
        Ok(())
    }

    /// Ends the turn. With a new connection, it waits until the session of the old one has come to its end: only then is
    /// what that wrote to be seen, or will never be.
    pub(super) async fn roll_back(&mut self) -> Result<(), StoreError> {
        self.turn = None;
        if !self.is_deaf {
            let asked = self.connection.execute(postgres::ROLLBACK);
            if heard(&mut self.is_deaf, WORD_TIMEOUT, asked).await.is_ok() {
                return Ok(());
            }
        }
        self.connect().await?;
        let asked = self.connection.execute(AssertSqlSafe(postgres::begin()));
        heard(&mut self.is_deaf, ANSWER_TIMEOUT, asked).await?;
        let asked = self.connection.execute(postgres::ROLLBACK);
        heard(&mut self.is_deaf, WORD_TIMEOUT, asked).await?;
        Ok(())
    }
}

/// As [`answered`]; notes of a connection that does not answer that it is not to be asked again.
async fn heard<T>(
    is_deaf: &mut bool,
    within: Duration,
    asked: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, sqlx::Error> {
    let answer = answered(within, asked).await;
    *is_deaf |= matches!(&answer, Err(sqlx::Error::Io(error)) if error.kind() == ErrorKind::TimedOut);
    answer
}

/// A server that begins anew reads what stands there.
#[derive(Debug, thiserror::Error)]
#[error(
    "the database has another history ({found}) than the one that this server began with ({began}): restart this server"
)]
struct OtherHistory {
    began: String,
    found: String,
}

async fn history(connection: &mut PgConnection) -> Result<String, sqlx::Error> {
    sqlx::query_scalar(postgres::HISTORY).fetch_one(connection).await
}

async fn attend(connection: &mut PgConnection, known: u32) -> Result<(), sqlx::Error> {
    let text = AssertSqlSafe(postgres::attend(known));
    connection.execute(text).await?;
    Ok(())
}

/// What the schema has come to while this server was not connected.
async fn check_schema(connection: &mut PgConnection, known: u32) -> Result<(), StoreError> {
    let mark: Option<Vec<u8>> = sqlx::query_scalar(postgres::READABLE_FROM)
        .fetch_optional(connection)
        .await?;
    let readable_from = mark.map_or(Ok(1), |mark| schema::read(&mark))?;
    if readable_from <= known {
        return Ok(());
    }
    Err(StoreError::SchemaTooNew {
        step: "that was taken meanwhile".to_owned(),
        schema: Schema {
            version: readable_from,
            readable_from,
            known,
        },
    })
}

fn bind<'q>(mut query: Query<'q>, values: &[Bind]) -> Query<'q> {
    for value in values {
        query = match value {
            Bind::Int(value) => query.bind(*value),
            Bind::Text(text) => query.bind(text.clone()),
            Bind::Id(id) => query.bind(*id),
            Bind::Bytes(bytes) => query.bind(bytes.clone()),
            Bind::Rows(rows) => query.bind(text_of(rows.clone())),
        };
    }
    query
}

/// Rows are JSON text here.
fn text_of(rows: Vec<u8>) -> String {
    String::from_utf8(rows).expect("JSON text is UTF-8")
}
