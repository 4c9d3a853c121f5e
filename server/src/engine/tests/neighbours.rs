//! What one command of a batch does to the others: nothing.

use super::*;

#[tokio::test]
async fn neighbours_of_rejected_colliding_and_poison_commands_succeed() {
    let bench = Bench::new().await;
    let mut shell = bench.shell().await;
    shell
        .poison("BEFORE INSERT", "task", Some("NEW.title = 'poison'"))
        .await;
    let first = bench.create(bench.new_task("first")).await.expect("created").task;
    let done = bench
        .give(
            first.id,
            Action::Cancel {
                reason: String::new(),
            },
        )
        .await
        .expect("cancelled")
        .task;
    let mut colliding = bench.new_task("another");
    colliding.id = first.id;
    let (before, poison, rejected, collided, after) = tokio::join!(
        bench.create(bench.new_task("before")),
        bench.create(bench.new_task("poison")),
        bench.give(
            done.id,
            Action::Start {
                assignee: None,
                lease: None,
                start_time: None
            }
        ),
        bench.create(colliding),
        bench.create(bench.new_task("after")),
    );
    before.expect("the one before is created");
    after.expect("the one after is created");
    assert!(matches!(poison, Err(Error::Store(_))), "{poison:?}");
    assert!(matches!(rejected, Err(Error::Rejected(_))), "{rejected:?}");
    assert!(
        matches!(collided, Err(Error::TaskIdReused { .. })),
        "{collided:?}"
    );
    shell.cure("task").await;
    bench.finish().await;
}

/// A chain of tasks, each waiting for the one before; answers the last.
async fn chain(bench: &Bench, links: usize) -> TaskId {
    let mut last: Option<TaskId> = None;
    let mut members = Vec::new();
    for link in 1..=links {
        let mut new = bench.new_task("link");
        new.dependencies = last.map(on).into_iter().collect();
        last = Some(new.id);
        members.push(member(new));
        if members.len() == 1_000 || link == links {
            let batch = std::mem::take(&mut members);
            bench.engine.create_batch(batch, None).await.expect("created");
        }
    }
    last.expect("there are links")
}

/// The check for a circle has an end; who asked for more is refused, and nobody else.
#[tokio::test]
async fn a_check_for_a_circle_that_is_too_long_is_refused_alone() {
    let bench = Bench::new().await;
    let last = chain(&bench, load::GRAPH_TASKS + 1).await;
    let task = bench.create(bench.new_task("a")).await.expect("created").task.id;
    let comment = |text: &str| {
        bench.give(
            task,
            Action::Comment {
                message: text.to_owned(),
            },
        )
    };
    let (before, refused, after) = tokio::join!(
        comment("before"),
        bench.give(task, Action::AddDependency(on(last))),
        comment("after"),
    );
    before.expect("the one before is written");
    after.expect("the one after is written");
    assert!(
        matches!(
            refused,
            Err(Error::Rejected(baton_domain::Rejection::InvalidField { .. }))
        ),
        "{refused:?}"
    );
    bench.finish().await;
}
