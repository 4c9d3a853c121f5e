//! Workers that die, freeze, and are brought down by their tasks: F3, F5 and F29 of the faults that Baton is built to bear.
//!
//! Effects are counted outside, per task and fence, as a system would that workers change.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use baton_client::proto::{AttemptOutcome, RetryPolicy, TaskTimeouts};
use baton_client::{Client, EventType, NewTask, State, Watch, WatchItem, WatchOptions, value};
use baton_tests::harness::faults::Injected;
use baton_tests::harness::{History, Process, TestDatabase, binary};
use rand::{Rng, SeedableRng, rngs::StdRng};
use serde_json::json;

use crate::support::id;

/// A worker in a process of its own. It is killed when it is dropped.
struct Worker(Child);

impl Worker {
    fn start(server: &Process, name: &str, effects: &Path) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_worker-under-test"));
        command.arg(server.address().to_string()).arg(name).arg(effects);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        Worker(command.spawn().expect("the worker runs"))
    }

    fn signal(&self, name: &str) {
        let id = self.0.id().to_string();
        let sent = Command::new("kill")
            .args([name, &id])
            .status()
            .expect("kill runs");
        assert!(sent.success(), "the worker is there");
    }

    /// Lets a task of the type `hold` go on; answers what its worker was told.
    fn go_on(&mut self) -> String {
        let stdin = self.0.stdin.as_mut().expect("stdin is piped");
        stdin.write_all(b"go\n").expect("the worker reads");
        let stdout = self.0.stdout.as_mut().expect("stdout is piped");
        let mut told = String::new();
        BufReader::new(stdout)
            .read_line(&mut told)
            .expect("the worker writes");
        told.trim().to_owned()
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // It may be gone already; then there is nothing to kill.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// A server in a process of its own, what it told, and the file of effects.
struct Stage {
    database: TestDatabase,
    server: Process,
    history: Arc<History>,
}

impl Stage {
    fn new() -> Self {
        let database = TestDatabase::new();
        let server = Process::start(&database, |_| {}).unwrap();
        let history = Arc::clone(server.history());
        history.others_act_too();
        Stage {
            database,
            server,
            history,
        }
    }

    fn effects(&self) -> PathBuf {
        self.database.folder().join("effects")
    }

    fn worker(&self, name: &str) -> Worker {
        Worker::start(&self.server, name, &self.effects())
    }

    fn client(&self) -> Client {
        self.server.client()
    }

    /// SIGKILL, and the same database and address again.
    fn restart(self) -> Self {
        let Stage {
            database,
            server,
            history,
        } = self;
        let address = server.address().to_string();
        server.kill();
        let mut command = Command::new(binary());
        command.args([
            "serve",
            "--test-mode",
            "--log-format",
            "json",
            "--listen",
            &address,
        ]);
        command.arg("--database").arg(database.url());
        command.current_dir(database.folder());
        let server = Process::run(command).unwrap().with_history(&history);
        Stage {
            database,
            server,
            history,
        }
    }

    async fn created(&self, new: NewTask) -> String {
        let created = self
            .history
            .send(self.client().create(new.id(id())))
            .await
            .unwrap();
        created.id.clone()
    }

    async fn pass(&self, seconds: u64) {
        self.client()
            .advance_clock(Duration::from_secs(seconds))
            .await
            .unwrap();
    }

    async fn until(&self, task: &str, state: State) {
        let wait = self.client().wait(task, Duration::from_secs(60)).until([state]);
        let waited = wait.await.unwrap();
        assert!(!waited.timed_out, "{task} is not {state:?}");
    }

    /// How often each effect came to pass, by task and fence.
    fn count_effects(&self) -> BTreeMap<(String, i64), u32> {
        let mut counted = BTreeMap::new();
        for line in std::fs::read_to_string(self.effects()).unwrap().lines() {
            let (task, fence) = line.split_once(' ').unwrap();
            *counted
                .entry((task.to_owned(), fence.parse().unwrap()))
                .or_default() += 1;
        }
        counted
    }
}

/// Tried again at once, however often its worker dies: of its own fault or of another task's beside it.
fn patient(task: NewTask) -> NewTask {
    let policy = RetryPolicy {
        max_attempts: Some(100),
        initial_backoff: Some(prost_types::Duration {
            seconds: 0,
            nanos: 1_000_000,
        }),
        backoff_multiplier: Some(1.0),
        ..RetryPolicy::default()
    };
    task.retry_policy(policy)
}

/// The next event of one of these types.
async fn next(watch: &mut Watch) -> baton_client::proto::TaskEvent {
    loop {
        let item = watch.next().await.expect("a watch has no end").unwrap();
        if let WatchItem::Event(event) = item {
            return *event;
        }
    }
}

/// F3: a hundred kills of workers and one of the server, over ten thousand tasks. Every task ends, none is lost, none
/// completes twice, and no fence has two effects.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_killed_workers_lose_no_task() {
    const TASKS: usize = 10_000;
    const KILLS: usize = 100;
    const WORKERS: usize = 4;
    let fault = Injected::new("F3");
    let mut stage = Stage::new();
    // Programs resume by themselves; the clients of this harness repeat nothing.
    let follower = Client::builder()
        .endpoint(format!("http://{}", stage.server.address()))
        .build()
        .unwrap();
    let options = WatchOptions::tasks().event_types([EventType::Completed]);
    let mut watch = follower.watch(options).await.unwrap();
    for _ in 0..TASKS / 500 {
        let tasks = (0..500).map(|_| patient(NewTask::new("count")).id(id()));
        stage
            .history
            .send(stage.client().batch_create(tasks))
            .await
            .unwrap();
    }
    let mut workers: Vec<Worker> = (0..WORKERS).map(|n| stage.worker(&format!("w-{n}"))).collect();
    let mut random = StdRng::seed_from_u64(3);
    let mut completed: BTreeMap<String, i64> = BTreeMap::new();
    for kill in 1..=KILLS {
        // The next one after about a hundredth of the work.
        while completed.len() < kill * (TASKS - 200) / KILLS {
            let event = next(&mut watch).await;
            let twice = completed.insert(event.task_id.clone(), event.fence);
            assert_eq!(twice, None, "{} completed twice", event.task_id);
        }
        fault.once();
        workers[random.random_range(0..WORKERS)] = stage.worker(&format!("again-{kill}"));
        if kill == KILLS / 2 {
            stage = stage.restart();
        }
    }
    while completed.len() < TASKS {
        let event = next(&mut watch).await;
        let twice = completed.insert(event.task_id.clone(), event.fence);
        assert_eq!(twice, None, "{} completed twice", event.task_id);
    }
    drop(workers);
    let effects = stage.count_effects();
    assert!(
        effects.values().all(|count| *count == 1),
        "a fence has two effects"
    );
    for done in &completed {
        assert!(
            effects.contains_key(&(done.0.clone(), *done.1)),
            "{done:?} had no effect"
        );
    }
    assert!(effects.len() > TASKS, "no kill hit a worker that worked");
    stage.server.finish().await;
}

/// F5: a worker that is frozen for longer than its lease. What it says when it wakes up is refused, the work is done by
/// another one, and the history shows both.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_was_frozen_cannot_finish_what_another_one_did() {
    let fault = Injected::new("F5");
    let stage = Stage::new();
    let mut frozen = stage.worker("frozen");
    let task = stage.created(NewTask::new("hold")).await;
    stage.until(&task, State::InProgress).await;
    fault.once();
    frozen.signal("-STOP");
    stage.pass(16).await;
    stage.until(&task, State::Scheduled).await;
    stage.pass(60).await;
    let mut other = stage.worker("other");
    stage.until(&task, State::InProgress).await;
    frozen.signal("-CONT");
    assert_eq!(frozen.go_on(), "LEASE_LOST");
    assert_eq!(other.go_on(), "completed");
    stage.until(&task, State::Completed).await;
    let effects = stage.count_effects();
    let fences: BTreeSet<i64> = effects.keys().map(|(_, fence)| *fence).collect();
    assert_eq!((effects.len(), fences.len()), (2, 2), "{effects:?}");
    let runs = stage
        .client()
        .list_task_runs()
        .filter(format!("task_id = {}", json!(task)))
        .await
        .unwrap();
    let ended: Vec<_> = runs.runs.iter().map(|run| (run.outcome(), run.attempt)).collect();
    assert_eq!(
        ended,
        [(AttemptOutcome::Ok, 2), (AttemptOutcome::LeaseExpired, 1)]
    );
    stage.server.finish().await;
}

/// F29: tasks that bring their workers down, hang, shout or cannot be read end DEAD or FAILED, while all others are done.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn poison_ends_dead_while_others_flow_on() {
    let fault = Injected::new("F29");
    // One that aborts, one that hangs, one that shouts, one that cannot be read.
    fault.add(4);
    let stage = Stage::new();
    let poison = stage
        .created(NewTask::new("abort").retry_policy(RetryPolicy::default()))
        .await;
    let hangs = TaskTimeouts {
        attempt_timeout: Some(prost_types::Duration { seconds: 1, nanos: 0 }),
        ..TaskTimeouts::default()
    };
    let hanging = NewTask::new("hang").retry_policy(RetryPolicy::default());
    let hanging = stage
        .created(hanging.with(|task| task.timeouts = Some(hangs)))
        .await;
    let unread = stage
        .created(patient(NewTask::new("typed").input_json(&json!("no number"))))
        .await;
    let loud = stage.created(patient(NewTask::new("loud"))).await;
    let read = stage
        .created(patient(NewTask::new("typed").input_json(&json!(41))))
        .await;
    let mut others = Vec::new();
    for _ in 0..50 {
        others.push(stage.created(patient(NewTask::new("count"))).await);
    }
    // Whoever supervises workers starts them again; leases of the dead run out.
    let mut deaths = 0;
    let client = stage.client();
    while client.get(&poison).await.unwrap().task.state() != State::Dead {
        let mut worker = stage.worker(&format!("w-{deaths}"));
        let stdout = worker.0.stdout.take().expect("stdout is piped");
        std::thread::spawn(move || std::io::copy(&mut BufReader::new(stdout), &mut std::io::sink()));
        let ended = tokio::task::spawn_blocking(move || worker.0.wait().unwrap())
            .await
            .unwrap();
        assert!(!ended.success());
        deaths += 1;
        assert!(deaths < 10, "poison is never dead");
        stage.pass(30).await;
        stage.pass(90).await;
    }
    let mut last = stage.worker("last");
    let stdout = last.0.stdout.take().expect("stdout is piped");
    std::thread::spawn(move || std::io::copy(&mut BufReader::new(stdout), &mut std::io::sink()));
    for other in others.iter().chain([&loud, &read]) {
        stage.until(other, State::Completed).await;
    }
    stage.until(&unread, State::Failed).await;
    let done = client.get(&read).await.unwrap().task;
    assert_eq!(value::read_json::<i64>(&done.output.unwrap()).unwrap(), 42);
    while client.get(&hanging).await.unwrap().task.state() != State::Dead {
        stage.pass(60).await;
    }
    let effects = stage.count_effects();
    assert!(effects.values().all(|count| *count == 1), "{effects:?}");
    drop(last);
    stage.server.finish().await;
}
