//! The server about itself, and its clock.

use std::time::Duration;

use baton_client::{NewTask, Reason, State};
use baton_tests::harness::TestServer;

use crate::support::{created, get, until};

#[tokio::test]
async fn a_server_says_what_it_is_and_allows() {
    let server = TestServer::start().await;
    let info = server.ok(server.client().server_info()).await;
    assert_eq!(info.version, env!("CARGO_PKG_VERSION"));
    assert_eq!(
        (info.store_kind.as_str(), info.test_mode),
        (server.database().kind(), true)
    );
    // As in `15.18 (Debian 15.18-0)`.
    let (number, _) = info
        .store_version
        .split_once(' ')
        .unwrap_or((&info.store_version, ""));
    let version: Vec<u32> = number.split('.').map(|part| part.parse().unwrap()).collect();
    assert!(version >= vec![3, 51, 3], "{}", info.store_version);
    assert!(!info.epoch.is_empty());
    let limits = info.limits.unwrap();
    assert_eq!(
        (limits.max_message_bytes, limits.max_payload_bytes),
        (4 << 20, 1 << 20)
    );
    assert_eq!(
        (limits.max_json_depth, limits.max_page_size, limits.max_batch_size),
        (24, 1_000, 1_000)
    );
    assert_eq!((limits.max_bulk_count, limits.max_task_events), (10_000, 50_000));
    server.finish().await;
}

#[tokio::test]
async fn the_epoch_is_that_of_the_database() {
    let mut server = TestServer::start().await;
    let before = server.ok(server.client().server_info()).await;
    server.restart().await;
    let after = server.ok(server.client().server_info()).await;
    assert_eq!(before.epoch, after.epoch);
    let other = TestServer::start().await;
    assert_ne!(other.ok(other.client().server_info()).await.epoch, before.epoch);
    other.finish().await;
    server.finish().await;
}

#[tokio::test]
async fn the_clock_moves_forward_and_what_is_due_goes() {
    let server = TestServer::start().await;
    let client = server.client();
    let hour = Duration::from_secs(3_600);
    let mut due = Vec::new();
    for hours in 1..=3 {
        due.push(created(&server, NewTask::new("test").delay(hour * hours)).await);
    }
    let before = server.ok(client.server_info()).await.time.unwrap();
    let moved = server.ok(client.advance_clock(hour * 2)).await.time.unwrap();
    assert!(moved.seconds - before.seconds >= 7_200);
    until(&server, &due[0].id, State::Queued).await;
    until(&server, &due[1].id, State::Queued).await;
    assert_eq!(get(&server, &due[2].id).await.state(), State::Scheduled);
    for wrong in [Duration::ZERO, Duration::from_secs(3_651 * 86_400)] {
        let refusal = server.refused(client.advance_clock(wrong)).await;
        assert_eq!(
            (refusal.reason, refusal.violations[0].field.as_str()),
            (Reason::InvalidField, "duration")
        );
    }
    server.finish().await;
}

/// What was due while the server was down runs when it is back.
#[tokio::test]
async fn a_schedule_outlives_the_server() {
    let mut server = TestServer::start().await;
    let soon = created(&server, NewTask::new("test").delay(Duration::from_millis(300))).await;
    server.restart().await;
    until(&server, &soon.id, State::Queued).await;
    server.finish().await;
}
