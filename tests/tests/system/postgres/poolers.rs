//! A pooler between a server and its database: what takes away what Baton rests on is noticed before anything is done.

use std::fmt::Write as _;
use std::fs::{self, Permissions};
use std::io::{BufRead as _, BufReader};
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use baton_tests::harness::{Pooler, Process, TestDatabase};

use super::created_in_the_end;

/// What the URL of a database is made of.
struct Parts {
    user: String,
    server: SocketAddr,
    name: String,
}

fn parts(database: &TestDatabase) -> Parts {
    let url = database.url();
    let (user, place) = url.rsplit_once('@').expect("the URL names a user");
    let (server, name) = place.split_once('/').expect("the URL names a database");
    Parts {
        user: user.trim_start_matches("postgres://").to_owned(),
        server: server.parse().expect("the cluster is named by its address"),
        name: name.to_owned(),
    }
}

/// Tables of a database, its own ones left out.
async fn tables(database: &TestDatabase) -> i64 {
    let mut shell = database.shell().await;
    let count = shell
        .number("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")
        .await;
    shell.close().await;
    count
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_that_are_lent_by_the_transaction_are_refused() {
    let database = TestDatabase::new();
    let Parts { user, server, name } = parts(&database);
    let pooler = Pooler::before(server).await;
    let url = format!("postgres://{user}@{}/{name}", pooler.address());
    let refused = Process::start_at(&database, &url, |_| {}).unwrap_err();
    assert!(
        refused.contains("lends sessions by the transaction") && refused.contains("pool_mode = session"),
        "{refused}"
    );
    assert_eq!(tables(&database).await, 0, "nothing was made");
}

/// The lines below the error say what to do.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_role_and_a_database_that_are_not_there_are_told_with_the_next_step() {
    let database = TestDatabase::new();
    let Parts { user, server, .. } = parts(&database);
    for (place, next) in [
        (format!("nobody-has-this-name@{server}/postgres"), "CREATE ROLE"),
        (format!("{user}@{server}/nobody-has-this-name"), "CREATE DATABASE"),
    ] {
        let refused = Process::start_at(&database, &format!("postgres://{place}"), |_| {}).unwrap_err();
        let lines: Vec<_> = refused.lines().collect();
        assert!(
            refused.contains("does not exist")
                && lines
                    .iter()
                    .any(|line| line.starts_with("  next: ") && line.contains(next)),
            "{refused}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn behind_pgbouncer_a_server_starts_in_session_mode_alone() {
    let Some(program) = pgbouncer() else {
        let missing = "pgbouncer is missing: apt-get install pgbouncer";
        assert!(std::env::var("CI").as_deref() != Ok("true"), "{missing}");
        eprintln!("!!! SKIPPED: {missing}");
        return;
    };
    let database = TestDatabase::new();
    let parts = parts(&database);
    let through = |bouncer: &Bouncer, mode: &str| {
        let url = format!("postgres://{}@127.0.0.1:{}/{mode}", parts.user, bouncer.port);
        Process::start_at(&database, &url, |_| {})
    };

    let strict = Bouncer::start(&program, &parts, "");
    let refused = through(&strict, "session").unwrap_err();
    assert!(
        refused.contains("unsupported startup parameter") && refused.contains("docs/operations.md"),
        "{refused}"
    );

    // As docs/operations.md has it.
    let lenient = Bouncer::start(
        &program,
        &parts,
        "ignore_startup_parameters = extra_float_digits, options",
    );
    let refused = through(&lenient, "session").unwrap_err();
    assert!(
        refused.contains("idle_in_transaction_session_timeout is 0"),
        "{refused}"
    );
    let mut shell = database.shell().await;
    let limit = format!(
        "ALTER DATABASE {} SET idle_in_transaction_session_timeout = '2s'",
        parts.name
    );
    shell.run(&limit).await;
    shell.close().await;
    // Sessions that it has kept know nothing of the limit.
    drop(lenient);
    let lenient = Bouncer::start(
        &program,
        &parts,
        "ignore_startup_parameters = extra_float_digits, options",
    );
    for mode in ["transaction", "statement"] {
        let refused = through(&lenient, mode).unwrap_err();
        assert!(refused.contains("pool_mode = session"), "{mode}: {refused}");
    }
    assert_eq!(tables(&database).await, 0, "nothing was made");
    created_in_the_end(&through(&lenient, "session").unwrap()).await;
}

/// Where Debian puts it, root alone has on the PATH.
fn pgbouncer() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain([PathBuf::from("/usr/sbin")])
        .map(|folder| folder.join("pgbouncer"))
        .find(|file| file.is_file())
}

/// A PgBouncer that has the same database under the name of each of its modes.
struct Bouncer {
    child: Child,
    port: u16,
    _folder: tempfile::TempDir,
}

impl Bouncer {
    fn start(program: &Path, parts: &Parts, setting: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let port = TcpListener::bind(("127.0.0.1", 0))
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let mut settings = "[databases]\n".to_owned();
        let Parts { user, server, name } = parts;
        for mode in ["session", "transaction", "statement"] {
            let place = format!(
                "host={} port={} dbname={name} user={user}",
                server.ip(),
                server.port()
            );
            writeln!(settings, "{mode} = {place} pool_mode={mode}").unwrap();
        }
        write!(
            settings,
            "[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\nauth_type = any\n{setting}\n"
        )
        .unwrap();
        let file = folder.path().join("pgbouncer.ini");
        fs::write(&file, settings).unwrap();
        let mut command = Command::new(program);
        // It does not serve as root, and reads its file once more as whom it serves.
        if fs::metadata(folder.path()).unwrap().uid() == 0 {
            fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
            command.args(["-u", "nobody"]);
        }
        let mut child = command.arg(&file).stderr(Stdio::piped()).spawn().unwrap();
        let mut told = String::new();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let listens = lines.by_ref().map_while(Result::ok).any(|line| {
            told += &line;
            line.contains("process up")
        });
        assert!(listens, "{told}");
        // Or it ends when it says something else.
        std::thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
        Bouncer {
            child,
            port,
            _folder: folder,
        }
    }
}

impl Drop for Bouncer {
    fn drop(&mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it ends");
    }
}
