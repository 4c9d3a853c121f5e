//! Tasks that live alone or together, and the time they live in.

use super::*;

#[tokio::test]
async fn a_task_lives_and_every_answer_is_numbered() {
    let bench = Bench::new().await;
    let created = bench.create(bench.new_task("a")).await.expect("created");
    assert_eq!((created.task.state, created.task.revision), (State::Queued, 2));
    assert_eq!(
        created.events.iter().map(|e| e.position).collect::<Vec<_>>(),
        [1, 2]
    );
    let id = created.task.id;
    let started = bench
        .give(
            id,
            Action::Start {
                assignee: None,
                lease: None,
                start_time: None,
            },
        )
        .await
        .expect("started");
    assert_eq!(started.events.last().map(|e| e.position), Some(4));
    let done = bench
        .give(
            id,
            Action::Complete {
                output: None,
                receipt: None,
                jitter: 0.0,
            },
        )
        .await
        .expect("completed");
    assert_eq!((done.task.state, done.task.revision), (State::Completed, 5));
    bench.finish().await;
}

#[tokio::test]
async fn commands_that_wait_together_are_committed_together_and_see_each_other() {
    let bench = Bench::new().await;
    let id = bench.create(bench.new_task("a")).await.expect("created").task.id;
    let comments = (0..300).map(|n| {
        bench.give(
            id,
            Action::Comment {
                message: n.to_string(),
            },
        )
    });
    let done = futures::future::try_join_all(comments)
        .await
        .expect("all accepted");
    let mut revisions: Vec<_> = done.iter().map(|d| d.task.revision).collect();
    revisions.sort_unstable();
    assert_eq!(
        revisions,
        (3..303).collect::<Vec<_>>(),
        "each answer is the task after its own command"
    );
    bench.finish().await;
}

#[tokio::test]
async fn a_batch_is_created_whole_or_not_at_all() {
    let bench = Bench::new().await;
    let mut last = bench.new_task("last");
    let first = bench.new_task("first");
    last.dependencies = vec![on(first.id)];
    // The dependant is named before what it waits for.
    let done = bench
        .engine
        .create_batch(vec![member(last), member(first)], None)
        .await
        .expect("created");
    assert_eq!(
        (done[0].task.title.as_str(), done[0].task.state),
        ("last", State::Blocked)
    );
    let mut lost = bench.new_task("lost");
    lost.dependencies = vec![on(TaskId(Uuid::from_u128(5)))];
    let refused = bench
        .engine
        .create_batch(vec![member(bench.new_task("whole")), member(lost)], None)
        .await;
    assert!(
        matches!(refused, Err(Error::InBatch { index: 1, .. })),
        "{refused:?}"
    );
    assert_eq!(
        bench.engine.feed().head("default"),
        4,
        "nothing of the second batch is there"
    );
    let (mut a, mut b) = (bench.new_task("a"), bench.new_task("b"));
    a.dependencies = vec![on(b.id)];
    b.dependencies = vec![on(a.id)];
    let circle = bench.engine.create_batch(vec![member(a), member(b)], None).await;
    assert!(
        matches!(&circle, Err(Error::InBatch { source, .. })
        if matches!(**source, Error::Rejected(baton_domain::Rejection::DependencyCycle { .. }))),
        "{circle:?}"
    );
    bench.finish().await;
}

#[tokio::test]
async fn time_never_runs_backwards_in_the_log() {
    let bench = Bench::new().await;
    bench
        .engine
        .clock()
        .advance(std::time::Duration::from_secs(3_600))
        .expect("the clock moves");
    let created = bench.create(bench.new_task("a")).await.expect("created").task;
    let database = bench.database;
    bench.engine.close();
    bench.committer.await.expect("the committer ends");
    drop(bench.engine);
    // A new process whose clock is an hour behind.
    let opened = opened(&database).await;
    assert!(opened.heads.last_time() >= created.create_time);
    let feed = Feed::new(opened.store.clone(), opened.heads.clone(), RING_BYTES);
    let limits = IntakeLimits::default();
    let parts = Parts {
        opened,
        feed,
        clock: Clock::system(),
        ids: Ids::system(),
        limits,
        unknown_types: UnknownTypes::Allow,
    };
    let (engine, committer) = Engine::new(parts);
    let committer = tokio::spawn(committer);
    let bench = Bench {
        engine,
        committer,
        database,
    };
    let done = bench
        .give(
            created.id,
            Action::Start {
                assignee: None,
                lease: None,
                start_time: None,
            },
        )
        .await
        .expect("started");
    assert!(
        done.task.update_time >= created.update_time,
        "{:?}",
        Timestamp::from_micros(0)
    );
    bench.finish().await;
}
