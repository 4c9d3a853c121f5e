//! Calls that come twice.

use super::*;

#[tokio::test]
async fn a_repeated_create_answers_with_the_task_that_is_there() {
    let bench = Bench::new().await;
    let new = bench.new_task("once");
    let first = bench.create(new.clone()).await.expect("created");
    bench
        .give(
            first.task.id,
            Action::Cancel {
                reason: String::new(),
            },
        )
        .await
        .expect("cancelled");
    let again = bench
        .create(new.clone())
        .await
        .expect("the same specification is no error");
    assert!(again.replayed && again.events.is_empty());
    assert_eq!(again.task.state, State::Cancelled, "as it stands now");
    let delete = command(first.task.id, Action::Delete { force: false });
    bench.engine.delete(delete).await.expect("deleted");
    let gone = bench.create(new).await;
    assert!(
        matches!(gone, Err(Error::TaskIdReused { .. })),
        "its events are still in the log: {gone:?}"
    );
    bench.finish().await;
}

#[tokio::test]
async fn a_repeated_request_changes_nothing_and_another_body_is_refused() {
    let bench = Bench::new().await;
    let id = bench.create(bench.new_task("a")).await.expect("created").task.id;
    let cancel = |request| MoveRequest {
        request,
        ..command(
            id,
            Action::Cancel {
                reason: String::new(),
            },
        )
    };
    let first = bench
        .engine
        .execute(cancel(request_key(7)))
        .await
        .expect("cancelled");
    let again = bench
        .engine
        .execute(cancel(request_key(7)))
        .await
        .expect("a repeat is answered");
    assert!(!first.replayed && again.replayed);
    assert_eq!(again.task.revision, first.task.revision);
    let other = request_key(7).map(|key| RequestKey { hash: [2; 32], ..key });
    let reused = bench.engine.execute(cancel(other)).await;
    assert!(matches!(reused, Err(Error::RequestIdReused)), "{reused:?}");
    let comments = (0..3).map(|_| MoveRequest {
        request: request_key(8),
        ..command(
            id,
            Action::Comment {
                message: "once".to_owned(),
            },
        )
    });
    let done = futures::future::try_join_all(comments.map(|c| bench.engine.execute(c)))
        .await
        .expect("all answered");
    assert_eq!(
        done.iter().filter(|d| d.replayed).count(),
        2,
        "three at once, one comment"
    );
    let delete = MoveRequest {
        request: request_key(9),
        ..command(id, Action::Delete { force: false })
    };
    assert!(!bench.engine.delete(delete.clone()).await.expect("deleted"));
    assert!(
        bench
            .engine
            .delete(delete)
            .await
            .expect("a repeat of a delete is answered")
    );
    bench.finish().await;
}
