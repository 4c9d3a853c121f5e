//! Two servers of one database of which neither hears of the other but at its turns.

use baton_domain::Detail;
use futures::FutureExt as _;

use super::absence::{committer, remember};
use super::*;
use crate::engine::lookout::Asking;

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

/// A server that writes makes no look of its own: a batch that is written is one.
#[tokio::test]
async fn a_batch_that_is_written_tells_whoever_asked_before_it_what_others_wrote() {
    let bench = Bench::new().await;
    let mut committer = committer(&bench.database).await;
    let (asking, lookout) = Asking::new();
    committer.lookout = lookout;
    let mut ask = Box::pin(asking.ask());
    assert!((&mut ask).now_or_never().is_none());
    bench.create(bench.new_task("a")).await.expect("created");
    remember(&mut committer, 1).await;
    let answer = (&mut ask).now_or_never().expect("the batch was written");
    answer.expect("it was");
    assert_eq!(
        committer.feed.head("default"),
        bench.engine.feed().head("default")
    );
    drop(committer);
    bench.finish().await;
}

/// What nobody reads is learned without its details, and what somebody reads with them: a reader that comes is told all of both.
#[tokio::test]
async fn a_reader_is_told_all_that_another_wrote_before_it_came_and_after() {
    let bench = Bench::new().await;
    let mut committer = committer(&bench.database).await;
    bench.create(bench.new_task("a")).await.expect("created");
    remember(&mut committer, 1).await;
    let mut reader = committer.feed.reader("default", 0);
    for request in [2, 3] {
        let told = reader.next(10).await.expect("the log reads");
        let [created, queued] = &told[..] else {
            panic!("{told:?}")
        };
        assert!(matches!(created.detail, Detail::Created(_)), "{created:?}");
        assert_eq!(queued.to_state, State::Queued);
        bench.create(bench.new_task("b")).await.expect("created");
        remember(&mut committer, request).await;
    }
    drop((reader, committer));
    bench.finish().await;
}
