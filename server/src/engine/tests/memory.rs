//! What is held in memory is counted whole, whatever part of a task is large.

use std::collections::BTreeSet;

use baton_domain::{AttemptOutcome, Edit, Function, FunctionKind, Payload, PayloadKind, TaskError};
use bytes::Bytes;

use super::*;
use crate::engine::cache::{CACHE_BYTES, Cache};

const LARGE: usize = 10_000;

#[tokio::test]
async fn the_cache_counts_what_a_function_holds() {
    let bench = Bench::new().await;
    let mut cache = Cache::new();
    let mut new = bench.new_task("a");
    new.function = Some(Function {
        kind: FunctionKind::ALL[0],
        name: "f".to_owned(),
        description: String::new(),
        args: None,
        output: None,
        prompt_template: "x".repeat(LARGE),
    });
    let task = baton_domain::create(*new, &Actor::anonymous(), Timestamp::from_micros(1)).task;
    let ids: Vec<_> = (0..10_000).map(|n| TaskId(Uuid::from_u128(n))).collect();
    for id in &ids {
        cache.put(
            *id,
            Some(Arc::new(Task {
                id: *id,
                ..task.clone()
            })),
        );
    }
    let kept = ids.iter().filter(|id| cache.get(**id).is_some()).count();
    assert!(kept > 1_000, "{kept} are kept");
    assert!(kept * LARGE <= CACHE_BYTES, "{kept} are kept");
    bench.finish().await;
}

#[tokio::test]
async fn moves_of_more_than_may_be_held_at_once_are_committed_in_several_batches() {
    let bench = Bench::new().await;
    let body = Bytes::from(vec![b' '; 1 << 20]);
    let mut ids = Vec::new();
    for n in 0..80 {
        let mut new = bench.new_task(&n.to_string());
        new.input = Some(Payload {
            kind: PayloadKind::Data,
            media_type: String::new(),
            version: 0,
            size: 1 << 20,
            sha256: [0; 32],
            body: Some(body.clone()),
        });
        ids.push(bench.create(new).await.expect("created").task.id);
    }
    let pause = || Action::Pause {
        reason: String::new(),
    };
    let done = futures::future::join_all(ids.iter().map(|id| bench.give(*id, pause()))).await;
    let mut times = BTreeSet::new();
    for (id, done) in ids.iter().zip(done) {
        let task = done.expect("paused").task;
        assert_eq!((task.id, task.state), (*id, State::Paused));
        times.insert(task.update_time);
    }
    assert_eq!(times.len(), 2, "they waited together, and a batch has one time");
    bench.finish().await;
}

#[test]
fn the_queue_counts_errors_and_edits() {
    let large = || Bytes::from(vec![0; LARGE]);
    let error = TaskError {
        details: Some(large()),
        ..TaskError::default()
    };
    let edit = Edit {
        metadata: Some(Some(large())),
        ..Edit::default()
    };
    let actions = [
        Action::Fail {
            error,
            outcome: AttemptOutcome::Error,
            jitter: 0.0,
        },
        Action::Update(Box::new(edit)),
        Action::Comment {
            message: "x".repeat(LARGE),
        },
    ];
    for action in actions {
        let name = action.name();
        let work = Work::Move {
            id: TaskId(Uuid::nil()),
            command: Box::new(batch::system(action)),
            etag: None,
            reported: None,
            checked: None,
        };
        assert!(work.weight().bytes >= LARGE, "{name:?}");
    }
}
