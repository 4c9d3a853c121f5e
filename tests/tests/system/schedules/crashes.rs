//! Processes that end where they stand while ticks are due, and what a log says of schedules.

use std::sync::Arc;
use std::time::Duration;

use baton_client::proto::OverlapPolicy;
use baton_client::{NewSchedule, NewTask};
use baton_tests::harness::{History, Process};
use rand::{Rng, SeedableRng, rngs::StdRng};

use super::{tasks, ticks_of};

/// INV-26, F37: one task for each tick, wherever the process ends. Every process begins with a clock that is hours behind
/// that of the one before, and is killed while it catches up.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kills_while_ticks_are_due_repeat_none_and_lose_none() {
    const KILLS: u32 = 25;
    const SECONDS: u32 = 60;
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("baton.db");
    let history = Arc::new(History::default());
    history.others_act_too();
    let mut random = StdRng::seed_from_u64(26);
    let mut unfinished = 0;
    for kill in 0..KILLS {
        let process = Process::start(&database, |_| {}).unwrap().with_history(&history);
        let client = process.client();
        if kill == 0 {
            let new = NewSchedule::every("busy", Duration::from_secs(1), NewTask::new("work"));
            client
                .create_schedule(new.overlap(OverlapPolicy::AllowAll))
                .await
                .unwrap();
        }
        let goal = Duration::from_secs(u64::from(SECONDS * (kill + 1)));
        let moment = Duration::from_micros(random.random_range(500..15_000));
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
    assert!(
        unfinished > KILLS / 4,
        "{unfinished} kills came while ticks were due"
    );
    let process = Process::start(&database, |_| {}).unwrap().with_history(&history);
    let client = process.client();
    let goal = Duration::from_secs(u64::from(SECONDS * (KILLS + 1)));
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
    assert!(made.len() >= usize::try_from(SECONDS * KILLS).unwrap());
    process.finish().await;
}

#[tokio::test]
async fn the_log_has_a_line_for_each_schedule() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("baton.db");
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
