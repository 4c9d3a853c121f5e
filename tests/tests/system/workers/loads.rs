//! Many tasks, and servers that come and go.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use baton_client::proto::Progress;
use baton_client::{Context, Failure, NewTask, State};
use baton_tests::harness::TestServer;

use super::{Running, channel, server, worker};
use crate::support::{get, until};

async fn many(server: &TestServer, count: usize) -> Vec<String> {
    let tasks = (0..count).map(|n| NewTask::new("test").input_json(&serde_json::json!(n)));
    let made = server.ok(server.client().batch_create(tasks)).await;
    made.into_inner().into_iter().map(|task| task.id).collect()
}

/// Counts how many of it are there at once.
#[derive(Default)]
struct Crowd {
    now: AtomicUsize,
    most: AtomicUsize,
    all: AtomicUsize,
}

impl Crowd {
    async fn pass(&self) {
        let now = self.now.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(now, Ordering::SeqCst);
        // Others get their turn meanwhile.
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
        self.now.fetch_sub(1, Ordering::SeqCst);
        self.all.fetch_add(1, Ordering::SeqCst);
    }
}

#[tokio::test]
async fn never_more_handlers_at_once_than_there_may_be() {
    const TASKS: usize = 1_000;
    let server = server().await;
    let ids = many(&server, TASKS).await;
    let crowd = Arc::new(Crowd::default());
    let counting = Arc::clone(&crowd);
    let handler = move |_, n: usize| {
        let crowd = Arc::clone(&counting);
        async move {
            crowd.pass().await;
            Ok(n)
        }
    };
    let worker = Running::start(worker(&server, "w").concurrency(5).handler("test", handler));
    for id in &ids {
        until(&server, id, State::Completed).await;
    }
    worker.stop().await;
    assert_eq!(crowd.all.load(Ordering::SeqCst), TASKS, "each was worked on once");
    assert_eq!(
        crowd.most.load(Ordering::SeqCst),
        5,
        "and five at a time where there were so many"
    );
    server.finish().await;
}

/// What all of them tell at once is more than one call may carry.
#[tokio::test]
async fn much_that_handlers_tell_costs_none_its_lease() {
    const TASKS: usize = 250;
    let server = server().await;
    let ids = many(&server, TASKS).await;
    let handler = |context: Context, _: usize| async move {
        context.set_progress(Progress {
            message: "\u{1f980}".repeat(8_192),
            ..Progress::default()
        });
        context.draining().cancelled().await;
        Ok(())
    };
    let worker = worker(&server, "w").concurrency(TASKS);
    let worker = Running::start(worker.handler("test", handler));
    for id in &ids {
        until(&server, id, State::InProgress).await;
    }
    worker.stop().await;
    for id in &ids {
        let task = get(&server, id).await;
        assert_eq!((task.state(), task.attempt), (State::Completed, 1));
    }
    server.finish().await;
}

#[tokio::test]
async fn a_restart_of_the_server_loses_nothing() {
    const TASKS: usize = 300;
    let mut server = server().await;
    let ids = many(&server, TASKS).await;
    let (tell, mut told) = channel();
    let handler = move |context: Context, n: usize| {
        let tell = tell.clone();
        async move {
            tell.send(n).unwrap();
            if n.is_multiple_of(10) {
                context.save_checkpoint(&n).await?;
            }
            Ok::<_, Failure>(n)
        }
    };
    let worker = Running::start(worker(&server, "w").concurrency(20).handler("test", handler));
    for _ in 0..3 {
        for _ in 0..TASKS / 5 {
            told.next().await;
        }
        server.restart().await;
    }
    for id in &ids {
        until(&server, id, State::Completed).await;
    }
    worker.stop().await;
    for id in &ids {
        let task = get(&server, id).await;
        assert_eq!((task.state(), task.attempt), (State::Completed, 1));
    }
    server.finish().await;
}
