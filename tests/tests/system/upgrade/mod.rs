//! From one version of the schema to the next, and back.

mod fixtures;
mod populate;

use baton_client::NewTask;
use baton_migrations::{rehearsal, steps};
use baton_server::RunError;
use baton_server::store::StoreError;
use baton_tests::harness::TestServer;

use crate::dice::{Caller, Ids};
use crate::support::queued;

/// Lets a client do anything for a while.
pub(crate) async fn use_it(server: &TestServer, ids: &Ids, seed: u64, calls: usize) {
    let mut caller = Caller::new(server.client(), server.history(), ids, seed);
    for _ in 0..calls {
        assert!(caller.call().await, "the server is there");
    }
}

/// Takes what only older servers need out of a database, as `baton migrate --contract` does; other servers may run.
pub(crate) async fn contract(server: &TestServer) -> Result<(), StoreError> {
    use baton_server::seams::Ids;
    use baton_server::store::{Store, StoreOptions};

    let options = StoreOptions {
        steps: rehearsal::contracted,
        contract: true,
        ..StoreOptions::new(Ids::system())
    };
    let url = server.database().url().parse().expect("it is in use");
    let opened = Store::open(&url, &options).await?;
    drop(opened.store);
    opened.writer.close().await;
    Ok(())
}

/// That a server did not start because the schema is too new for it.
pub(crate) fn assert_too_new<T>(started: Result<T, RunError>) {
    let Err(error) = started else {
        panic!("the schema is not for this server")
    };
    let text = error.to_string();
    let known = steps().len();
    assert!(text.contains(&format!("this one knows {known}")), "{text}");
    assert!(text.contains("run a newer baton, nothing was changed"), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_server_goes_forward_and_back_until_the_schema_is_contracted() {
    let mut server = TestServer::start().await;
    let ids = Ids::default();
    for (seed, known) in [
        (1, steps as baton_migrations::Steps),
        (2, rehearsal::contracted),
        (3, steps),
        (4, rehearsal::contracted),
    ] {
        let address = server.address();
        server.stop().await;
        server.know(known);
        server.start_again(address).await;
        use_it(&server, &ids, seed, 30).await;
    }
    let address = server.address();
    server.stop().await;
    contract(&server).await.unwrap();
    server.know(steps);
    assert_too_new(server.try_again(address).await);
    server.know(rehearsal::expanded);
    server.start_again(address).await;
    use_it(&server, &ids, 5, 30).await;
    queued(&server).await;
    server.ok(server.client().create(NewTask::new("test"))).await;
    server.finish().await;
}
