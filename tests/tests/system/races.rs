//! Many callers, few tasks: whatever happens, the oracle finds it in order.

use baton_client::{Reason, Selection, State, actor};
use baton_tests::harness::TestServer;
use baton_tests::harness::faults::{Injected, count};
use serde_json::json;

use crate::support::{queued, worker};

/// Of racing callers exactly one starts the task.
#[tokio::test]
async fn one_of_many_racers_wins() {
    let server = TestServer::start().await;
    let client = server.client();
    for _ in 0..20 {
        let task = queued(&server).await;
        let racers = (0..16).map(|number| {
            let racer = actor::agent(format!("racer-{number}"));
            server.send(client.start(&task.id).assignee(racer))
        });
        let answers = futures::future::join_all(racers).await;
        assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
        for answer in answers {
            let Err(error) = answer else { continue };
            assert_eq!(error.reason(), Some(&Reason::InvalidStateTransition), "{error}");
        }
    }
    server.finish().await;
}

/// Random calls of many clients on few tasks: whatever happens, the oracle finds it in order.
#[tokio::test]
async fn sixteen_clients_on_eight_tasks() {
    let (fault, calls) = (Injected::new("F20"), count(150, 650));
    let server = TestServer::start().await;
    let mut ids = Vec::new();
    for _ in 0..8 {
        ids.push(queued(&server).await.id);
    }
    let clients = (0..16).map(|seed| rampage(&server, &ids, (seed * 1_000 + 150, calls)));
    futures::future::join_all(clients).await;
    fault.add(16 * calls);
    server.finish().await;
}

async fn rampage(server: &TestServer, ids: &[String], (seed, calls): (u64, u64)) {
    use rand::{Rng, SeedableRng, rngs::StdRng};
    let mut random = StdRng::seed_from_u64(seed);
    let client = server.client();
    for _ in 0..calls {
        let id = &ids[random.random_range(0..ids.len())];
        let other = &ids[random.random_range(0..ids.len())];
        match random.random_range(0..20) {
            0..=2 => drop(server.send(client.start(id).assignee(worker())).await),
            3 => drop(server.send(client.complete(id).output_json(&json!(seed))).await),
            4 => drop(server.send(client.fail(id, "random")).await),
            5 => drop(server.send(client.retry(id)).await),
            6 => drop(server.send(client.pause(id)).await),
            7 | 8 => drop(server.send(client.resume(id)).await),
            9 => drop(server.send(client.release(id)).await),
            10 => drop(server.send(client.submit(id)).await),
            11 => drop(server.send(client.request_rework(id, "more")).await),
            12 => drop(server.send(client.reject(id)).await),
            13 => drop(server.send(client.progress(id).percent(50)).await),
            14 => drop(server.send(client.comment(id, "hm")).await),
            15 => drop(server.send(client.add_dependency(id, other)).await),
            16 => drop(server.send(client.remove_dependency(id, other)).await),
            17 => drop(server.send(client.get(id)).await),
            18 => drop(
                server
                    .send(client.bulk_update_state(Selection::ids([id, other]), State::Queued))
                    .await,
            ),
            _ => drop(server.send(client.request_input(id, "?")).await),
        }
    }
}
