//! Opens a database: lock, version, schema, identity, connections.

use std::collections::BTreeSet;
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use baton_domain::{TaskType, Timestamp, Webhook};
use baton_migrations::Migrator;
use sea_orm::{DatabaseConnection, EntityTrait, QueryOrder};
use sea_orm_migration::{MigratorTrait, seaql_migrations};
use sqlx::pool::PoolOptions;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, Sqlite, SqliteConnection};
use uuid::Uuid;

use super::entity::{namespace, store_meta, token_key};
use super::tasks::TaskReader;
use super::{Heads, Inner, Store, StoreError, Writer, dialect};
use crate::seams::Ids;
use crate::token::{Key, Keyring};

/// Readers where the options do not say: enough for two cores, and 32 MiB of cache.
const READERS: u32 = 4;
/// The key of the epoch in `store_meta`.
const EPOCH: &str = "epoch";

/// Where the tasks are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DatabaseUrl {
    /// `sqlite:<path>`: one file, and beside it `-wal`, `-shm` and `.lock`.
    Sqlite(PathBuf),
}

impl FromStr for DatabaseUrl {
    type Err = StoreError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once(':') {
            Some(("sqlite", path)) if !path.is_empty() && !path.contains(":memory:") => Ok(Self::Sqlite(
                PathBuf::from(path.strip_prefix("//").unwrap_or(path)),
            )),
            Some(_) | None => Err(StoreError::Url(format!(
                "{text:?} is not sqlite:<path of a file>"
            ))),
        }
    }
}

/// How a store is opened.
#[derive(Clone, Debug)]
pub struct StoreOptions {
    /// Draws the epoch and the first key of a new database.
    pub ids: Ids,
    /// Connections that read.
    pub readers: u32,
    /// Keys of labels by which tasks are found through an index. Changing them rebuilds indexes at the next start.
    pub indexed_labels: Vec<String>,
    /// False: commits are not flushed to disk and a power cut may lose them. For tests only.
    pub durable: bool,
    /// True: batches are taken for written and nothing is.
    #[cfg(feature = "bench")]
    pub writes_nothing: bool,
}

impl StoreOptions {
    /// What a server uses.
    #[must_use]
    pub const fn new(ids: Ids) -> Self {
        Self {
            ids,
            readers: READERS,
            indexed_labels: Vec::new(),
            durable: true,
            #[cfg(feature = "bench")]
            writes_nothing: false,
        }
    }
}

/// An open store.
#[derive(Debug)]
pub struct Opened {
    /// Reads; clones share everything.
    pub store: Store,
    /// Writes.
    pub writer: Writer,
    /// Where each log ends.
    pub heads: Heads,
    /// Every task type.
    pub task_types: Vec<TaskType>,
    /// Every webhook.
    pub webhooks: Vec<Webhook>,
}

impl Store {
    /// Opens the database at `url`; makes and migrates it where needed. The file is held until the writer and every
    /// clone of the store are gone.
    ///
    /// # Errors
    /// [`StoreError::InUse`], [`StoreError::VersionTooOld`], [`StoreError::SchemaTooNew`] (nothing was changed), and
    /// what the database may do.
    pub async fn open(url: &DatabaseUrl, options: &StoreOptions) -> Result<Opened, StoreError> {
        let DatabaseUrl::Sqlite(file) = url;
        let lock = lock(file)?;
        let write = dialect::writer_options(file, options.durable);
        let mut connection = SqliteConnection::connect_with(&write).await?;
        check_version(&mut connection).await?;
        migrate(&write).await?;
        make_identity(&mut connection, &options.ids).await?;
        index_labels(&mut connection, &options.indexed_labels).await?;
        let readers = pool(dialect::reader_options(file), options.readers).await?;
        let (epoch, keyring) = identity(&readers).await?;
        let heads = read_heads(&readers).await?;
        let numbers = super::writer::numbers(&mut connection).await?;
        let indexed_labels = options.indexed_labels.clone();
        let inner = Arc::new(Inner {
            tasks: TaskReader::start(&readers),
            readers,
            epoch,
            keyring,
            indexed_labels,
            _lock: lock,
        });
        let writer = Writer::new((connection, write), numbers, Arc::clone(&inner));
        #[cfg(feature = "bench")]
        let writer = writer.writing_nothing(options.writes_nothing);
        let store = Store { inner };
        let task_types = store.task_types().await?;
        let webhooks = store.webhooks().await?;
        Ok(Opened {
            store,
            writer,
            heads,
            task_types,
            webhooks,
        })
    }
}

/// Takes the lock file beside the database; the system lets go of it when the process ends, however it ends. Whatever
/// way leads to the database, the lock is that of the file itself.
fn lock(file: &Path) -> Result<File, StoreError> {
    let unavailable = |error: std::io::Error| StoreError::Unavailable(Arc::new(error));
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder).map_err(unavailable)?;
    }
    // One that is not there yet has no other names.
    let mut name = std::fs::canonicalize(file)
        .unwrap_or_else(|_| file.to_owned())
        .into_os_string();
    name.push(".lock");
    let lock = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(name)
        .map_err(unavailable)?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(StoreError::InUse {
            path: file.display().to_string(),
        }),
        Err(TryLockError::Error(error)) => Err(unavailable(error)),
    }
}

async fn check_version(connection: &mut SqliteConnection) -> Result<(), StoreError> {
    let found: String = sqlx::query_scalar(dialect::VERSION).fetch_one(connection).await?;
    if dialect::is_new_enough(&found) {
        Ok(())
    } else {
        Err(StoreError::VersionTooOld {
            found,
            needed: dialect::OLDEST_VERSION,
        })
    }
}

/// Runs the steps that the database has not seen. The lock file is held: no two processes migrate.
async fn migrate(options: &SqliteConnectOptions) -> Result<(), StoreError> {
    let database = pool(options.clone(), 1).await?;
    let migrated = run_steps(&database).await;
    database.close().await?;
    migrated
}

async fn run_steps(database: &DatabaseConnection) -> Result<(), StoreError> {
    let known: BTreeSet<String> = Migrator::migrations()
        .iter()
        .map(|step| step.name().to_owned())
        .collect();
    let manager = sea_orm_migration::SchemaManager::new(database);
    if manager.has_table("seaql_migrations").await? {
        let steps = seaql_migrations::Entity::find().order_by_asc(seaql_migrations::Column::Version);
        let unknown = steps
            .all(database)
            .await?
            .into_iter()
            .find(|step| !known.contains(&step.version));
        if let Some(step) = unknown {
            return Err(StoreError::SchemaTooNew { step: step.version });
        }
    }
    Ok(Migrator::up(database, None).await?)
}

async fn pool(options: SqliteConnectOptions, connections: u32) -> Result<DatabaseConnection, StoreError> {
    let pool = PoolOptions::<Sqlite>::new()
        .max_connections(connections)
        // A connection to a file does not go stale, and a ping before each statement doubles its cost.
        .test_before_acquire(false)
        .idle_timeout(None)
        .max_lifetime(None)
        .connect_with(options)
        .await?;
    Ok(pool.into())
}

/// Draws the epoch and the first key of a new database; an old one keeps its own.
async fn make_identity(connection: &mut SqliteConnection, ids: &Ids) -> Result<(), StoreError> {
    let (epoch, secret): ([u8; 16], [u8; 32]) = (ids.bytes(), ids.bytes());
    let query = sqlx::query(dialect::MAKE_IDENTITY)
        .bind(EPOCH)
        .bind(epoch.to_vec())
        .bind(secret.to_vec());
    query.execute(connection).await?;
    Ok(())
}

/// Makes the indexes of these labels and drops those of others. Takes as long as reading every task, once.
async fn index_labels(connection: &mut SqliteConnection, keys: &[String]) -> Result<(), StoreError> {
    let wanted: BTreeSet<String> = keys.iter().map(|key| dialect::label_index(key)).collect();
    let standing: Vec<String> = sqlx::query_scalar(dialect::LABEL_INDEXES)
        .fetch_all(&mut *connection)
        .await?;
    for name in standing.iter().filter(|name| !wanted.contains(*name)) {
        connection
            .execute(AssertSqlSafe(dialect::drop_index(name)))
            .await?;
    }
    for key in keys {
        connection
            .execute(AssertSqlSafe(dialect::make_label_index(key)))
            .await?;
    }
    Ok(())
}

async fn identity(database: &DatabaseConnection) -> Result<(Uuid, Keyring), StoreError> {
    let epoch = store_meta::Entity::find_by_id(EPOCH).one(database).await?;
    let epoch = epoch
        .ok_or_else(|| StoreError::corrupt("store_meta", EPOCH, "it is not there"))?
        .value;
    let epoch = Uuid::from_slice(&epoch).map_err(|error| StoreError::corrupt("store_meta", EPOCH, error))?;
    let mut keys = Vec::new();
    for row in token_key::Entity::find()
        .order_by_asc(token_key::Column::Id)
        .all(database)
        .await?
    {
        let secret: Result<[u8; 32], _> = row.secret.try_into();
        keys.push(Key::new(&secret.map_err(|_| {
            StoreError::corrupt("token_key", row.id, "it has not 32 bytes")
        })?));
    }
    let current = keys
        .pop()
        .ok_or_else(|| StoreError::corrupt("token_key", "any", "there is none"))?;
    Ok((epoch, Keyring::new(current, keys)))
}

async fn read_heads(readers: &DatabaseConnection) -> Result<Heads, StoreError> {
    let mut heads = Heads::default();
    for row in namespace::Entity::find().all(readers).await? {
        let namespace::Model {
            name,
            oldest_position,
            last_position,
            last_time,
            number: _,
        } = row;
        let last = super::log::last_event(readers, &name).await?;
        let (position, time) = last.unwrap_or((last_position, last_time));
        let (position, time) = (position.max(last_position), time.max(last_time));
        heads.insert(name, (position, oldest_position), Timestamp::from_micros(time));
    }
    Ok(heads)
}
