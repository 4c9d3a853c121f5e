//! Faults of the world around, injected into real processes: `tests/faults.toml` names them, `cargo xtask faults` runs them in
//! larger numbers and writes `docs/faults.md`.

mod files;
mod floods;
mod postgres;
mod streams;
mod wire;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use baton_client::{Call, Client, Code, Error, NewTask, Rpc, State, Watch, WatchItem, WatchOptions};
use baton_tests::harness::{History, Process, Recorded, once};
use futures::future::join_all;
use tokio::sync::watch;

use crate::support::{LOOK, id, moment};

/// A client that repeats nothing and gives up soon.
fn hasty(address: SocketAddr, timeout: Duration) -> Client {
    once(address)
        .timeout(timeout)
        .connect_timeout(timeout)
        .build()
        .unwrap()
}

/// Makes a call again and again until it is answered: whoever does that with the same request id has it done once.
async fn insisted<R: Recorded>(history: &History, call: impl Fn() -> Call<R>) -> <R as Rpc>::Output {
    loop {
        match history.send(call()).await {
            Ok(answer) => return answer,
            Err(Error::Refused(refusal)) => {
                let passes = matches!(
                    refusal.code,
                    Code::Unavailable | Code::DeadlineExceeded | Code::Cancelled | Code::Unknown
                );
                assert!(passes, "{}: {refusal:?}", R::METHOD);
                moment(
                    refusal
                        .retry_after
                        .unwrap_or(LOOK)
                        .min(Duration::from_millis(200)),
                )
                .await;
            }
            Err(_) => moment(LOOK).await,
        }
    }
}

/// People who create tasks, start and complete them, and insist on each call, while the world goes wrong.
struct Workers {
    over: AtomicBool,
    done: watch::Sender<u64>,
    ids: Mutex<Vec<String>>,
}

impl Workers {
    fn new() -> Self {
        Workers {
            over: AtomicBool::new(false),
            done: watch::Sender::new(0),
            ids: Mutex::default(),
        }
    }

    /// So many of them, each by the next client, until it is over.
    async fn work(&self, clients: &[Client], history: &History, count: usize) {
        join_all((0..count).map(async |n| {
            let client = &clients[n % clients.len()];
            while !self.over.load(Ordering::SeqCst) {
                let (task, start, complete) = (id(), id(), id());
                self.ids.lock().unwrap().push(task.clone());
                insisted(history, || client.create(NewTask::new("test").id(&task))).await;
                insisted(history, || client.start(&task).request_id(&start)).await;
                insisted(history, || client.complete(&task).request_id(&complete)).await;
                self.done.send_modify(|done| *done += 1);
            }
        }))
        .await;
    }

    /// Waits until so many tasks more are done.
    async fn more(&self, count: u64) {
        let mut done = self.done.subscribe();
        let goal = *done.borrow() + count;
        let waited = tokio::time::timeout(Duration::from_secs(90), done.wait_for(|done| *done >= goal));
        waited.await.expect("the work goes on").unwrap();
    }

    fn stop(&self) {
        self.over.store(true, Ordering::SeqCst);
    }

    /// Every task is done, and each call changed it once, however often it was made.
    async fn assert_done_once(&self, client: &Client) {
        let ids = self.ids.lock().unwrap().clone();
        for id in ids {
            let task = client.get(&id).await.unwrap().task;
            assert_eq!((task.state(), task.revision), (State::Completed, 5), "{task:?}");
        }
    }
}

/// Reads the feed from its beginning through whatever happens, as a program does.
struct Follower {
    positions: watch::Receiver<Vec<i64>>,
    reading: tokio::task::JoinHandle<()>,
}

impl Follower {
    async fn at(address: SocketAddr) -> Self {
        let client = Client::builder()
            .endpoint(format!("http://{address}"))
            .build()
            .unwrap();
        let watch = client.watch(WatchOptions::tasks().from_oldest()).await.unwrap();
        let (tell, positions) = watch::channel(Vec::new());
        let reading = tokio::spawn(read(watch, tell));
        Follower { positions, reading }
    }

    /// It has every event up to the newest, each once, in order.
    async fn assert_whole(mut self, client: &Client) {
        let task = client.create(NewTask::new("last")).await.unwrap();
        let events = client.list_events(&task.id).await.unwrap();
        let last = events.events.iter().map(|event| event.position).max().unwrap();
        let reached = self
            .positions
            .wait_for(|positions| positions.last() >= Some(&last));
        let reached = tokio::time::timeout(Duration::from_secs(90), reached).await;
        let positions = reached.expect("the feed goes on").unwrap().clone();
        assert_eq!(positions, (1..=last).collect::<Vec<_>>());
        self.reading.abort();
    }
}

async fn read(mut watch: Watch, tell: watch::Sender<Vec<i64>>) {
    while let Some(item) = watch.next().await {
        if let WatchItem::Event(event) = item.expect("a watch finds its way back") {
            tell.send_modify(|positions| positions.push(event.position));
        }
    }
}

/// The end of most tests: no process that was harmed has lost or repeated anything.
async fn finish(process: Process, workers: &Workers) {
    workers.assert_done_once(&process.client()).await;
    process.finish().await;
}

/// A file system of its own in memory, of so many MiB, which can grow, fill up and become read-only.
struct Disk(PathBuf);

impl Disk {
    /// `None`, said loudly, where nobody lets us mount one.
    fn new(folder: &Path, mebibytes: u64, what: &str) -> Option<Self> {
        let folder = folder.join("disk");
        std::fs::create_dir(&folder).unwrap();
        if mount(
            &["-t", "tmpfs", "-o", &format!("size={mebibytes}m"), "tmpfs"],
            &folder,
        ) {
            return Some(Disk(folder));
        }
        eprintln!("!!! SKIPPED: {what}: nobody but root may mount a file system");
        None
    }

    fn again(&self, options: &str) {
        assert!(
            mount(&["-o", &format!("remount,{options}")], &self.0),
            "{options}"
        );
    }

    /// Takes all the room there is; the answer gives it back by being removed.
    fn fill(&self) -> PathBuf {
        use std::io::Write as _;
        let ballast = self.0.join("ballast");
        let mut file = std::fs::File::create(&ballast).unwrap();
        let piece = vec![7; 4_096];
        while file.write_all(&piece).is_ok() {}
        ballast
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        drop(Command::new("umount").arg("-l").arg(&self.0).status());
    }
}

fn mount(options: &[&str], folder: &Path) -> bool {
    let mounted = Command::new("mount").args(options).arg(folder).status();
    mounted.is_ok_and(|status| status.success())
}

/// The memory that a process has now, in bytes.
/// Runs work and whatever is to go wrong beside it; the work ends when that has.
async fn through(
    workers: &Arc<Workers>,
    (clients, history): (&[Client], &History),
    faults: impl Future<Output = ()>,
) {
    let faults = async {
        workers.more(10).await;
        faults.await;
        workers.more(10).await;
        workers.stop();
    };
    tokio::join!(workers.work(clients, history, 8), faults);
}
