//! What a server leaves behind that is told to stop in the middle of work.

use std::sync::Arc;

use baton_client::{NewTask, Reason, State};
use baton_server::engine::IntakeLimits;
use baton_tests::harness::TestServer;
use futures::StreamExt;
use futures::stream::FuturesUnordered;

use crate::overload::is_overloaded;
use crate::support::{Holder, id, queued, until};

/// DRAINING promises that nothing was done. A call that waits for the disk when the grace ends may still be carried out.
#[tokio::test]
async fn a_change_that_is_cut_off_is_never_told_as_undone() {
    let few = IntakeLimits {
        commands: 20,
        ..IntakeLimits::default()
    };
    let mut server = TestServer::start_limited(|config| config.drain_grace_ms = 0, few).await;
    let (client, history, address) = (
        server.client().clone(),
        Arc::clone(server.history()),
        server.address(),
    );
    // Its start is over: until then it takes no call, and refuses none.
    queued(&server).await;
    let holder = Holder::of(&server).await;
    let create = async |id: String| {
        let answer = history
            .send(client.create(NewTask::new("test").id(id.clone())))
            .await;
        (id, answer)
    };
    let mut creates: FuturesUnordered<_> = (0..100).map(|_| create(id())).collect();
    // Fourteen may wait. So many were taken for a batch, as many more where it waited for its turn, and as many came in for
    // those: what is refused beyond that finds the others waiting for the disk.
    for _ in 0..100 - 3 * 14 {
        let (_, answer) = creates.next().await.unwrap();
        assert!(is_overloaded(&answer), "{answer:?}");
    }
    let answers = async {
        let answers: Vec<_> = creates.collect().await;
        holder.let_go().await;
        answers
    };
    let ((), answers) = tokio::join!(server.stop(), answers);
    server.start_again(address).await;
    let mut carried_out = 0;
    for (id, answer) in answers {
        let error = answer.expect_err("nothing was committed while the file was held");
        let is_there = server.client().get(&id).await.is_ok();
        if error.reason() == Some(&Reason::OutcomeUnknown) {
            carried_out += usize::from(is_there);
        } else {
            assert!(!is_there, "told as undone: {error:?}");
        }
    }
    assert!(carried_out > 0, "no call was cut off while it waited");
    server.finish().await;
}

async fn open_tasks(server: &TestServer) -> i64 {
    let mut shell = server.database().shell().await;
    let open = shell
        .number("SELECT count(*) FROM task WHERE end_time IS NULL")
        .await;
    shell.close().await;
    open
}

/// What happens by itself is left where it is, and goes on after the restart.
#[tokio::test]
async fn a_cascade_does_not_hold_up_a_stop() {
    const CHILDREN: usize = 3_000;
    let one_by_one = IntakeLimits {
        batch_commands: 1,
        ..IntakeLimits::default()
    };
    let mut server = TestServer::start_limited(|_| {}, one_by_one).await;
    let (client, address) = (server.client().clone(), server.address());
    let parent = queued(&server).await;
    let mut children = Vec::new();
    for _ in 0..CHILDREN / 1_000 {
        let members = (0..1_000).map(|_| NewTask::new("test").parent(&parent.id));
        children.extend(server.ok(client.batch_create(members)).await.into_inner());
    }
    let cancelled = server.watch_state(State::Cancelled).await;
    server.ok(client.cancel(&parent.id)).await;
    // The parent and its first child.
    cancelled.until_events(2).await;
    server.stop().await;
    assert!(open_tasks(&server).await > 0, "the stop waited for the cascade");
    server.start_again(address).await;
    for child in children.iter().step_by(100) {
        until(&server, &child.id, State::Cancelled).await;
    }
    server.finish().await;
}
