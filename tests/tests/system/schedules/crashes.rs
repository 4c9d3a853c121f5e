//! Processes that end where they stand while ticks are due, and what a log says of schedules.

use std::sync::Arc;
use std::time::Duration;

use baton_client::proto::OverlapPolicy;
use baton_client::{NewSchedule, NewTask};
use baton_tests::harness::faults::Injected;
use baton_tests::harness::{History, Process, TestDatabase};
use rand::{Rng, SeedableRng, rngs::StdRng};

use super::{tasks, ticks_of};

/// INV-26, F37: one task for each tick, wherever the process ends. Every process begins with a clock that is hours behind
/// that of the one before, and is killed while it catches up. Those count that had not yet caught up.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kills_while_ticks_are_due_repeat_none_and_lose_none() {
    const KILLS: u32 = 200;
    const SECONDS: u32 = 30;
    let fault = Injected::new("F37");
    let database = TestDatabase::new();
    let history = Arc::new(History::default());
    history.others_act_too();
    let mut random = StdRng::seed_from_u64(26);
    let (mut kills, mut unfinished) = (0, 0);
    while unfinished < KILLS {
        assert!(
            kills < 4 * KILLS,
            "{unfinished} of {kills} kills came while ticks were due"
        );
        let process = Process::start(&database, |_| {}).unwrap().with_history(&history);
        let client = process.client();
        if kills == 0 {
            let new = NewSchedule::every("busy", Duration::from_secs(1), NewTask::new("work"));
            client
                .create_schedule(new.overlap(OverlapPolicy::AllowAll))
                .await
                .unwrap();
        }
        kills += 1;
        fault.once();
        let goal = Duration::from_secs(u64::from(SECONDS * kills));
        let moment = Duration::from_micros(random.random_range(500..40_000));
        let advancing = tokio::spawn(async move { client.advance_clock(goal).await });
        tokio::task::spawn_blocking(move || {
            // The one place where time itself is the test: the moment of the crash is random.
            std::thread::park_timeout(moment);
            process.kill();
        })
        .await
        .unwrap();
        unfinished += u32::from(advancing.await.unwrap().is_err());
    }
    let process = Process::start(&database, |_| {}).unwrap().with_history(&history);
    let client = process.client();
    let goal = Duration::from_secs(u64::from(SECONDS * (kills + 1)));
    client.advance_clock(goal).await.unwrap();
    let schedule = client.pause_schedule("busy").await.unwrap().into_inner();
    let made = tasks(&client).await;
    let ticks = ticks_of(&made);
    let (first, last) = (*ticks.first().unwrap(), *ticks.last().unwrap());
    assert_eq!(first, schedule.create_time.unwrap().seconds + 1);
    assert_eq!(
        usize::try_from(last - first + 1).unwrap(),
        made.len(),
        "a tick is lost"
    );
    assert_eq!(schedule.fired_count, i64::try_from(made.len()).unwrap());
    assert_eq!((schedule.skipped_count, schedule.missed_count), (0, 0));
    assert!(made.len() >= usize::try_from(SECONDS * kills).unwrap());
    process.finish().await;
}

#[tokio::test]
async fn the_log_has_a_line_for_each_schedule() {
    let database = TestDatabase::new();
    let every = "my-task scheduled: every 5 minutes";
    let nightly = "nightly scheduled: at 02:30 (Europe/Berlin)";
    let process = Process::start(&database, |_| {}).unwrap();
    let client = process.client();
    let new = NewSchedule::every("my-task", Duration::from_secs(300), NewTask::new("my-task"));
    client.create_schedule(new).await.unwrap();
    let new = NewSchedule::cron("nightly", "30 2 * * *", NewTask::new("work")).time_zone("Europe/Berlin");
    client.create_schedule(new).await.unwrap();
    client.trigger_schedule("my-task").await.unwrap();
    let log = process.stop_and_read();
    let count = |log: &str, line: &str| log.matches(line).count();
    assert_eq!((count(&log, every), count(&log, nightly)), (1, 1), "{log}");
    let process = Process::start(&database, |_| {}).unwrap();
    let told = async {
        while !process.log().contains(every) || !process.log().contains(nightly) {
            process.client().server_info().await.unwrap();
        }
    };
    tokio::time::timeout(Duration::from_secs(30), told).await.unwrap();
    process.client().pause_schedule("my-task").await.unwrap();
    let log = process.stop_and_read();
    assert_eq!((count(&log, every), count(&log, nightly)), (2, 1), "{log}");
    assert!(
        log.contains("my-task scheduled: every 5 minutes, paused"),
        "{log}"
    );
}

#[tokio::test]
async fn the_log_has_one_line_for_a_schedule_of_the_file() {
    let database = TestDatabase::new();
    let process = Process::start(&database, |_| {}).unwrap();
    let new = NewSchedule::every("own", Duration::from_secs(60), NewTask::new("my-task"));
    process.client().create_schedule(new).await.unwrap();
    drop(process.stop_and_read());
    for every in [5, 5, 10] {
        let declared =
            format!("[schedules.my-task]\ninterval = \"{every}m\"\ntask = {{ type = \"my-task\" }}\n");
        std::fs::write(database.folder().join("baton.toml"), declared).unwrap();
        let process = Process::start(&database, |_| {}).unwrap();
        // This one is told of with all that there are, and in one go.
        let told = async {
            while !process.log().contains("own scheduled: ") {
                process.client().server_info().await.unwrap();
            }
        };
        tokio::time::timeout(Duration::from_secs(30), told).await.unwrap();
        let log = process.stop_and_read();
        assert_eq!(log.matches("my-task scheduled: ").count(), 1, "{log}");
        let line = format!("my-task scheduled: every {every} minutes");
        assert!(log.contains(&line), "{log}");
    }
}
