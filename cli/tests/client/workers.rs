//! Workers, runs and dead tasks: what somebody sees who looks after them.

use std::time::Duration;

use baton_client::proto::{LeaseRenewal, LeaseTasksResponse, LeasedTask};
use baton_client::{Client, actor};
use serde_json::{Value, json};

use crate::support::{Running, Server, text};

/// A worker that takes tasks by the client's own calls, one at a time.
struct Worker {
    runtime: tokio::runtime::Runtime,
    client: Client,
}

impl Worker {
    fn of(server: &Server) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let client = runtime
            .block_on(async { Client::builder().endpoint(&server.address).build() })
            .unwrap();
        Worker { runtime, client }
    }

    /// What the server says who is asked for one task and not for patience.
    fn ask(&self) -> LeaseTasksResponse {
        let call = self
            .client
            .lease_tasks()
            .worker(actor::service("reports-1"))
            .any_type()
            .wait_timeout(Duration::ZERO);
        self.runtime.block_on(call.into_future()).unwrap()
    }

    /// Leases one task and starts it.
    fn start(&self) -> LeasedTask {
        let leased = self.ask().leased_tasks.remove(0);
        let renewal = LeaseRenewal {
            id: leased.task.as_ref().unwrap().id.clone(),
            lease_token: leased.lease_token.clone(),
            ..LeaseRenewal::default()
        };
        let call = self.client.renew_leases([renewal]);
        self.runtime.block_on(call.into_future()).unwrap();
        leased
    }

    /// Leases one task, starts it and fails.
    fn fail(&self, message: &str) -> String {
        let leased = self.start();
        let id = leased.task.unwrap().id;
        let call = self.client.fail(&id, message).lease_token(leased.lease_token);
        self.runtime.block_on(call.into_future()).unwrap();
        id
    }
}

/// The state of a task, without its prefix.
fn state(server: &Server, id: &str) -> String {
    let task = server.json(&["task", "get", id]);
    let full = task["state"].as_str().unwrap();
    full.trim_start_matches("TASK_STATE_").to_owned()
}

fn lines(printed: &str) -> Vec<Value> {
    printed
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn a_worker_is_listed_shown_drained_and_resumed() {
    let server = Server::start();
    let worker = Worker::of(&server);
    assert_eq!(server.ok(&["worker", "list"]), "", "nobody yet");
    let id = server.create(&["report"]);
    worker.start();

    let listed = server.ok(&["worker", "list"]);
    let rows: Vec<_> = listed.lines().collect();
    assert_eq!(rows.len(), 2, "{listed}");
    for part in ["reports-1", "default", "any", " 1 ", "no"] {
        assert!(rows[1].contains(part), "{part} is missing in {listed}");
    }
    let sheet = server.ok(&["worker", "get", "reports-1"]);
    assert!(sheet.contains("actor            service:reports-1"), "{sheet}");
    assert!(
        sheet.contains(&format!("lease            {id} until ")),
        "{sheet}"
    );
    let one = server.json(&["worker", "get", "reports-1"]);
    assert_eq!(
        (&one["leaseCount"], &one["leases"][0]["taskId"]),
        (&json!(1), &json!(id))
    );
    assert_eq!(
        server.json(&["worker", "list", "--limit", "0"])["id"],
        "reports-1"
    );

    server.create(&["report"]);
    let drained = server.ok(&["worker", "drain", "reports-1"]);
    assert!(drained.lines().nth(1).unwrap().contains("yes"), "{drained}");
    assert!(worker.ask().leased_tasks.is_empty(), "nothing new for who drains");
    let resumed = server.json(&["worker", "drain", "reports-1", "--resume"]);
    assert_eq!(resumed["draining"], Value::Null);
    assert_eq!(worker.ask().leased_tasks.len(), 1);

    let output = server.run(&["worker", "drain", "reports-2"]);
    assert_eq!(output.status.code(), Some(3));
    let told = text(&output.stderr);
    assert!(
        told.contains("(WORKER_NOT_FOUND)") && told.contains("`baton worker list`"),
        "{told}"
    );
}

#[test]
fn a_command_without_the_token_is_told_that_a_worker_holds_the_task() {
    let server = Server::start();
    let id = server.create(&["report"]);
    Worker::of(&server).start();
    let output = server.run(&["task", "complete", &id]);
    assert_eq!(output.status.code(), Some(1));
    let told = text(&output.stderr);
    assert!(
        told.contains("(LEASE_REQUIRED)") && told.contains("`baton task pause`"),
        "{told}"
    );
}

#[test]
fn runs_are_listed_by_type_task_and_outcome() {
    let server = Server::start();
    let worker = Worker::of(&server);
    let other = server.create(&["other", "--assignee", "human:ada"]);
    server.ok(&["task", "start", &other]);
    server.ok(&["task", "complete", &other, "--result", "{\"pages\": 12}"]);
    let first = server.create(&["my-task"]);
    assert_eq!(worker.fail("no paper"), first);
    let second = server.create(&["my-task"]);
    worker.start();

    let listed = server.ok(&["task", "runs", "--type", "my-task", "--limit", "20"]);
    let rows: Vec<_> = listed.lines().collect();
    assert_eq!(rows.len(), 3, "{listed}");
    assert!(
        rows[1].starts_with(&second) && rows[1].contains("IN_PROGRESS"),
        "{listed}"
    );
    for part in [&first, "ERROR", "reports-1", "no paper"] {
        assert!(rows[2].contains(part), "{part} is missing in {listed}");
    }

    let one = server.json(&["task", "runs", "--task", &other, "--full"]);
    assert_eq!(one["outcome"], "ATTEMPT_OUTCOME_OK");
    assert_eq!(one["output"]["jsonText"], "{\"pages\": 12}");
    let failed = server.json(&["task", "runs", "--outcome", "error", "--assignee", "reports-1"]);
    assert_eq!(failed["taskId"], first.as_str());
    let all = server.ok(&[
        "task",
        "runs",
        "--filter",
        "attempt = 1",
        "--limit",
        "0",
        "-o",
        "json",
    ]);
    assert_eq!(lines(&all).len(), 3);

    let output = server.run(&["task", "runs", "--limit", "2"]);
    assert_eq!(text(&output.stdout).lines().count(), 3);
    assert!(text(&output.stderr).contains("--limit"));
    assert_eq!(
        server
            .run(&["task", "runs", "--filter", "title = a"])
            .status
            .code(),
        Some(2)
    );
}

#[test]
fn the_dead_are_listed_redriven_and_discarded() {
    let server = Server::start();
    let worker = Worker::of(&server);
    let dead = |queue: &str| {
        let id = server.create(&[
            "my-task",
            "--label",
            &format!("team={queue}"),
            "--max-attempts",
            "1",
        ]);
        assert_eq!(worker.fail("no paper"), id);
        assert_eq!(state(&server, &id), "DEAD");
        id
    };
    let (first, second, third) = (dead("a"), dead("a"), dead("b"));
    let failed = server.create(&["my-task", "--label", "team=a"]);
    assert_eq!(worker.fail("no paper"), failed);
    assert_eq!(state(&server, &failed), "FAILED");

    let listed = server.ok(&["dead", "list"]);
    let ids: Vec<_> = listed
        .lines()
        .skip(1)
        .map(|row| row.split_whitespace().next().unwrap())
        .collect();
    assert_eq!(ids, [third.as_str(), &second, &first], "{listed}");
    assert!(
        listed.lines().skip(1).all(|row| row.contains("no paper")),
        "{listed}"
    );
    let some = server.ok(&["dead", "list", "--label", "team=b", "--output", "json"]);
    assert_eq!(lines(&some)[0]["id"], third.as_str());

    let filter = ["--filter", "type = my-task AND labels.team = a"];
    let tried = server.json(&[&["dead", "redrive", "--dry-run"], &filter[..]].concat());
    assert_eq!(tried["doneCount"], 2);
    assert_eq!(state(&server, &first), "DEAD");
    let done = server.json(&[&["dead", "redrive"], &filter[..]].concat());
    assert_eq!(done["doneCount"], 2);
    assert_eq!(
        (state(&server, &first), state(&server, &second)),
        ("QUEUED".to_owned(), "QUEUED".to_owned())
    );
    assert_eq!(
        state(&server, &failed),
        "FAILED",
        "a filter finds none but the dead"
    );

    let all = server.json(&["dead", "discard", "--filter", "state = DEAD", "--dry-run"]);
    assert_eq!(all["doneCount"], 1, "that filter is all of the dead");
    server.ok(&["dead", "discard", &third]);
    assert_eq!(state(&server, &third), "CANCELLED");
    assert_eq!(server.ok(&["dead", "list"]), "");
    assert_eq!(server.run(&["dead", "redrive"]).status.code(), Some(2), "which?");
}

#[test]
fn who_holds_a_task_by_lease_shows_its_token() {
    let server = Server::start();
    let id = server.create(&["report"]);
    let leased = server.json(&["task", "start", &id, "--lease-duration", "10m"]);
    assert_eq!(leased["task"]["state"], "TASK_STATE_IN_PROGRESS");
    let token = leased["leaseToken"].as_str().unwrap();
    let without = server.run(&["task", "progress", &id, "10"]);
    assert!(!without.status.success() && text(&without.stderr).contains("LEASE_REQUIRED"));
    server.ok(&["task", "progress", &id, "10", "--lease-token", token]);
    let done = server
        .command(&["task", "complete", &id])
        .env("BATON_LEASE_TOKEN", token)
        .output()
        .unwrap();
    assert!(done.status.success(), "{}", text(&done.stderr));

    let id = server.create(&["report"]);
    let shown = server.ok(&["task", "assign", &id, "human:bob", "--lease-duration", "60s"]);
    let token = shown.lines().find_map(|line| line.strip_prefix("lease token: "));
    let token = token.unwrap_or_else(|| panic!("{shown}"));
    server.ok(&["task", "start", &id, "--lease-token", token]);
    server.ok(&["task", "snooze", &id, "--in", "60s", "--lease-token", token]);
    assert_eq!(
        server.json(&["task", "get", &id])["state"],
        "TASK_STATE_SCHEDULED"
    );
    // What is not held by lease needs none.
    let id = server.create(&["report"]);
    assert!(!server.ok(&["task", "start", &id]).contains("lease token"));
    server.ok(&["task", "release", &id]);
}

#[test]
fn a_worker_does_tasks_by_the_handlers_of_a_file() {
    let server = Server::start();
    let file = server.folder().join("handlers.toml");
    std::fs::write(
        &file,
        "[worker]\nqueues = ['default']\nconcurrency = 1\n[handlers.heartbeat]\nkind = 'heartbeat'\n",
    )
    .unwrap();
    let file = file.to_str().unwrap();
    let flags = [
        "worker",
        "--config",
        file,
        "--queue",
        "beats",
        "--id",
        "beat-1",
        "--concurrency",
        "2",
    ];
    let _worker = Running::start(server.command(&flags));
    let id = server.create(&["heartbeat", "--queue", "beats"]);
    server.ok(&["task", "wait", &id, "--timeout", "30s"]);
    let task = server.json(&["task", "get", &id]);
    assert_eq!(task["assignee"]["id"], "beat-1");
    let worker = server.json(&["worker", "get", "beat-1"]);
    assert_eq!(
        (&worker["queues"], &worker["types"]),
        (&json!(["beats"]), &json!(["heartbeat"]))
    );
}

#[test]
fn a_worker_that_cannot_work_says_everything_that_is_wrong() {
    let server = Server::start();
    let refused = |arguments: &[&str], code: i32| {
        let output = server.run(arguments);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}");
        text(&output.stderr)
    };
    let told = refused(&["worker"], 1);
    assert!(told.contains("[handlers.TYPE]"), "{told}");
    let told = refused(&["worker", "--queue", "a", "list"], 2);
    assert!(told.contains("--queue"), "{told}");
    let file = server.folder().join("handlers.toml");
    let file_name = file.to_str().unwrap();
    let tell = |settings: &str| {
        std::fs::write(&file, settings).unwrap();
        refused(&["worker", "--config", file_name], 1)
    };
    let told = tell("[worker]\nconcurrency = 0\n[handlers.a]\nkind = 'process'\nprogram = 'missing'\n");
    assert!(
        told.contains("worker.concurrency") && told.contains("handlers.a.program"),
        "{told}"
    );
    let told = tell(
        "[programs.a]\ncommand = ['no-such-program-anywhere']\n[programs.b]\ncommand = ['sh']\nfolder = '/nonexistent'\n\
         [handlers.a]\nkind = 'process'\nprogram = 'a'\n",
    );
    assert!(
        told.contains("no-such-program-anywhere") && told.contains("/nonexistent"),
        "{told}"
    );
    let told = tell("[handlers.a]\nkind = 'process'\nshell = true\n");
    assert!(
        told.contains("shell") && told.contains("handlers.toml:3"),
        "{told}"
    );
}
