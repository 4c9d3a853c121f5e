//! `baton worker` and `baton serve` with handlers, as an operator runs them.

use std::sync::Arc;
use std::time::Duration;

use baton_client::{Client, NewTask, State, value};
use baton_proto::v1::{RetryPolicy, Task};
use baton_tests::harness::{History, Process};
use serde_json::{Value, json};

use super::{PATIENCE, Place, WorkerProcess, gone, heard, say};
use crate::support::id;

const AGENT: &str = "[programs.agent]\ncommand = ['$folder/agent']\nenvironment = ['PATH']\n\
                     [handlers.agent-deploy]\nkind = 'process'\nprogram = 'agent'\n";

fn serving(place: &Place) -> (Process, Arc<History>) {
    let server = Process::start(place.database(), |_| {}).unwrap();
    let history = Arc::clone(server.history());
    history.others_act_too();
    (server, history)
}

async fn created(server: &Process, history: &History, new: NewTask) -> String {
    let create = server.client().create(new.id(id()));
    history.send(create).await.unwrap().id.clone()
}

async fn until(server: &Process, id: &str, state: State) -> Task {
    let waited = server.client().wait(id, PATIENCE).until([state]).await.unwrap();
    assert!(!waited.timed_out, "{:#?}", waited.task);
    waited.task
}

fn result(task: &Task) -> Value {
    let output: Value = value::read_json(task.output.as_ref().unwrap()).unwrap();
    output["agentResult"].clone()
}

/// Told to stop, it finishes what it has and takes nothing new.
#[tokio::test]
async fn a_worker_that_is_told_to_stop_finishes_its_program() {
    let place = Place::new();
    let (started, go_on) = (place.pipe("started"), place.pipe("go-on"));
    place.program(
        "agent",
        "#!/bin/sh\necho > $folder/started\nread line < $folder/go-on\necho $line >&2\necho '\"finished\"'\n",
    );
    let (server, history) = serving(&place);
    let worker = WorkerProcess::start(server.address(), &place, AGENT);
    let first = created(&server, &history, NewTask::new("agent-deploy")).await;
    heard(&started).await;
    worker.signal("-TERM");
    worker.until_logged("told to stop").await;
    let second = created(&server, &history, NewTask::new("agent-deploy")).await;
    let _said = say(&go_on).await;
    let (status, log) = tokio::task::spawn_blocking(move || worker.ended()).await.unwrap();
    assert!(status.success(), "{log}");
    assert!(log.contains("[agent-deploy] Starting at 20"), "{log}");
    assert!(log.contains("[agent-deploy] go"), "{log}");
    assert!(log.contains("[agent-deploy] Completed in "), "{log}");
    assert_eq!(
        result(&until(&server, &first, State::Completed).await),
        "finished"
    );
    until(&server, &second, State::Queued).await;
    assert_eq!(place.left(), Vec::<String>::new());
    server.finish().await;
}

/// SIGKILL: its program goes with it, and its folder with the next start; the task is done by the next worker.
#[tokio::test]
async fn a_worker_that_is_killed_leaves_nothing_to_the_next_one() {
    let place = Place::new();
    let started = place.pipe("started");
    place.program(
        "agent",
        "#!/bin/sh\nif [ -e $folder/again ]; then cat \"$2\"; exit; fi\n\
         touch $folder/again\necho $$ > $folder/pid\necho > $folder/started\nexec sleep 1000\n",
    );
    let (server, history) = serving(&place);
    let worker = WorkerProcess::start(server.address(), &place, AGENT);
    let task = created(
        &server,
        &history,
        NewTask::new("agent-deploy").input_json(&json!(7)),
    )
    .await;
    heard(&started).await;
    until(&server, &task, State::InProgress).await;
    drop(worker);
    let pid = std::fs::read_to_string(place.path("pid")).unwrap();
    gone(&[pid.trim()]).await;
    assert_eq!(place.left().len(), 1);
    let client = server.client();
    client.advance_clock(Duration::from_secs(31)).await.unwrap();
    until(&server, &task, State::Scheduled).await;
    client.advance_clock(Duration::from_secs(60)).await.unwrap();
    let next = WorkerProcess::start(server.address(), &place, AGENT);
    let done = until(&server, &task, State::Completed).await;
    assert_eq!((result(&done)["input"].clone(), done.attempt), (json!(7), 2));
    let log = tokio::task::spawn_blocking(move || next.stop()).await.unwrap();
    assert!(log.contains("folders of workers that died are removed"), "{log}");
    assert_eq!(place.left(), Vec::<String>::new());
    server.finish().await;
}

/// F29: programs that abort, hang, shout, or get what cannot be read, end FAILED or DEAD while all others are done.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn poison_ends_while_others_flow_on() {
    let place = Place::new();
    place.program("abort", "#!/bin/sh\nkill -ABRT $$");
    place.program("hang", "#!/bin/sh\nsleep 1000");
    place.program("loud", "#!/bin/sh\nhead -c 100000000 /dev/zero");
    place.program("agent", "#!/bin/sh\ncat \"$2\"");
    let mut text = AGENT.to_owned();
    for name in ["abort", "hang", "loud"] {
        text += &format!(
            "[programs.{name}]\ncommand = ['$folder/{name}']\nenvironment = ['PATH']\n\
             limits = {{ timeout_secs = 1, grace_ms = 50 }}\n\
             [handlers.{name}]\nkind = 'process'\nprogram = '{name}'\n"
        );
    }
    let (server, history) = serving(&place);
    let worker = WorkerProcess::start(server.address(), &place, &text);
    let twice = || RetryPolicy {
        max_attempts: Some(2),
        initial_backoff: Some(prost_types::Duration::default()),
        jitter: Some(0.0),
        ..RetryPolicy::default()
    };
    let mut poison = Vec::new();
    for name in ["abort", "hang", "loud"] {
        let new = NewTask::new(name).retry_policy(twice());
        poison.push(created(&server, &history, new).await);
    }
    let unread = NewTask::new("agent-deploy").input_payload(value::bytes(vec![0xff, 0xfe], "x/y"));
    let unread = created(&server, &history, unread.retry_policy(twice())).await;
    let mut others = Vec::new();
    for number in 0..30 {
        let new = NewTask::new("agent-deploy").input_json(&json!(number));
        others.push(created(&server, &history, new).await);
    }
    for (number, task) in others.iter().enumerate() {
        let done = until(&server, task, State::Completed).await;
        assert_eq!(result(&done)["input"], number);
    }
    for task in &poison {
        assert_eq!(until(&server, task, State::Dead).await.attempt, 2);
    }
    let unread = until(&server, &unread, State::Failed).await;
    assert_eq!(unread.error.unwrap().code, "INVALID_INPUT");
    tokio::task::spawn_blocking(move || worker.stop()).await.unwrap();
    assert_eq!(place.left(), Vec::<String>::new());
    server.finish().await;
}

/// One process and one file: the server, and the handlers beside it, also where it asks for keys.
#[tokio::test]
async fn a_server_with_handlers_does_its_tasks_itself() {
    let place = Place::new();
    place.program("agent", "#!/bin/sh\ncat \"$2\"");
    let file = place.path("baton.toml");
    std::fs::write(&file, place.config(AGENT)).unwrap();
    let keys = place.path("keys");
    std::fs::write(&keys, "ada:0123456789abcdef-ada\n").unwrap();
    let start = |with_keys: bool| {
        Process::start(place.database(), |command| {
            command.arg("--config").arg(&file);
            if with_keys {
                command.arg("--api-key-file").arg(&keys);
            }
        })
    };
    let refused = start(true).unwrap_err();
    assert!(refused.contains("worker:KEY"), "{refused}");
    std::fs::write(
        &keys,
        "ada:0123456789abcdef-ada\nworker:0123456789abcdef-worker\n",
    )
    .unwrap();
    let server = start(true).unwrap();
    let client = Client::builder()
        .endpoint(format!("http://{}", server.address()))
        .api_key("0123456789abcdef-ada")
        .build()
        .unwrap();
    let task = client.create(NewTask::new("agent-deploy")).await.unwrap();
    let waited = client.wait(&task.id, PATIENCE).await.unwrap();
    assert_eq!(result(&waited.task)["type"], "agent-deploy");
    let ended = tokio::task::spawn_blocking(move || server.terminate())
        .await
        .unwrap();
    assert!(ended.success(), "{ended}");
    assert_eq!(place.left(), Vec::<String>::new());
    // Without keys, and over the file of before.
    let server = start(false).unwrap();
    server.history().others_act_too();
    let task = created(&server, server.history(), NewTask::new("agent-deploy")).await;
    until(&server, &task, State::Completed).await;
    let ended = tokio::task::spawn_blocking(move || server.terminate())
        .await
        .unwrap();
    assert!(ended.success(), "{ended}");
}
