//! How SQLite is opened, and what its errors mean.

use std::path::Path;
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions as _, Error};

use crate::store::error::Class;

/// The first release without the WAL-reset corruption of 3.7.0 to 3.51.2. It also has `jsonb_each`.
pub(in crate::store) const OLDEST_VERSION: &str = "3.51.3";

/// How long a statement waits for a lock of another process: a backup, or somebody with a shell.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// Pages in the log before it is copied back: few checkpoints under load, 16 MiB at rest.
const CHECKPOINT_PAGES: &str = "4000";
/// Page cache of each connection, in KiB (negative says KiB). Small on purpose: once it has moved an index page, SQLite
/// walks the whole cache at every commit; with 64 MiB that made a batch of 16 a third dearer. The system's own cache
/// stands behind it.
const CACHE: &str = "-8192";
/// Texts a connection keeps prepared; the least recently used one goes.
const STATEMENTS: usize = 256;
/// Rows that may wait between the database's thread and ours.
const ROW_BUFFER: usize = 512;

/// How the writer opens the file.
pub(in crate::store) fn writer_options(file: &Path, durable: bool) -> SqliteConnectOptions {
    options(file, durable)
        .create_if_missing(true)
        .pragma("cache_size", CACHE)
}

/// How a reader opens the file.
pub(in crate::store) fn reader_options(file: &Path) -> SqliteConnectOptions {
    options(file, true).read_only(true).pragma("cache_size", CACHE)
}

fn options(file: &Path, durable: bool) -> SqliteConnectOptions {
    let synchronous = if durable {
        SqliteSynchronous::Full
    } else {
        SqliteSynchronous::Off
    };
    SqliteConnectOptions::new()
        .filename(file)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(synchronous)
        .busy_timeout(BUSY_TIMEOUT)
        .pragma("wal_autocheckpoint", CHECKPOINT_PAGES)
        .statement_cache_capacity(STATEMENTS)
        .row_buffer_size(ROW_BUFFER)
        .disable_statement_logging()
}

/// What an error means, by its code. Source: <https://www.sqlite.org/rescode.html>
pub(in crate::store) fn classify(error: &Error) -> Class {
    match error {
        Error::Database(error) => error
            .code()
            .and_then(|code| code.parse().ok())
            .map_or(Class::Statement, by_code),
        Error::PoolTimedOut => Class::Busy,
        Error::Io(_) | Error::WorkerCrashed | Error::PoolClosed | Error::Configuration(_) => {
            Class::Unavailable
        }
        _ => Class::Statement,
    }
}

/// Whether a commit that failed so may come to light after a crash: its frames are in the log file, only the flush
/// failed. The next commit writes over them, but a crash before it would read them as committed.
pub(in crate::store) fn leaves_doubt(error: &Error) -> bool {
    const IOERR: u32 = 10;
    let Error::Database(error) = error else {
        return false;
    };
    let code = error.code().and_then(|code| code.parse::<u32>().ok());
    code.is_some_and(|code| code & 0xff == IOERR)
}

fn by_code(code: u32) -> Class {
    const UNIQUE: u32 = 2067;
    const PRIMARY_KEY: u32 = 1555;
    const ROWID: u32 = 2579;
    if matches!(code, UNIQUE | PRIMARY_KEY | ROWID) {
        return Class::Unique;
    }
    // The low byte is the primary code.
    match code & 0xff {
        // BUSY, LOCKED
        5 | 6 => Class::Busy,
        // TOOBIG, CONSTRAINT, MISMATCH
        18..=20 => Class::Refused,
        // PERM, NOMEM, READONLY, INTERRUPT, IOERR, CORRUPT, FULL, CANTOPEN, PROTOCOL, NOLFS, AUTH, NOTADB
        3 | 7 | 8 | 9 | 10 | 11 | 13 | 14 | 15 | 22 | 23 | 26 => Class::Unavailable,
        _ => Class::Statement,
    }
}

pub(in crate::store) const BEGIN: &str = "BEGIN IMMEDIATE;";
pub(in crate::store) const COMMIT: &str = "COMMIT;";
pub(in crate::store) const ROLLBACK: &str = "ROLLBACK";

/// Fails the transaction unless the statement before changed as many rows as the parameter says: UPDATE and DELETE
/// pass over a missing row in silence. What it calls depends on the rows, or it would be computed while preparing.
pub(in crate::store) const GUARD: &str =
    "SELECT CASE WHEN changes() <> ? THEN json('not ' || changes()) END;";

/// Copies the database into the file whose name is the parameter; it has to be empty or not to be there.
pub(in crate::store) const COPY: &str = "VACUUM INTO ?";

/// Puts as much of the log into the file as nobody reads any more; waits for nobody.
pub(in crate::store) const CHECKPOINT: &str = "PRAGMA wal_checkpoint(PASSIVE)";

/// Rows that the last statement changed.
pub(in crate::store) const CHANGES: &str = "SELECT changes()";
