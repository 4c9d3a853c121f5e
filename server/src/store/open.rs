//! Opens a database: lock, version, schema, identity, connections.

use std::collections::BTreeSet;
use std::fs::{File, TryLockError};
use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use baton_domain::{TaskType, Webhook};
use baton_migrations::Steps;
use sea_orm::{DatabaseConnection, EntityTrait, QueryOrder};
use sha2::{Digest as _, Sha256};
use sqlx::pool::PoolOptions;
use sqlx::postgres::PgConnectOptions;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Postgres, Sqlite};
use uuid::Uuid;

use super::dialect::{self, Dialect, postgres, sqlite};
use super::entity::{store_meta, token_key};
use super::readers::{Doubt, Readers};
use super::tasks::TaskReader;
use super::url::DatabaseUrl;
use super::writer::{Bind, Link, PostgresLink, SqliteLink};
use super::{Heads, Inner, Schema, Store, StoreError, Writer, pooler, schema};
use crate::seams::Ids;
use crate::token::{Key, Keyring};

/// Readers where the options do not say: enough for two cores, and 32 MiB of cache.
const READERS: u32 = 4;
/// Waits for a connection that reads that long: one server that is gone must not hold its callers.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);
/// The key of the epoch in `store_meta`.
const EPOCH: &str = "epoch";

/// How a store is opened.
#[derive(Clone, Debug)]
pub struct StoreOptions {
    /// Draws the epoch and the first key of a new database.
    pub ids: Ids,
    /// Connections that read.
    pub readers: u32,
    /// Keys of labels by which tasks are found through an index. Changing them rebuilds indexes at the next start.
    pub indexed_labels: Vec<String>,
    /// The steps of the schema that the server knows.
    pub steps: Steps,
    /// Take those steps too that shut out servers of the versions before.
    pub contract: bool,
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
            steps: baton_migrations::steps,
            contract: false,
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
    /// How far the schema is.
    pub schema: Schema,
    /// There was nothing before.
    pub created: bool,
}

impl Store {
    /// Opens the database at `url`; makes and migrates it where needed. The file is held until the writer and every
    /// clone of the store are gone.
    ///
    /// # Errors
    /// [`StoreError::InUse`], [`StoreError::VersionTooOld`], [`StoreError::SchemaTooNew`],
    /// [`StoreError::OldServers`] (nothing was changed), and
    /// what the database may do.
    pub async fn open(url: &DatabaseUrl, options: &StoreOptions) -> Result<Opened, StoreError> {
        let Reached {
            mut link,
            readers,
            lock,
            replicas,
            schema,
            created,
        } = match url {
            DatabaseUrl::Sqlite(file) => reach_sqlite(file, options).await?,
            DatabaseUrl::Postgres(url) => reach_postgres(url, options).await?,
        };
        let (epoch, keyring) = identity(&readers, &link).await?;
        let numbers = link.numbers().await?;
        let inner = Arc::new(Inner {
            dialect: link.dialect(),
            tasks: TaskReader::start(&readers, link.dialect()),
            readers,
            epoch,
            keyring,
            indexed_labels: options.indexed_labels.clone(),
            replicas,
            _lock: lock,
        });
        let writer = Writer::new(link, numbers, Arc::clone(&inner));
        #[cfg(feature = "bench")]
        let writer = writer.writing_nothing(options.writes_nothing);
        let store = Store { inner };
        let heads = store.heads().await?;
        let task_types = store.task_types().await?;
        let webhooks = store.webhooks().await?;
        Ok(Opened {
            store,
            writer,
            heads,
            task_types,
            webhooks,
            schema,
            created,
        })
    }
}

/// A database whose schema is this version's, with its identity and the indexes of labels made.
struct Reached {
    link: Link,
    readers: Readers,
    lock: Option<File>,
    replicas: Option<PgConnectOptions>,
    schema: Schema,
    created: bool,
}

async fn reach_sqlite(file: &Path, options: &StoreOptions) -> Result<Reached, StoreError> {
    let lock = lock(file)?;
    make_private(file)?;
    let write = sqlite::writer_options(file, options.durable);
    let mut link = Link::Sqlite(SqliteLink::open(write.clone()).await?);
    check_version(&mut link).await?;
    let database = sqlite_pool(write, 1).await?;
    let steps = (options.steps, options.contract);
    let migrated = schema::bring_up(&database, Dialect::Sqlite, steps).await;
    database.close().await?;
    let (schema, created) = migrated?;
    prepare(&mut link, options).await?;
    Ok(Reached {
        link,
        readers: Readers::of_file(sqlite_pool(sqlite::reader_options(file), options.readers).await?),
        lock: Some(lock),
        replicas: None,
        schema,
        created,
    })
}

async fn reach_postgres(url: &str, options: &StoreOptions) -> Result<Reached, StoreError> {
    let base = postgres::options(url)?;
    let write = postgres::writer_options(&base, options.durable);
    let known = schema::number((options.steps)().len());
    pooler::check(&write).await?;
    let doubt = Doubt::of(options.readers);
    let mut link = Link::Postgres(PostgresLink::open(write, known, doubt.clone()).await?);
    check_version(&mut link).await?;
    // Replicas that start together migrate one after the other; all but the first find nothing to do.
    link.execute(postgres::lock_schema()).await?;
    let database = postgres_pool(base.clone(), pool(1)).await?;
    let steps = (options.steps, options.contract);
    let migrated = schema::bring_up(&database, Dialect::Postgres, steps).await;
    database.close().await?;
    let prepared = match migrated {
        Ok(migrated) => prepare_shared(&mut link, options).await.map(|()| migrated),
        Err(error) => Err(error),
    };
    link.execute(postgres::unlock_schema()).await?;
    let (schema, created) = prepared?;
    let readers = doubt.watch(pool(options.readers));
    let readers = postgres_pool(postgres::reader_options(&base), readers).await?;
    Ok(Reached {
        link,
        readers: Readers::of_postgres(readers, doubt),
        lock: None,
        replicas: Some(base),
        schema,
        created,
    })
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

/// A new file is its owner's alone: the secrets of webhooks and the keys of tokens are in it. One that is there stays as its
/// owner left it, and what SQLite makes beside it follows it.
fn make_private(file: &Path) -> Result<(), StoreError> {
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(file) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => {
            Err(StoreError::Unavailable(Arc::new(error)))
        }
        Ok(_) | Err(_) => Ok(()),
    }
}

async fn check_version(link: &mut Link) -> Result<(), StoreError> {
    let dialect = link.dialect();
    let found = link.find_texts(dialect::VERSION.of(dialect)).await?;
    let found = found.into_iter().next().unwrap_or_default();
    let (name, needed) = match dialect {
        Dialect::Sqlite => ("SQLite", sqlite::OLDEST_VERSION),
        Dialect::Postgres => ("PostgreSQL", postgres::OLDEST_VERSION),
    };
    if dialect::is_new_enough(&found, needed) {
        Ok(())
    } else {
        Err(StoreError::VersionTooOld { name, found, needed })
    }
}

async fn sqlite_pool(
    options: SqliteConnectOptions,
    connections: u32,
) -> Result<DatabaseConnection, StoreError> {
    Ok(pool::<Sqlite>(connections).connect_with(options).await?.into())
}

async fn postgres_pool(
    options: PgConnectOptions,
    pool: PoolOptions<Postgres>,
) -> Result<DatabaseConnection, StoreError> {
    let pool = pool.acquire_timeout(ACQUIRE_TIMEOUT);
    Ok(pool.connect_with(options).await?.into())
}

fn pool<D: sqlx::Database>(connections: u32) -> PoolOptions<D> {
    PoolOptions::new()
        .max_connections(connections)
        // A ping before each statement doubles its cost. A connection to a file does not go stale; one to a server that
        // does fails one call, and is not used again.
        .test_before_acquire(false)
        .idle_timeout(None)
        .max_lifetime(None)
}

/// Draws the epoch and the first key of a new database, while an old one keeps its own; sees to the indexes of labels.
async fn prepare(link: &mut Link, options: &StoreOptions) -> Result<(), StoreError> {
    let (epoch, secret): ([u8; 16], [u8; 32]) = (options.ids.bytes(), options.ids.bytes());
    link.run(dialect::MAKE_EPOCH, &[Bind::Bytes(epoch.to_vec())])
        .await?;
    link.run(dialect::MAKE_KEY, &[Bind::Bytes(secret.to_vec())])
        .await?;
    index_labels(link, &options.indexed_labels).await
}

/// As [`prepare`], and says that this server is here: while nobody can change the schema that it has found.
async fn prepare_shared(link: &mut Link, options: &StoreOptions) -> Result<(), StoreError> {
    if let Link::Postgres(link) = link {
        link.attend().await?;
    }
    prepare(link, options).await
}

/// Makes the indexes of these labels and drops those of others. Takes as long as reading every task, once.
async fn index_labels(link: &mut Link, keys: &[String]) -> Result<(), StoreError> {
    let dialect = link.dialect();
    let wanted: BTreeSet<String> = keys.iter().map(|key| dialect::label_index(key)).collect();
    let standing = link.find_texts(dialect::LABEL_INDEXES.of(dialect)).await?;
    for name in standing.iter().filter(|name| !wanted.contains(*name)) {
        link.execute(dialect::drop_index(name)).await?;
    }
    for key in keys {
        link.execute(dialect.make_label_index(key)).await?;
    }
    Ok(())
}

/// The epoch of the log and the keys of tokens.
async fn identity(database: &Readers, link: &Link) -> Result<(Uuid, Keyring), StoreError> {
    let epoch = store_meta::Entity::find_by_id(EPOCH).one(database).await?;
    let epoch = epoch
        .ok_or_else(|| StoreError::corrupt("store_meta", EPOCH, "it is not there"))?
        .value;
    let epoch = Uuid::from_slice(&epoch).map_err(|error| StoreError::corrupt("store_meta", EPOCH, error))?;
    let epoch = match link {
        Link::Sqlite(_) => epoch,
        Link::Postgres(link) => epoch_here(epoch, link.history()),
    };
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

/// The epoch of a log as this server has it. A backup that is put into another server, and a standby that takes over, may
/// lack the end of the log: what comes after is another history, though the rows say the same of themselves.
fn epoch_here(epoch: Uuid, history: &str) -> Uuid {
    let digest = Sha256::new()
        .chain_update(epoch.as_bytes())
        .chain_update(history)
        .finalize();
    let bytes: [u8; 16] = digest[..16].try_into().expect("a digest has 32 bytes");
    Uuid::from_bytes(bytes)
}
