//! PostgreSQL itself is killed, frozen, or has no room: a cluster of the test's own.

use std::fs;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use baton_test_postgres::{Cluster, Installation};
use baton_tests::harness::faults::{Injected, count};
use baton_tests::harness::{History, Process, TestDatabase};

use super::super::{Disk, Workers, finish, hasty, through};
use super::assert_nothing_is_open;
use crate::support::{LOOK, moment};

/// What was answered is flushed to the system before: no process that is killed takes it along. Only a power cut would.
const SETTINGS: &[&str] = &["fsync=off", "max_connections=60"];
/// As these, on a small disk.
const SMALL: &[&str] = &[
    "fsync=off",
    "max_connections=60",
    "min_wal_size=32MB",
    "max_wal_size=32MB",
];

struct Stage {
    cluster: Cluster,
    database: TestDatabase,
    process: Process,
    workers: Arc<Workers>,
}

impl Stage {
    fn new(cluster: Cluster) -> Self {
        let database = TestDatabase::at(&cluster.url());
        let history = Arc::new(History::default());
        let process = Process::start(&database, |_| {}).unwrap().with_history(&history);
        Stage {
            cluster,
            database,
            process,
            workers: Arc::new(Workers::new()),
        }
    }

    fn start(what: &str) -> Option<Self> {
        let installation = Installation::find_or_skip(what).unwrap()?;
        Some(Stage::new(Cluster::start(&installation, SETTINGS).unwrap()))
    }

    /// The processes of PostgreSQL that serve somebody.
    fn sessions(&self) -> Vec<u32> {
        let main = self.cluster.main_process().expect("it runs").to_string();
        let ids = fs::read_dir("/proc").unwrap().flatten();
        let ids = ids.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
        let serves = |id: &u32| {
            let read = |name: &str| fs::read_to_string(format!("/proc/{id}/{name}")).unwrap_or_default();
            let parent = format!("PPid:\t{main}\n");
            read("status").contains(&parent) && read("cmdline").contains("127.0.0.1(")
        };
        ids.filter(serves).collect()
    }

    async fn through(&self, faults: impl Future<Output = ()>) {
        let client = hasty(self.process.address(), Duration::from_secs(20));
        through(&self.workers, (&[client], self.process.history()), faults).await;
    }

    async fn finish(self) {
        assert_nothing_is_open(&self.database).await;
        finish(self.process, &self.workers).await;
        drop((self.database, self.cluster));
    }
}

fn signal(name: &str, processes: &[u32]) {
    let ids = processes.iter().map(u32::to_string);
    // One of them may have ended by itself.
    drop(Command::new("kill").arg(format!("-{name}")).args(ids).status());
}

/// F4: one session is killed, upon which PostgreSQL ends all of them and recovers; then the whole of PostgreSQL is, and comes
/// back later.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_is_killed_loses_nothing_that_was_answered() {
    let fault = Injected::new("F4");
    let Some(mut stage) = Stage::start("the test that kills PostgreSQL") else {
        return;
    };
    let workers = Arc::clone(&stage.workers);
    let client = hasty(stage.process.address(), Duration::from_secs(20));
    let history = Arc::clone(stage.process.history());
    let faults = async {
        for n in 0..count(2, 20) {
            let sessions = stage.sessions();
            signal("KILL", &sessions[..1]);
            fault.once();
            workers.more(10).await;
            if n % 2 == 0 {
                let main = stage.cluster.main_process().expect("it runs");
                signal("KILL", &[main]);
                fault.once();
                moment(LOOK * 10).await;
                stage.cluster.start_again().unwrap();
                workers.more(10).await;
            }
        }
    };
    through(&workers, (&[client], &history), faults).await;
    stage.finish().await;
}

/// F7: every session stands still for a while.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_stands_still_is_waited_for() {
    let fault = Injected::new("F7");
    let Some(stage) = Stage::start("the test that freezes PostgreSQL") else {
        return;
    };
    let faults = async {
        for n in 0..count(1, 4) {
            let sessions = stage.sessions();
            signal("STOP", &sessions);
            // The last ones are longer than anybody waits for an answer.
            moment(Duration::from_secs(count(2, 5 + 15 * (n / 2)))).await;
            signal("CONT", &sessions);
            fault.once();
            stage.workers.more(20).await;
        }
    };
    stage.through(faults).await;
    stage.finish().await;
}

/// F15: no room for tables and log. Whatever PostgreSQL makes of that, what was answered is there when there is room again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_without_room_loses_nothing_that_was_answered() {
    let fault = Injected::new("F15");
    let what = "the test that fills PostgreSQL's disk";
    let Some(installation) = Installation::find_or_skip(what).unwrap() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    open(folder.path());
    let Some(disk) = Disk::new(folder.path(), 160, what) else {
        return;
    };
    open(&disk.0);
    let cluster = Cluster::start_in(&disk.0, &installation, SMALL).unwrap();
    let mut stage = Stage::new(cluster);
    let workers = Arc::clone(&stage.workers);
    let client = hasty(stage.process.address(), Duration::from_secs(20));
    let history = Arc::clone(stage.process.history());
    let faults = async {
        for _ in 0..count(1, 5) {
            let ballast = disk.fill();
            fault.once();
            // Until something is refused: what there is room for in pages and segments already made goes on for a while.
            moment(Duration::from_secs(count(2, 10))).await;
            fs::remove_file(ballast).unwrap();
            let runs = stage.cluster.main_process();
            if !runs.is_some_and(|id| fs::exists(format!("/proc/{id}/cmdline")).unwrap_or(false)) {
                stage.cluster.start_again().unwrap();
            }
            workers.more(20).await;
        }
    };
    through(&workers, (&[client], &history), faults).await;
    stage.finish().await;
    drop(disk);
}

/// PostgreSQL runs as somebody else.
fn open(folder: &std::path::Path) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(folder, fs::Permissions::from_mode(0o777)).unwrap();
}
