//! Where a watch goes on: behind every message, through restarts, and not where it cannot.

use std::time::Duration;

use baton_client::proto::{WatchStart, WatchTasksRequest};
use baton_client::{NewTask, State, WatchItem, WatchOptions};
use baton_tests::harness::{Opening, TestServer};
use baton_tests::oracle::Scope;
use tonic::Code;
use tonic_types::StatusExt;

use super::{lives, reason, scopes, tasks};
use crate::support::{created, get, queued, refused_future_token};

#[tokio::test]
async fn every_token_resumes_right_behind_its_message() {
    let server = TestServer::start().await;
    for (filter, scope) in scopes() {
        let opening = tasks(WatchStart::Oldest, filter);
        let watch = server.watch(opening.clone(), scope.clone()).await;
        lives(&server).await;
        watch.until_quiet().await;
        let messages = watch.messages();
        for cut in (0..messages.len()).step_by(7) {
            let resumed = Opening::from(opening.clone()).resumed(&messages[cut].token);
            let rest = server
                .watch_from(resumed, scope.clone(), (watch.index(), cut))
                .await;
            rest.until_quiet().await;
            let expected: usize = messages[cut + 1..]
                .iter()
                .map(|message| message.events.len())
                .sum();
            assert_eq!(rest.events().len(), expected, "{filter} after message {cut}");
        }
    }
    server.finish().await;
}

#[tokio::test]
async fn a_token_outlives_the_server() {
    let mut server = TestServer::start().await;
    let opening = tasks(WatchStart::Oldest, "");
    let mut watch = server.watch(opening.clone(), Scope::all()).await;
    lives(&server).await;
    watch.until_quiet().await;
    server.restart().await;
    let ended = watch.ended().await.expect("a stop is no good end");
    assert_eq!(
        (ended.code(), reason(&ended).as_str()),
        (Code::Unavailable, "DRAINING")
    );
    assert!(ended.get_error_details().retry_info().is_some());
    let rest = server.resume(opening, Scope::all(), &watch).await;
    lives(&server).await;
    server.finish_with(vec![rest]).await;
}

/// The client's own watch finds its way back: nothing is lost, nothing comes twice.
#[tokio::test]
async fn a_client_watches_through_restarts() {
    let mut server = TestServer::start().await;
    let client = server.client().clone();
    let mut watches = Vec::new();
    for filter in ["", "queue = a"] {
        let options = WatchOptions::tasks().filter(filter).from_oldest();
        watches.push(client.watch(options).await.unwrap());
    }
    for _ in 0..3 {
        lives(&server).await;
        server.restart().await;
    }
    let last = created(&server, NewTask::new("test").queue("a")).await;
    let full = server.watch(tasks(WatchStart::Oldest, ""), Scope::all()).await;
    full.until_quiet().await;
    for (watch, only_a) in watches.iter_mut().zip([false, true]) {
        let mut got = Vec::new();
        while got
            .last()
            .is_none_or(|event: &baton_proto::v1::TaskEvent| event.task_id != last.id || event.sequence < 2)
        {
            match watch.next().await.expect("the watch goes on").unwrap() {
                WatchItem::Event(event) | WatchItem::Left(event) => got.push(*event),
                _ => {}
            }
        }
        let expected: Vec<_> = full
            .events()
            .into_iter()
            .filter(|event| !only_a || event.queue == "a")
            .collect();
        assert_eq!(got, expected);
        assert!(watch.reconnects() >= 1);
    }
    server.finish_with(vec![full]).await;
}

#[tokio::test]
async fn tokens_of_others_are_refused() {
    let server = TestServer::start().await;
    let other = TestServer::start().await;
    lives(&server).await;
    lives(&other).await;
    let opening = tasks(WatchStart::Oldest, "");
    let watch = server.watch(opening.clone(), Scope::all()).await;
    watch.until_quiet().await;
    let (token, _) = watch.token();
    let try_on = async |server: &TestServer, opening: WatchTasksRequest, token: &str| {
        let opening = Opening::from(opening).resumed(token);
        let refused = server.try_watch(opening, Scope::all()).await;
        reason(&refused.expect_err("the token does not fit"))
    };
    // Another database signs with other keys; that a token is of another life shows only where the keys are shared.
    let foreign = try_on(&other, opening.clone(), &token).await;
    assert!(
        ["RESUME_TOKEN_FOREIGN", "RESUME_TOKEN_INVALID"].contains(&foreign.as_str()),
        "{foreign}"
    );
    let filtered = try_on(&server, tasks(WatchStart::Oldest, "queue = a"), &token).await;
    assert_eq!(filtered, "RESUME_TOKEN_INVALID");
    let elsewhere = WatchTasksRequest {
        namespace: "elsewhere".to_owned(),
        ..WatchTasksRequest::default()
    };
    assert_eq!(try_on(&server, elsewhere, &token).await, "RESUME_TOKEN_INVALID");
    for position in [0, token.len() / 2, token.len() - 1] {
        let mut bytes = token.clone().into_bytes();
        bytes[position] = if bytes[position] == b'A' { b'B' } else { b'A' };
        let forged = String::from_utf8(bytes).unwrap();
        assert_eq!(
            try_on(&server, opening.clone(), &forged).await,
            "RESUME_TOKEN_INVALID",
            "byte {position}"
        );
    }
    assert_eq!(
        try_on(&server, opening.clone(), "x").await,
        "RESUME_TOKEN_INVALID"
    );
    let both = WatchTasksRequest {
        resume_token: token.clone(),
        ..opening
    };
    let refused = server.try_watch(both, Scope::all()).await.unwrap_err();
    assert_eq!(reason(&refused), "INVALID_FIELD");
    other.finish().await;
    server.finish_with(vec![watch]).await;
}

/// The same keys, but another life: a copy that went its own way.
#[tokio::test]
async fn a_token_of_another_epoch_is_refused() {
    let mut server = TestServer::start().await;
    lives(&server).await;
    let opening = tasks(WatchStart::Oldest, "");
    let watch = server.watch(opening.clone(), Scope::all()).await;
    watch.until_quiet().await;
    let (token, _) = watch.token();
    drop(watch);
    let address = server.address();
    server.stop().await;
    let mut shell = server.database().shell().await;
    let update = "UPDATE store_meta SET value = ? WHERE key = 'epoch'";
    assert_eq!(shell.write(update, uuid::Uuid::new_v4().as_bytes()).await, 1);
    shell.close().await;
    server.start_again(address).await;
    let resumed = Opening::from(opening).resumed(&token);
    let refused = server.try_watch(resumed, Scope::all()).await.unwrap_err();
    assert_eq!(
        (refused.code(), reason(&refused).as_str()),
        (Code::FailedPrecondition, "RESUME_TOKEN_FOREIGN")
    );
    server.finish().await;
}

#[tokio::test]
async fn a_token_from_the_future_is_refused() {
    let refused = refused_future_token().await;
    assert_eq!(
        (refused.code(), reason(&refused).as_str()),
        (Code::FailedPrecondition, "RESUME_TOKEN_FOREIGN")
    );
}

#[tokio::test]
async fn a_token_below_the_horizon_is_refused_with_the_oldest_position() {
    let server = TestServer::start_with(|config| {
        config.feed_retention_secs = 3_600;
        config.upkeep_interval_ms = 20;
    })
    .await;
    let opening = tasks(WatchStart::Oldest, "");
    let watch = server.watch(opening.clone(), Scope::all()).await;
    let made = lives(&server).await;
    watch.until_quiet().await;
    let first = watch.messages()[0].token.clone();
    server
        .ok(server.client().advance_clock(Duration::from_secs(4_000)))
        .await;
    let young = queued(&server).await;
    // Upkeep moves the horizon soon; until then the old token still works.
    let refused = loop {
        match server
            .try_watch(Opening::from(opening.clone()).resumed(&first), Scope::all())
            .await
        {
            Ok(early) => early.stop(),
            Err(refused) => break refused,
        }
    };
    assert_eq!(
        (refused.code(), reason(&refused).as_str()),
        (Code::OutOfRange, "RESUME_TOKEN_EXPIRED")
    );
    let oldest = refused.get_error_details().error_info().unwrap().metadata["oldest_position"].clone();
    let rest = server.watch(opening, Scope::all()).await;
    rest.until_events(1).await;
    assert_eq!(rest.events()[0].position.to_string(), oldest);
    assert_eq!(rest.events()[0].task_id, young.id);
    // The history of a task stays with the task; of one that is gone nothing stays.
    let history = server.ok(server.client().list_events(&made[1].id)).await;
    assert_eq!(history.events[0].sequence, 1);
    assert_eq!(get(&server, &made[1].id).await.state(), State::Completed);
    let free_again = server
        .ok(server.client().create(NewTask::new("test").id(&made[0].id)))
        .await;
    assert_eq!(free_again.revision, 2);
    server.finish_with(vec![rest]).await;
}
