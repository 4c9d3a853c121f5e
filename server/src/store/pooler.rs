//! Whether a session of PostgreSQL belongs to this server alone.
//!
//! A pooler in between may lend sessions by the transaction, and may keep to itself what is asked for as one connects. Then
//! listening, the locks of a session and the limit that frees the others of a frozen server are not there, and nothing fails
//! that would say so. Hence both are asked for before anything is done.

use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{Connection as _, Error, Row as _};

use super::StoreError;
use super::dialect::postgres::{self, ANSWER_TIMEOUT, answered};

/// Names a session.
const SESSION: &str = "SELECT pg_backend_pid()::text";
/// The same, and holds on to it until [`postgres::ROLLBACK`].
const HOLD: &str = "BEGIN; SELECT pg_backend_pid()::text";
/// Others who use the same pooler may hide once that it lends: not so often in a row.
const ROUNDS: usize = 3;
/// What a pooler answers that does not know what it is asked for: protocol_violation.
const NOT_UNDERSTOOD: &str = "08P01";

const LENT: &str = "between this server and PostgreSQL is a pooler that lends sessions by the transaction, as PgBouncer does with \
     pool_mode = transaction; what Baton listens to and its locks belong to a session: connect to PostgreSQL directly, or by \
     pool_mode = session";

/// Asks both of the sessions that `writing` leads to.
///
/// Errors: [`StoreError::Url`] where a pooler is in the way, which says what to change, and what the database may do.
pub(super) async fn check(writing: &PgConnectOptions) -> Result<(), StoreError> {
    let mut one = connect(writing).await?;
    let mut other = connect(writing).await?;
    for _ in 0..ROUNDS {
        if is_lent(&mut one, &mut other).await? {
            return Err(StoreError::Url(LENT.to_owned()));
        }
    }
    check_limit(&mut one).await?;
    // They have served: what goes wrong from here on, nobody misses.
    drop(tokio::join!(one.close(), other.close()));
    Ok(())
}

async fn connect(options: &PgConnectOptions) -> Result<PgConnection, StoreError> {
    match answered(ANSWER_TIMEOUT, PgConnection::connect_with(options)).await {
        Err(Error::Database(refused)) if refused.code().is_some_and(|code| code == NOT_UNDERSTOOD) => {
            Err(StoreError::Url(format!(
                "a pooler in front of PostgreSQL refuses what Baton asks for as it connects ({}): connect directly, or see \
                 PgBouncer in docs/operations.md",
                refused.message()
            )))
        }
        connected => Ok(connected?),
    }
}

/// What a pooler in between keeps to itself, a server that freezes would make all others pay for.
async fn check_limit(session: &mut PgConnection) -> Result<(), StoreError> {
    let found = ask(session, postgres::TURN_LIMIT).await?;
    if found == postgres::TURN_TIMEOUT {
        return Ok(());
    }
    Err(StoreError::Url(format!(
        "idle_in_transaction_session_timeout is {found} where {} was asked for: connect to PostgreSQL directly, not \
         through a pooler, or set it on the role",
        postgres::TURN_TIMEOUT
    )))
}

/// Whether `one` is in another session once `other` holds one, or `other` was given that of `one`.
async fn is_lent(one: &mut PgConnection, other: &mut PgConnection) -> Result<bool, StoreError> {
    let before = ask(one, SESSION).await?;
    let held = match ask(other, HOLD).await {
        Ok(held) => held,
        // Lends by the statement, and knows of no transactions.
        Err(Error::Database(refused)) if refused.code().is_some_and(|code| code == NOT_UNDERSTOOD) => {
            return Ok(true);
        }
        Err(error) => return Err(error.into()),
    };
    // Where there are no more sessions to lend, asking for another would wait for ever.
    let is_lent = held == before || ask(one, SESSION).await? != before;
    answered(ANSWER_TIMEOUT, sqlx::raw_sql(postgres::ROLLBACK).execute(other)).await?;
    Ok(is_lent)
}

/// The text in the last row. Nothing is prepared for it: that would stay behind in somebody else's session.
async fn ask(session: &mut PgConnection, text: &'static str) -> Result<String, Error> {
    let rows = answered(ANSWER_TIMEOUT, sqlx::raw_sql(text).fetch_all(session)).await?;
    rows.last().ok_or(Error::RowNotFound)?.try_get(0)
}
