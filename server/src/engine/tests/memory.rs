//! What is held in memory is counted whole, whatever part of a task is large.

use baton_domain::{AttemptOutcome, Edit, Function, FunctionKind, TaskError};
use bytes::Bytes;

use super::*;

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
    let ids: Vec<_> = (0..5_000).map(|n| TaskId(Uuid::from_u128(n))).collect();
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
    assert!(kept * LARGE <= 32 * 1024 * 1024, "{kept} are kept");
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
        };
        assert!(work.weight().bytes >= LARGE, "{name:?}");
    }
}
