//! The oracle on the evidence of a real server: it finds nothing, and it finds every bug that is planted.

use std::time::Duration;

use baton_client::proto::{WatchStart, WatchTasksRequest};
use baton_client::{NewTask, Selection};
use baton_tests::harness::{TestServer, judge};
use baton_tests::oracle::{self, Evidence, Rule, Scope, plant::BUGS};
use serde_json::json;

use crate::support::{created, person, queued, start, started};

/// Some of everything, watched.
async fn evidence(server: &TestServer) -> Evidence {
    let mut request = WatchTasksRequest::default();
    request.set_start(WatchStart::Oldest);
    let watch = server.watch(request, Scope::all()).await;
    let client = server.client();
    let done = started(server, NewTask::new("test").input_json(&json!({"a": 1}))).await;
    server.ok(client.progress(&done.id).percent(10)).await;
    let waits = created(server, NewTask::new("test").depends_on(&done.id)).await;
    server.ok(client.comment(&done.id, "almost")).await;
    server
        .ok(client.complete(&done.id).output_json(&json!([1])))
        .await;
    let failed = started(server, NewTask::new("test")).await;
    server.ok(client.fail(&failed.id, "no")).await;
    server.ok(client.retry(&failed.id)).await;
    let reviewed = started(server, NewTask::new("test").needs_approval()).await;
    server.ok(client.complete(&reviewed.id)).await;
    server.ok(client.approve(&reviewed.id).actor(person())).await;
    let open = queued(server).await;
    server
        .ok(client.bulk_cancel(Selection::ids([&open.id, &waits.id])))
        .await;
    let gone = started(server, NewTask::new("test").delay(Duration::ZERO)).await;
    server.ok(client.delete(&gone.id).force()).await;
    server.evidence(&[watch]).await
}

#[tokio::test]
async fn every_bug_planted_into_what_a_server_left_is_found() {
    let server = TestServer::start().await;
    let good = evidence(&server).await;
    judge(&good);
    for bug in BUGS {
        let mut bad = good.clone();
        assert!(
            (bug.plant)(&mut bad),
            "the workload has no place for: {}",
            bug.name
        );
        let findings = oracle::check(&bad);
        let told = findings
            .iter()
            .any(|finding| bug.found_by.contains(&finding.rule));
        assert!(told, "{}: found {findings:#?}", bug.name);
    }
    server.finish().await;
}

/// The same, where a bug can be planted into the database itself: the server then tells it in good faith.
#[tokio::test]
async fn bugs_planted_into_the_database_are_found() {
    let last = "(SELECT max(position) FROM event WHERE kind = 8)";
    let cases: [(&str, String, &[Rule]); 5] = [
        ("a lost event", format!("DELETE FROM event WHERE position = {last}"), &[Rule::Position, Rule::Sequence]),
        (
            "two events in the wrong order",
            // Sequences 5 and 6 of a task, by way of a free number: its progress and its comment, each a row of its own.
            "UPDATE event SET sequence = 1000 WHERE sequence = 5 AND task_id = (SELECT task_id FROM event WHERE kind = 8);
             UPDATE event SET sequence = 5 WHERE sequence = 6 AND task_id = (SELECT task_id FROM event WHERE kind = 8);
             UPDATE event SET sequence = 6 WHERE sequence = 1000"
                .to_owned(),
            &[Rule::Order],
        ),
        (
            "a row moved without an event",
            "UPDATE task SET state = 'ASSIGNED' WHERE id = (SELECT id FROM task WHERE state = 'QUEUED' LIMIT 1)".to_owned(),
            &[Rule::Row],
        ),
        (
            "an illegal move",
            "UPDATE event SET from_state = 'PENDING' WHERE kind = 17".to_owned(),
            &[Rule::Move],
        ),
        (
            "an answer that was not kept",
            "DELETE FROM event WHERE task_id = (SELECT task_id FROM event WHERE kind = 8);
             DELETE FROM task WHERE id NOT IN (SELECT task_id FROM event)"
                .to_owned(),
            &[Rule::Answer],
        ),
    ];
    for (name, statements, rules) in cases {
        let mut server = TestServer::start().await;
        let before = evidence(&server).await;
        judge(&before);
        let address = server.address();
        server.stop().await;
        edit(&server, &statements).await;
        server.start_again(address).await;
        let findings = oracle::check(&server.evidence(&[]).await);
        let told = findings.iter().any(|finding| rules.contains(&finding.rule));
        assert!(told, "{name}: found {findings:#?}");
        server.stop().await;
    }
}

async fn edit(server: &TestServer, statements: &str) {
    let mut shell = server.database().shell().await;
    for statement in statements.split(';') {
        assert!(shell.run(statement).await > 0, "{statement} changes nothing");
    }
    shell.close().await;
}

/// A crash test without load proves nothing: the workload has all kinds of moves.
#[tokio::test]
async fn the_workload_is_worth_judging() {
    let server = TestServer::start().await;
    let good = evidence(&server).await;
    let kinds: std::collections::BTreeSet<_> = good.namespaces["default"]
        .feed
        .iter()
        .map(|event| event.r#type)
        .collect();
    assert!(kinds.len() >= 14, "only {kinds:?}");
    start(&server, &queued(&server).await.id).await;
    server.finish().await;
}
