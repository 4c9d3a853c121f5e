//! Rates: by the server's clock, never more in any period.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use baton_client::NewQueue;
use baton_client::proto::LeaseTasksRequest;
use baton_tests::harness::TestServer;
use futures::future::{Either, join_all, select};
use tokio_util::sync::CancellationToken;

use super::{ask, limited, steps};
use crate::leases::{LONG, lease, seconds};

#[tokio::test]
async fn ten_in_a_second_are_never_more_in_any_second() {
    const TASKS: usize = 45;
    let server = TestServer::start().await;
    limited(
        &server,
        NewQueue::new("steps").rate(10, Duration::from_millis(1_000)),
    )
    .await;
    steps(&server, TASKS).await;
    let (given, stop) = (AtomicUsize::new(0), CancellationToken::new());
    let work = async |worker: String| {
        while !stop.is_cancelled() {
            let request = LeaseTasksRequest {
                wait_timeout: seconds(LONG),
                max_tasks: 3,
                ..ask(&worker)
            };
            let leasing = Box::pin(lease(&server, request));
            let Either::Left((answer, _)) = select(leasing, Box::pin(stop.cancelled())).await else {
                return;
            };
            let got = answer.leased_tasks.len();
            if given.fetch_add(got, Ordering::SeqCst) + got >= TASKS {
                stop.cancel();
            }
        }
    };
    // However the clock goes on: a turn that was not taken is lost, and does not come on top of the next.
    let clock = async {
        for step in (0_u64..).map(|n| [37, 100, 260, 5][usize::try_from(n % 4).unwrap()]) {
            if stop.is_cancelled() {
                return;
            }
            server
                .ok(server.client().advance_clock(Duration::from_millis(step)))
                .await;
        }
    };
    let workers = join_all((0..4).map(|n| work(format!("w-{n}"))));
    tokio::join!(workers, clock);
    // Nobody started any of them, so their leases end.
    crate::leases::pass(&server, 60).await;
    server.finish().await;
}

#[tokio::test]
async fn a_burst_is_given_out_at_once_and_then_one_by_one() {
    let server = TestServer::start().await;
    let new = NewQueue::new("steps").rate(1, Duration::from_secs(3_600));
    let new = new.with(|queue| queue.rate_limit.as_mut().unwrap().burst = 3);
    limited(&server, new).await;
    steps(&server, 10).await;
    let many = || LeaseTasksRequest {
        max_tasks: 10,
        ..ask("w")
    };
    assert_eq!(lease(&server, many()).await.leased_tasks.len(), 3);
    assert!(lease(&server, many()).await.leased_tasks.is_empty());
    let waits = async {
        let request = LeaseTasksRequest {
            wait_timeout: seconds(LONG),
            ..many()
        };
        lease(&server, request).await.leased_tasks.len()
    };
    let passes = async {
        crate::leases::until_open(&server, "w").await;
        crate::leases::pass(&server, 3_600).await;
    };
    let (got, ()) = tokio::join!(waits, passes);
    assert_eq!(got, 1);
    server.finish().await;
}
