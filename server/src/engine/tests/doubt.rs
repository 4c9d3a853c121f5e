//! A log that goes on further than the committer knows.

use super::*;

/// A comment as a batch leaves it whose commit is answered with an error and stands all the same.
const LOST_BATCH: &str = "
    BEGIN;
    CREATE TEMP TABLE lost AS SELECT * FROM event ORDER BY position DESC LIMIT 1;
    UPDATE lost SET id = id + 1, position = position + 1, sequence = sequence + 1;
    INSERT INTO event SELECT * FROM lost;
    UPDATE task SET revision = revision + 1 WHERE id = (SELECT task_id FROM lost);
    COMMIT;";

#[tokio::test]
async fn what_was_committed_unheard_of_is_found_and_told_and_no_later_write_fails() {
    let bench = Bench::new().await;
    let id = bench.create(bench.new_task("a")).await.expect("created").task.id;
    let other = bench.create(bench.new_task("b")).await.expect("created").task.id;
    let comment = || Action::Comment {
        message: "hello".to_owned(),
    };
    let before = bench.give(id, comment()).await.expect("written");
    let head = bench.engine.feed().head("default");
    let mut reader = bench.engine.feed().reader("default", head);
    bench.sql(LOST_BATCH).await;
    let behind = bench.give(other, comment()).await.expect("written behind it");
    let mut told = Vec::new();
    while told.len() < 2 {
        let events = reader.next(10).await.expect("the log reads");
        told.extend(events.iter().map(|e| (e.position, e.task_id, e.sequence)));
    }
    let lost = (head + 1, id, before.task.revision + 1);
    assert_eq!(told, [lost, (head + 2, other, behind.task.revision)]);
    let after = bench.give(id, comment()).await.expect("written");
    assert_eq!(after.task.revision, before.task.revision + 2, "it was read again");
    bench.finish().await;
}

#[tokio::test]
async fn a_create_alone_finds_it_too() {
    let bench = Bench::new().await;
    let id = bench.create(bench.new_task("a")).await.expect("created").task.id;
    let comment = Action::Comment {
        message: "hello".to_owned(),
    };
    bench.give(id, comment).await.expect("written");
    bench.sql(LOST_BATCH).await;
    bench.create(bench.new_task("b")).await.expect("created");
    bench.finish().await;
}
