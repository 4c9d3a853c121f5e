//! Two servers of one database of which neither hears of the other but at its turns.

use super::*;

fn pause() -> Action {
    Action::Pause {
        reason: String::new(),
    }
}

/// Who was alone for some batches decides by what it has in memory. What it does and what it refuses is by what stands.
#[tokio::test]
async fn who_was_alone_answers_by_what_another_has_made_of_it() {
    let bench = Bench::new().await;
    let (other, committer) = engine_of(&bench.database).await;
    let id = bench.create(bench.new_task("a")).await.expect("created").task.id;
    for _ in 0..10 {
        bench.give(id, pause()).await.expect("it runs");
        bench.give(id, Action::Resume).await.expect("it is paused");
    }
    // In its memory the task is queued.
    other.execute(command(id, pause())).await.expect("it runs");
    bench.give(id, Action::Resume).await.expect("it is paused by now");
    for _ in 0..10 {
        bench.give(id, pause()).await.expect("it runs");
        bench.give(id, Action::Resume).await.expect("it is paused");
    }
    // In its memory the task can be paused.
    let cancel = Action::Cancel {
        reason: String::new(),
    };
    other.execute(command(id, cancel)).await.expect("it is open");
    let refused = bench.give(id, pause()).await;
    assert!(matches!(refused, Err(Error::Rejected(_))), "{refused:?}");
    other.close();
    committer.await.expect("the committer ends");
    bench.finish().await;
}
