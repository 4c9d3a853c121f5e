//! A copy of a SQLite file that is in use.
//!
//! `VACUUM INTO` reads the database as of one moment and writes it anew, while the writer goes on; only the write-ahead
//! log cannot shrink until it ends. The backup API of SQLite would begin anew with every commit of another connection.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use baton_domain::Timestamp;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode};
use sqlx::{ConnectOptions as _, Connection as _, Executor as _, Row as _};
use tokio::fs::{self, File};

use super::dialect::{self, Dialect, sqlite};
use super::{Heads, Store, StoreError};

/// A finished copy.
#[derive(Debug)]
pub struct Backup {
    /// Its whole path.
    pub path: PathBuf,
    /// Its size.
    pub bytes: u64,
    /// Where each log of it ends.
    pub heads: Heads,
}

/// Why there is no copy.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// PostgreSQL has its own means.
    #[error("only a SQLite file can be copied")]
    NotAFile,
    /// A file of that name is there; it was not touched.
    #[error("the file exists")]
    Exists,
    /// What the database or the disk did.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<sqlx::Error> for BackupError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

impl From<io::Error> for BackupError {
    fn from(error: io::Error) -> Self {
        Self::Store(StoreError::Unavailable(Arc::new(error)))
    }
}

impl Store {
    /// Copies the database into the new file `name` of `folder`, as of one moment: what was committed before the call is in
    /// it. The file appears when it is whole and on the disk; only its owner can read it. It has no epoch, so whoever opens
    /// it first draws a new one. To be called for one copy at a time.
    ///
    /// Not cancel-safe: a call that is cut off leaves `.<name>.part` behind, which the next one of that name removes.
    ///
    /// # Errors
    /// [`BackupError`]; nothing of the copy stays.
    pub async fn back_up(&self, folder: &Path, name: &str) -> Result<Backup, BackupError> {
        let path = fs::canonicalize(folder).await?.join(name);
        if fs::try_exists(&path).await? {
            return Err(BackupError::Exists);
        }
        if self.dialect() == Dialect::Postgres {
            return Err(BackupError::NotAFile);
        }
        let part = path.with_file_name(format!(".{name}.part"));
        let made = self.copy_to(&part, &path).await;
        let removed = remove(&part).await;
        let (bytes, heads) = made?;
        removed?;
        File::open(folder).await?.sync_all().await?;
        Ok(Backup { path, bytes, heads })
    }

    async fn copy_to(&self, part: &Path, path: &Path) -> Result<(u64, Heads), BackupError> {
        remove(part).await?;
        let mut options = fs::OpenOptions::new();
        options
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(part)
            .await?;
        let source = self
            .readers()
            .pool()
            .get_sqlite_connection_pool()
            .connect_options();
        let mut source = SqliteConnection::connect_with(&source).await?;
        let into = part.display().to_string();
        let copied = sqlx::query(sqlite::COPY).bind(into).execute(&mut source).await;
        source.close().await?;
        copied?;
        let heads = end_life(part).await?;
        let file = File::open(part).await?;
        file.sync_all().await?;
        let bytes = file.metadata().await?.len();
        // Unlike a rename, a link takes no other file's place.
        match fs::hard_link(part, path).await {
            Ok(()) => Ok((bytes, heads)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(BackupError::Exists),
            Err(error) => Err(error.into()),
        }
    }
}

/// Takes the epoch out of a copy: what is written to it is another history, also where it is put back twice. Answers where
/// its logs end.
async fn end_life(copy: &Path) -> Result<Heads, sqlx::Error> {
    let options = SqliteConnectOptions::new()
        .filename(copy)
        .journal_mode(SqliteJournalMode::Delete)
        .disable_statement_logging();
    let mut copy = SqliteConnection::connect_with(&options).await?;
    copy.execute(dialect::DROP_EPOCH).await?;
    let rows = sqlx::query(dialect::FIND_HEADS.of(Dialect::Sqlite))
        .fetch_all(&mut copy)
        .await?;
    let mut heads = Heads::default();
    for row in rows {
        let (oldest, floor): (i64, i64) = (row.try_get(1)?, row.try_get(2)?);
        let last: Option<i64> = row.try_get(4)?;
        let position = last.unwrap_or(0).max(floor);
        heads.insert(row.try_get(0)?, (position, oldest), Timestamp::default());
    }
    copy.close().await?;
    Ok(heads)
}

async fn remove(file: &Path) -> io::Result<()> {
    match fs::remove_file(file).await {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
