//! Workers that do as they like among operators that do, too: whatever happens, the oracle finds it in order.

use baton_client::proto::RetryPolicy;
use baton_client::{Error, NewTask, Reason, actor};
use baton_proto::v1::{LeaseTasksRequest, LeasedTask};
use baton_tests::harness::TestServer;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::{id, lease, one, pass, renew_all, renewal};
use crate::support::created;

const TASKS: usize = 24;
const ROUNDS: usize = 60;

/// What a worker or an operator may be told, and nothing else.
fn is_expected<T>(answer: Result<T, Error>) -> bool {
    let Err(error) = answer else { return true };
    let reason = error.reason().map(ToString::to_string).unwrap_or_default();
    let known = error.reason() == Some(&Reason::InvalidStateTransition);
    assert!(
        known || reason == "LEASE_LOST" || reason == "LEASE_REQUIRED",
        "{error:?}"
    );
    false
}

async fn works(server: &TestServer, number: u64) -> usize {
    let mut random = StdRng::seed_from_u64(number);
    let mut held: Vec<LeasedTask> = Vec::new();
    let mut done = 0;
    for _ in 0..ROUNDS {
        if held.len() < 3 {
            let request = LeaseTasksRequest {
                max_tasks: random.random_range(1..4),
                ..one(&format!("w-{number}"))
            };
            held.extend(lease(server, request).await.leased_tasks);
        }
        if held.is_empty() {
            continue;
        }
        let place = random.random_range(0..held.len());
        let client = server.client();
        let (task, token) = (id(&held[place]).to_owned(), held[place].lease_token.clone());
        match random.random_range(0..10) {
            0..=3 => {
                let renewals = held.iter().map(renewal).collect();
                renew_all(server, renewals, 0).await.unwrap();
            }
            // What was done counts once, also where nobody forgets the lease afterwards.
            4 | 5 => {
                let call = client.complete(&task).with(|request| request.lease_token = token);
                done += usize::from(is_expected(server.send(call).await));
                held.remove(place);
            }
            6 => {
                let call = client
                    .fail(&task, "no")
                    .with(|request| request.lease_token = token);
                is_expected(server.send(call).await);
                held.remove(place);
            }
            7 => {
                let call = client.release(&task).with(|request| request.lease_token = token);
                is_expected(server.send(call).await);
            }
            8 => {
                let call = client.progress(&task).percent(50);
                is_expected(
                    server
                        .send(call.with(|request| request.lease_token = token))
                        .await,
                );
            }
            // Nobody speaks for it any more: its lease runs out.
            _ => drop(held.remove(place)),
        }
    }
    done
}

async fn operates(server: &TestServer, ids: &[String]) {
    let mut random = StdRng::seed_from_u64(7);
    let client = server.client();
    for _ in 0..ROUNDS {
        let task = &ids[random.random_range(0..ids.len())];
        let _was_taken = match random.random_range(0..8) {
            0 => is_expected(server.send(client.cancel(task)).await),
            1 | 2 => is_expected(server.send(client.pause(task)).await),
            3 | 4 => is_expected(server.send(client.resume(task)).await),
            5 => is_expected(server.send(client.complete(task)).await),
            6 => is_expected(
                server
                    .send(client.start(task).assignee(actor::human("ada")))
                    .await,
            ),
            _ => {
                pass(server, 4).await;
                true
            }
        };
    }
}

#[tokio::test]
async fn workers_and_operators_at_once() {
    let server = TestServer::start().await;
    let mut ids = Vec::new();
    for _ in 0..TASKS {
        let again = RetryPolicy {
            max_attempts: Some(5),
            initial_backoff: prost_types::Duration::try_from(std::time::Duration::from_secs(1)).ok(),
            ..RetryPolicy::default()
        };
        ids.push(created(&server, NewTask::new("a").retry_policy(again)).await.id);
    }
    let working = futures::future::join_all((0..6).map(|number| works(&server, number)));
    let (done, ()) = futures::future::join(working, operates(&server, &ids)).await;
    assert!(done.iter().sum::<usize>() > 0, "some of them were done");
    // What is still held runs out.
    pass(&server, 120).await;
    server.finish().await;
}
