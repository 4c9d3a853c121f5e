//! The database of one test: a SQLite file, or, where `BATON_TEST_POSTGRES` has the URL of a PostgreSQL, a database of
//! its own there. A test does not know which; one that is about the file itself has `sqlite` in its name, by which it
//! is left out of the run on PostgreSQL.
//!
//! What goes wrong here is a panic: whoever uses this is a test.

mod fill;
mod shell;

use std::future::Future;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};
use tempfile::TempDir;
use url::Url;
use uuid::Uuid;

pub use shell::Shell;

/// Names a PostgreSQL to test on: the URL of a database of it from which others can be made.
pub const VARIABLE: &str = "BATON_TEST_POSTGRES";

/// For as long as a busy machine may take to make a database.
const PATIENCE: Duration = Duration::from_secs(60);

/// A new database. It goes with this value, whoever is still connected.
#[derive(Debug)]
pub struct TestDatabase {
    folder: TempDir,
    place: Place,
}

#[derive(Debug)]
enum Place {
    File,
    Postgres { maintenance: Url, name: String },
}

impl TestDatabase {
    /// A database of the kind that is tested. Nothing is in it: no file, no table.
    ///
    /// Blocks the thread for as long as PostgreSQL takes to make one, some tens of milliseconds.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "makes a thing in the world")]
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("the machine has room for a folder");
        let place = match std::env::var(VARIABLE) {
            Ok(url) => in_postgres(&url),
            Err(_) => Place::File,
        };
        Self { folder, place }
    }

    /// A database in the PostgreSQL at `url`, whatever else is tested: one that a test started to do it harm.
    #[must_use]
    pub fn at(url: &str) -> Self {
        let folder = tempfile::tempdir().expect("the machine has room for a folder");
        let place = in_postgres(url);
        Self { folder, place }
    }

    /// As `Config::database` has it.
    #[must_use]
    pub fn url(&self) -> String {
        match &self.place {
            Place::File => format!("sqlite:{}", self.path().display()),
            Place::Postgres { maintenance, name } => at(maintenance, name).into(),
        }
    }

    /// As `ServerInfo.store_kind` has it.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match &self.place {
            Place::File => "sqlite",
            Place::Postgres { .. } => "postgres",
        }
    }

    /// A folder for whatever else the test keeps, whichever the database is.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The SQLite file, for a test of the file itself.
    ///
    /// # Panics
    /// The test runs on PostgreSQL.
    #[must_use]
    pub fn file(&self) -> PathBuf {
        match &self.place {
            Place::File => self.path(),
            Place::Postgres { .. } => {
                panic!("a test of the file has `sqlite` in its name, and runs on SQLite alone")
            }
        }
    }

    /// A connection beside the server, as somebody with a shell has it.
    ///
    /// # Panics
    /// The database is not there, as before the first server is started on a file.
    pub async fn shell(&self) -> Shell {
        match &self.place {
            Place::File => Shell::of_file(&self.path(), false).await,
            Place::Postgres { .. } => Shell::of_postgres(&self.url()).await,
        }
    }

    /// Fills a database in which nothing is by statements of its own kind.
    pub async fn load(&self, text: &str) {
        let mut shell = match &self.place {
            Place::File => Shell::of_file(&self.path(), true).await,
            Place::Postgres { .. } => self.shell().await,
        };
        shell.load(text).await;
        shell.close().await;
    }

    /// Keeps a copy as a backup would. Nobody has the database open.
    pub fn keep_copy(&self) {
        match &self.place {
            Place::File => {
                for (file, copy) in self.files() {
                    std::fs::copy(file, copy).expect("the file is there");
                }
            }
            Place::Postgres { maintenance, name } => {
                let text = format!("CREATE DATABASE {name}_copy TEMPLATE {name}");
                on_a_thread(administer(maintenance.clone(), &[text])).expect("a database can be copied");
            }
        }
    }

    /// Puts that copy in the place of the database, as a restore would. Nobody has it open.
    pub fn put_copy_back(&self) {
        match &self.place {
            Place::File => {
                for (file, copy) in self.files() {
                    std::fs::rename(copy, file).expect("the copy is there");
                }
                // Of the file that is gone; it is made anew.
                drop(std::fs::remove_file(beside(&self.path(), "-shm")));
            }
            Place::Postgres { maintenance, name } => {
                let texts = [
                    dropping(name),
                    format!("ALTER DATABASE {name}_copy RENAME TO {name}"),
                ];
                on_a_thread(administer(maintenance.clone(), &texts)).expect("the copy is there");
            }
        }
    }

    /// The files of a database that nobody has open, each with the name of its copy.
    fn files(&self) -> [(PathBuf, PathBuf); 2] {
        let file = self.path();
        ["", "-wal"].map(|suffix| (beside(&file, suffix), beside(&file, &format!("{suffix}.copy"))))
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("baton.db")
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let Place::Postgres { maintenance, name } = &self.place else {
            return;
        };
        let texts = [dropping(name), dropping(&format!("{name}_copy"))];
        // The test may have failed already; the cluster goes after the run, and this with it.
        if let Err(error) = on_a_thread(administer(maintenance.clone(), &texts)) {
            eprintln!("{name} is left behind: {error}");
        }
    }
}

fn in_postgres(url: &str) -> Place {
    let maintenance: Url = url
        .parse()
        .unwrap_or_else(|error| panic!("{VARIABLE}: {url}: {error}"));
    let name = format!("baton_test_{}", Uuid::new_v4().simple());
    let text = format!("CREATE DATABASE {name}");
    let made = on_a_thread(administer(maintenance.clone(), &[text]));
    made.unwrap_or_else(|error| panic!("{VARIABLE}: {url}: {error}"));
    Place::Postgres { maintenance, name }
}

/// The same server, another database.
fn at(maintenance: &Url, name: &str) -> Url {
    let mut url = maintenance.clone();
    url.set_path(name);
    url
}

fn dropping(name: &str) -> String {
    format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")
}

fn beside(file: &Path, suffix: &str) -> PathBuf {
    PathBuf::from(format!("{}{suffix}", file.display()))
}

async fn administer(maintenance: Url, texts: &[String]) -> sqlx::Result<()> {
    let work = async {
        let mut connection = PgConnection::connect(maintenance.as_str()).await?;
        for text in texts {
            connection.execute(AssertSqlSafe(text.as_str())).await?;
        }
        connection.close().await
    };
    tokio::time::timeout(PATIENCE, work)
        .await
        .unwrap_or_else(|_| Err(sqlx::Error::PoolTimedOut))
}

/// A test's own runtime may be of one thread, and cannot be waited for in a drop.
fn on_a_thread<T: Send>(work: impl Future<Output = T> + Send) -> T {
    let run = || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("a runtime can be made").block_on(work)
    };
    std::thread::scope(|scope| scope.spawn(run).join().expect("it does not panic"))
}
