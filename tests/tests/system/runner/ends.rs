//! `process`: how a program is ended that does not end by itself.

use baton_client::{NewTask, State};
use baton_proto::v1::AttemptOutcome;
use serde_json::json;

use super::{Handlers, Place, done, gone, heard};
use crate::support::{created, until};
use crate::workers::server;

/// Says who it is and whom it started, then waits for ever.
const HANGS: &str = "#!/bin/sh\nsleep 1000 &\necho $$ $! > $folder/pids\necho > $folder/started\nwait\n";

/// The same, and does not heed SIGTERM, nor do its children.
const STUBBORN: &str =
    "#!/bin/sh\ntrap '' TERM\nsleep 1000 &\necho $$ $! > $folder/pids\necho > $folder/started\nwait\n";

/// Heeds SIGTERM, and says so.
const ORDERLY: &str = "#!/bin/sh\ntrap 'echo > $folder/orderly; exit 0' TERM\nsleep 1000 &\necho $$ $! > $folder/pids\n\
                       echo > $folder/started\nwait\n";

fn runner(place: &Place, limits: &str) -> baton_runner::Runner {
    place.runner(&format!(
        "[programs.hangs]\ncommand = ['$folder/hangs']\nenvironment = ['PATH']\nlimits = {{ {limits} }}\n\
         [handlers.hangs]\nkind = 'process'\nprogram = 'hangs'\n"
    ))
}

async fn all_gone(place: &Place) {
    let pids = std::fs::read_to_string(place.path("pids")).unwrap();
    gone(&pids.split_whitespace().collect::<Vec<_>>()).await;
}

#[tokio::test]
async fn a_program_that_takes_too_long_is_ended_with_all_it_started() {
    let server = server().await;
    for program in [HANGS, STUBBORN] {
        let place = Place::new();
        let started = place.pipe("started");
        place.program("hangs", program);
        let handlers = Handlers::start(&server, runner(&place, "timeout_secs = 2, grace_ms = 50"));
        let once = baton_proto::v1::RetryPolicy {
            max_attempts: Some(1),
            ..Default::default()
        };
        let new = NewTask::new("hangs").retry_policy(once);
        let (task, _) = tokio::join!(done(&server, new), heard(&started));
        let error = task.error.clone().unwrap();
        assert_eq!(
            (error.code.as_str(), task.state()),
            ("PROGRAM_TIMEOUT", State::Dead),
            "{task:#?}"
        );
        let runs = server
            .client()
            .list_task_runs()
            .filter(format!("task_id = {}", json!(task.id)));
        assert_eq!(runs.await.unwrap().runs[0].outcome(), AttemptOutcome::Timeout);
        all_gone(&place).await;
        handlers.stop().await;
        assert_eq!(place.left(), Vec::<String>::new());
    }
    server.finish().await;
}

#[tokio::test]
async fn a_cancel_ends_the_program_in_order_or_else() {
    let server = server().await;
    for program in [ORDERLY, STUBBORN] {
        let place = Place::new();
        let started = place.pipe("started");
        place.program("hangs", program);
        // Who heeds the signal is given the time that a busy machine needs.
        let grace = if program == ORDERLY {
            "grace_ms = 60000"
        } else {
            "grace_ms = 50"
        };
        let handlers = Handlers::start(&server, runner(&place, grace));
        let task = created(&server, NewTask::new("hangs")).await;
        heard(&started).await;
        until(&server, &task.id, State::InProgress).await;
        if program == ORDERLY {
            let orderly = place.pipe("orderly");
            server.ok(server.client().cancel(&task.id)).await;
            // It is given the time for its last words.
            heard(&orderly).await;
        } else {
            server.ok(server.client().cancel(&task.id)).await;
        }
        all_gone(&place).await;
        handlers.stop().await;
        assert_eq!(place.left(), Vec::<String>::new());
        assert_eq!(until(&server, &task.id, State::Cancelled).await.output, None);
    }
    server.finish().await;
}

#[tokio::test]
async fn a_worker_that_must_end_takes_its_programs_with_it_and_gives_the_task_back() {
    let server = server().await;
    let place = Place::new();
    let started = place.pipe("started");
    place.program("hangs", STUBBORN);
    let text = "[worker]\ngrace_ms = 100\n[programs.hangs]\ncommand = ['$folder/hangs']\nenvironment = ['PATH']\n\
                [handlers.hangs]\nkind = 'process'\nprogram = 'hangs'\n";
    let handlers = Handlers::start(&server, place.runner(text));
    let task = created(&server, NewTask::new("hangs")).await;
    heard(&started).await;
    handlers.stop().await;
    all_gone(&place).await;
    assert_eq!(place.left(), Vec::<String>::new());
    let task = until(&server, &task.id, State::Queued).await;
    assert_eq!(task.attempt, 1);
    server.finish().await;
}
