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

#[tokio::test]
async fn a_repeated_create_names_the_tasks_that_were_deleted_since() {
    let bench = Bench::new().await;
    let drawn = |title| CreateRequest {
        chosen_id: false,
        ..member(bench.new_task(title))
    };
    let first = bench.engine.create(drawn("a"), request_key(1)).await;
    let id = first.expect("created").task.id;
    let members = ["b", "c", "d"];
    let all = || members.map(drawn).to_vec();
    let batch = bench.engine.create_batch(all(), request_key(2)).await;
    let ids: Vec<TaskId> = batch.expect("created").iter().map(|d| d.task.id).collect();
    for id in [id, ids[1]] {
        let delete = command(id, Action::Delete { force: true });
        bench.engine.delete(delete).await.expect("deleted");
    }
    // Each repeat has drawn new ids, which nobody has seen.
    let again = bench.engine.create(drawn("a"), request_key(1)).await;
    assert!(
        matches!(again, Err(Error::NotFound { id: named }) if named == id),
        "{again:?}"
    );
    let again = bench.engine.create_batch(all(), request_key(2)).await;
    let Err(Error::InBatch { index: 1, source }) = again else {
        panic!("two answers to three requests: {again:?}");
    };
    assert!(
        matches!(*source, Error::NotFound { id } if id == ids[1]),
        "{source:?}"
    );
    bench.finish().await;
}

#[tokio::test]
async fn a_batch_that_reuses_the_id_of_a_deleted_task_names_that_member() {
    let bench = Bench::new().await;
    let members = ["a", "b", "c"].map(|title| member(bench.new_task(title)));
    let ids = members.each_ref().map(|m| m.new.id);
    let created = bench.engine.create_batch(members.to_vec(), None).await;
    created.expect("created");
    let delete = command(ids[2], Action::Delete { force: true });
    bench.engine.delete(delete).await.expect("deleted");
    let again = bench.engine.create_batch(members.to_vec(), None).await;
    let Err(Error::InBatch { index: 2, source }) = again else {
        panic!("the third is gone: {again:?}");
    };
    assert!(
        matches!(*source, Error::TaskIdReused { id } if id == ids[2]),
        "{source:?}"
    );
    bench.finish().await;
}

#[tokio::test]
async fn a_request_id_means_nothing_in_another_namespace() {
    let bench = Bench::new().await;
    let there = |title| {
        let mut new = bench.new_task(title);
        "elsewhere".clone_into(&mut new.namespace);
        member(new)
    };
    let here = member(bench.new_task("a"));
    let first = bench.engine.create(here.clone(), request_key(1)).await;
    first.expect("created");
    // A repeat and a new call of one batch, so that the store is asked for both.
    let other = request_key(1).map(|key| RequestKey { hash: [2; 32], ..key });
    let chosen = there("b");
    let (repeat, new) = futures::join!(
        bench.engine.create(here, request_key(1)),
        bench.engine.create(chosen.clone(), other.clone()),
    );
    assert!(repeat.expect("a repeat is answered").replayed);
    let new = new.expect("its namespace does not know the id");
    assert!(!new.replayed);
    let again = bench.engine.create(chosen, other).await;
    assert!(again.expect("a repeat is answered").replayed);
    let third = bench.engine.create(there("c"), request_key(1)).await;
    assert!(matches!(third, Err(Error::RequestIdReused)), "{third:?}");
    let comment = |request| MoveRequest {
        request,
        ..command(
            new.task.id,
            Action::Comment {
                message: "once".to_owned(),
            },
        )
    };
    let moved = bench.engine.execute(comment(request_key(1))).await;
    assert!(matches!(moved, Err(Error::RequestIdReused)), "{moved:?}");
    bench.finish().await;
}

#[tokio::test]
async fn a_call_on_many_tasks_is_recalled_in_its_namespace_only() {
    let bench = Bench::new().await;
    let id = bench.create(bench.new_task("a")).await.expect("created").task.id;
    let key = request_key(1).expect("a key");
    let remembered = bench.engine.remember("default", key.clone(), vec![id]).await;
    assert_eq!(remembered.expect("remembered"), [id]);
    let recalled = bench.engine.recall("default", &key).await;
    assert_eq!(recalled.expect("recalled"), Some(vec![id]));
    let elsewhere = bench.engine.recall("elsewhere", &key).await;
    assert_eq!(elsewhere.expect("not made there"), None);
    bench.finish().await;
}
