//! Concurrency: never more than the limit, whatever workers do, and nobody waits for nothing.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use baton_client::proto::{LeaseTasksRequest, Queue};
use baton_client::{NewQueue, NewTask};
use baton_tests::harness::TestServer;
use futures::future::{join_all, select};
use tokio_util::sync::CancellationToken;

use super::{ask, finish, limited, server, step, steps};
use crate::leases::{LONG, lease, pass, seconds};
use crate::support::created;

/// Works until so many tasks are done by all together.
async fn works(
    server: &TestServer,
    worker: &str,
    (done, all): (&AtomicUsize, usize),
    stop: &CancellationToken,
) {
    while !stop.is_cancelled() {
        let request = LeaseTasksRequest {
            wait_timeout: seconds(LONG),
            ..ask(worker)
        };
        let leasing = Box::pin(lease(server, request));
        let futures::future::Either::Left((answer, _)) = select(leasing, Box::pin(stop.cancelled())).await
        else {
            return;
        };
        for held in answer.leased_tasks {
            finish(server, &held).await;
            if done.fetch_add(1, Ordering::SeqCst) + 1 == all {
                stop.cancel();
            }
        }
    }
}

#[tokio::test]
async fn twenty_workers_never_hold_more_than_five_of_500_tasks() {
    const TASKS: usize = 500;
    let server = server().await;
    limited(&server, NewQueue::new("steps").concurrency(5)).await;
    let (done, stop) = (AtomicUsize::new(0), CancellationToken::new());
    let names: Vec<_> = (0..20).map(|n| format!("w-{n}")).collect();
    let workers = names
        .iter()
        .map(|name| works(&server, name, (&done, TASKS), &stop));
    let creates = async {
        for _ in 0..TASKS / 50 {
            let members = (0..50).map(|_| step());
            server.ok(server.client().batch_create(members)).await;
        }
    };
    tokio::join!(join_all(workers), creates);
    assert_eq!(done.load(Ordering::SeqCst), TASKS);
    let queue = server.client().get_queue("steps").await.unwrap();
    assert_eq!(queue.leased_count, 0);
    server.finish().await;
}

#[tokio::test]
async fn keys_have_a_limit_each_and_do_not_stand_in_each_other_s_way() {
    const TASKS: usize = 60;
    let server = server().await;
    limited(
        &server,
        NewQueue::new("steps").concurrency(4).key_concurrency("tenant", 1),
    )
    .await;
    for n in 0..TASKS {
        // The first thirty are of one tenant.
        let tenant = if n < TASKS / 2 {
            "big".to_owned()
        } else {
            format!("t{}", n % 3)
        };
        created(&server, step().label("tenant", tenant)).await;
    }
    let first = lease(
        &server,
        LeaseTasksRequest {
            max_tasks: 10,
            ..ask("w")
        },
    )
    .await
    .leased_tasks;
    let mut tenants: Vec<_> = first
        .iter()
        .map(|held| held.task.as_ref().unwrap().labels["tenant"].clone())
        .collect();
    tenants.sort_unstable();
    assert_eq!(tenants, ["big", "t0", "t1", "t2"]);
    for held in &first {
        finish(&server, held).await;
    }
    let (done, stop) = (AtomicUsize::new(first.len()), CancellationToken::new());
    let names: Vec<_> = (0..8).map(|n| format!("w-{n}")).collect();
    join_all(
        names
            .iter()
            .map(|name| works(&server, name, (&done, TASKS), &stop)),
    )
    .await;
    server.finish().await;
}

#[tokio::test]
async fn a_worker_that_is_gone_gives_its_place_back_when_its_lease_ends() {
    let server = TestServer::start().await;
    limited(&server, NewQueue::new("steps").concurrency(1)).await;
    steps(&server, 2).await;
    assert_eq!(lease(&server, ask("gone")).await.leased_tasks.len(), 1);
    let waits = async {
        let request = LeaseTasksRequest {
            wait_timeout: seconds(LONG),
            ..ask("waits")
        };
        lease(&server, request).await.leased_tasks.len()
    };
    let passes = async {
        crate::leases::until_open(&server, "waits").await;
        pass(&server, 30).await;
    };
    let (got, ()) = tokio::join!(waits, passes);
    assert_eq!(got, 1);
    server.finish().await;
}

#[tokio::test]
async fn who_waits_is_served_at_once_when_a_queue_is_resumed_or_its_limit_raised() {
    let mut server = TestServer::start().await;
    let client = server.client().clone();
    let new = NewQueue::new("steps")
        .concurrency(1)
        .with(|queue| queue.paused = true);
    client.create_queue(new).await.unwrap();
    steps(&server, 3).await;
    assert!(lease(&server, ask("w")).await.leased_tasks.is_empty());
    let wait = |worker: &'static str| LeaseTasksRequest {
        wait_timeout: seconds(LONG),
        ..ask(worker)
    };
    let resume = async {
        crate::leases::until_open(&server, "first").await;
        client.resume_queue("steps").await.unwrap();
    };
    let (got, ()) = tokio::join!(lease(&server, wait("first")), resume);
    assert_eq!(got.leased_tasks.len(), 1);
    let raise = async {
        crate::leases::until_open(&server, "second").await;
        let edit = Queue {
            name: "steps".to_owned(),
            concurrency_limit: Some(2),
            ..Queue::default()
        };
        client.update_queue(edit, []).await.unwrap();
    };
    let (got, ()) = tokio::join!(lease(&server, wait("second")), raise);
    assert_eq!(got.leased_tasks.len(), 1);
    // What is said of a queue, and what is in use, outlives the server.
    server.restart().await;
    assert!(lease(&server, ask("third")).await.leased_tasks.is_empty());
    assert_eq!(server.client().get_queue("steps").await.unwrap().leased_count, 2);
    server.finish().await;
}

#[tokio::test]
async fn a_full_queue_leaves_the_others_of_a_call_to_it() {
    let server = TestServer::start().await;
    limited(&server, NewQueue::new("steps").concurrency(1)).await;
    steps(&server, 50).await;
    assert_eq!(lease(&server, ask("a")).await.leased_tasks.len(), 1);
    let other = created(&server, NewTask::new("other").queue("other")).await;
    let both = LeaseTasksRequest {
        queues: vec!["steps".to_owned(), "other".to_owned()],
        wait_timeout: seconds(LONG),
        ..ask("b")
    };
    let got = lease(&server, both).await.leased_tasks;
    assert_eq!(got[0].task.as_ref().unwrap().id, other.id);
    // A task that waits for an answer is leased to nobody.
    let ends = Duration::from_secs(60);
    server.ok(server.client().advance_clock(ends)).await;
    assert_eq!(lease(&server, ask("c")).await.leased_tasks.len(), 1);
    server.finish().await;
}
