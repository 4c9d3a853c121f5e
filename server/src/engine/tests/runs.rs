//! The rows of runs. That they are what the log says of them, the end of every test of the engine looks at.

use super::*;

#[tokio::test]
async fn a_run_that_begins_and_ends_in_one_batch_is_one_row() {
    let bench = Bench::new().await;
    let id = bench.create(bench.new_task("a")).await.expect("created").task.id;
    let gone = bench.create(bench.new_task("b")).await.expect("created").task.id;
    let delete = command(gone, Action::Delete { force: true });
    let comment = |message: &str| Action::Comment {
        message: message.to_owned(),
    };
    // What comes first is decided alone; the rest waits for it together.
    let (first, ..) = tokio::join!(
        bench.give(id, comment("first")),
        bench.give(id, start()),
        bench.give(id, fail()),
        bench.give(id, retry()),
        bench.give(id, start()),
        bench.give(id, Action::Release),
        bench.give(id, start()),
        bench.give(gone, start()),
        bench.engine.delete(delete),
    );
    first.expect("said");
    let outcomes: Vec<_> = bench
        .runs(id)
        .await
        .into_iter()
        .map(|run| run.end.map(|end| end.outcome.name()))
        .collect();
    assert_eq!(outcomes, [None, Some("RELEASED"), Some("ERROR")]);
    bench.give(id, complete()).await.expect("completed");
    bench.finish().await;
}

#[tokio::test]
async fn a_late_end_in_the_batch_of_the_first_one_counts() {
    let bench = Bench::new().await;
    let mut new = bench.new_task("a");
    new.verification = Verification::Manual;
    let id = bench.create(new).await.expect("created").task.id;
    bench.give(id, start()).await.expect("started");
    let rework = Action::Rework {
        message: String::new(),
    };
    let (.., last) = tokio::join!(
        bench.give(
            id,
            Action::Comment {
                message: "first".to_owned()
            }
        ),
        bench.give(id, complete()),
        bench.give(id, rework),
        bench.give(id, fail()),
        bench.give(id, retry()),
        bench.give(id, start()),
    );
    last.expect("started again");
    assert_eq!(bench.runs(id).await.len(), 3);
    bench.finish().await;
}
