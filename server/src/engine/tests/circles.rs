//! Circles of dependencies through tasks that no batch moves.

use baton_domain::{Payload, PayloadKind, Rejection};
use bytes::Bytes;

use super::*;

#[tokio::test]
async fn a_circle_is_found_through_tasks_that_are_too_large_to_be_kept() {
    let bench = Bench::new().await;
    let body = Bytes::from(vec![b' '; 20_000]);
    let mut chain: Vec<TaskId> = Vec::new();
    for n in 0..5 {
        let mut new = bench.new_task(&n.to_string());
        new.input = Some(Payload {
            kind: PayloadKind::Data,
            media_type: String::new(),
            version: 0,
            size: 20_000,
            sha256: *blake3::hash(&body).as_bytes(),
            body: Some(body.clone()),
        });
        new.dependencies = chain.last().map(|last| on(*last)).into_iter().collect();
        chain.push(bench.create(new).await.expect("created").task.id);
    }
    let first = chain[0];
    let closed = bench.give(first, Action::AddDependency(on(chain[4]))).await;
    let Err(Error::Rejected(Rejection::DependencyCycle { path })) = closed else {
        panic!("it waits for itself: {closed:?}");
    };
    chain.reverse();
    assert_eq!(path, [vec![first], chain].concat());
    let other = bench.create(bench.new_task("other")).await.expect("created");
    let other = bench.give(other.task.id, Action::AddDependency(on(first))).await;
    assert_eq!(other.expect("no circle").task.state, State::Blocked);
    bench.finish().await;
}
