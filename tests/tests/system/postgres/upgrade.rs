//! Servers of two versions of the schema side by side.

use baton_migrations::{rehearsal, steps};
use baton_server::store::StoreError;
use baton_tests::harness::TestServer;
use baton_tests::oracle::Scope;
use futures::future::join_all;

use crate::dice::{Caller, Ids};
use crate::support::from_oldest;
use crate::upgrade::{assert_too_new, contract};

/// Uses all of them at once.
async fn used(servers: &[&TestServer], ids: &Ids, seed: u64) {
    let calls = (0..2 * servers.len()).map(async |n| {
        let server = servers[n % servers.len()];
        let seed = seed * 100 + u64::try_from(n).unwrap();
        let mut caller = Caller::new(server.client(), server.history(), ids, seed);
        for _ in 0..25 {
            assert!(caller.call().await, "the server is there");
        }
    });
    join_all(calls).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_versions_share_a_database_until_the_schema_is_contracted() {
    let ids = Ids::default();
    let mut first = TestServer::start().await;
    let mut second = first.beside().await;
    let stream = first.watch(from_oldest(), Scope::all()).await;
    used(&[&first, &second], &ids, 1).await;

    // Forward, one after the other: what is prepared on the connections of the first meets new columns. The step is taken
    // in the middle of its work.
    let older = [&first, &second];
    let (newer, ()) = tokio::join!(first.beside_knowing(rehearsal::contracted), used(&older, &ids, 2));
    let mut newer = newer.unwrap();
    let mut shell = first.database().shell().await;
    let without = "SELECT count(*) FROM event WHERE later IS NULL";
    let before = shell.number(without).await;
    used(&[&first, &second, &newer], &ids, 3).await;
    assert_eq!(
        shell.number(without).await,
        before,
        "what servers leave out that do not know it is filled in"
    );

    // Back: the older ones alone, one of them started on the newer schema.
    let newer_address = newer.address();
    newer.stop().await;
    second.restart().await;
    used(&[&first, &second], &ids, 4).await;

    // Forward again. As long as the older ones are there, nothing is taken from them.
    newer.start_again(newer_address).await;
    let error = contract(&newer).await.unwrap_err();
    assert!(matches!(error, StoreError::OldServers { .. }), "{error:?}");
    assert!(error.to_string().contains("stop these first"), "{error}");
    used(&[&first, &second, &newer], &ids, 5).await;
    let address = second.address();
    second.stop().await;
    second.know(rehearsal::contracted);
    second.start_again(address).await;

    // The last of the older ones goes.
    let evidence = first.evidence(&[stream]).await;
    first.stop().await;
    baton_tests::harness::judge(&evidence);
    contract(&newer).await.unwrap();
    let old_again = newer.beside_knowing(steps).await;
    assert_too_new(old_again);
    used(&[&second, &newer], &ids, 6).await;
    second.stop().await;
    newer.finish().await;
}
