//! Schedules: tasks that come into being by themselves.

mod calls;
mod clocks;
mod crashes;
mod overlap;
mod zones;

use std::collections::BTreeSet;
use std::time::Duration;

use baton_client::proto::{OverlapPolicy, Schedule, Task, TickOutcome};
use baton_client::{Client, NewSchedule, NewTask};
use baton_tests::harness::TestServer;
use futures::TryStreamExt;

const HOUR: Duration = Duration::from_secs(3_600);
const DAY: i64 = 86_400;

/// A server whose schedules make tasks that no recorded call asks for.
async fn server() -> TestServer {
    let server = TestServer::start().await;
    server.history().others_act_too();
    server
}

/// A schedule of every hour.
async fn hourly(server: &TestServer, overlap: OverlapPolicy) -> Schedule {
    let new = NewSchedule::every("hourly", HOUR, NewTask::new("work")).overlap(overlap);
    server.client().create_schedule(new).await.unwrap().into_inner()
}

async fn get(server: &TestServer) -> Schedule {
    server.client().get_schedule("hourly").await.unwrap()
}

/// Moves the clock just beyond the schedule's next tick, and answers the schedule once all that was due is done.
async fn tick(server: &TestServer) -> Schedule {
    let next = get(server).await.next_time.unwrap();
    let info = server.client().server_info().await.unwrap();
    let now = info.time.unwrap();
    let micros = (next.seconds - now.seconds) * 1_000_000 + i64::from(next.nanos - now.nanos) / 1_000;
    let by = Duration::from_micros(u64::try_from(micros.max(0)).unwrap() + 1_000);
    advance(server, by).await;
    get(server).await
}

async fn advance(server: &TestServer, by: Duration) {
    server.ok(server.client().advance_clock(by)).await;
}

/// The tasks of the schedules, the first made first.
pub(crate) async fn tasks(client: &Client) -> Vec<Task> {
    let all = client
        .list()
        .filter("type = \"work\"")
        .order_by("create_time asc");
    all.page_size(1_000).all().try_collect().await.unwrap()
}

/// The ticks that their labels name, in seconds since 1970: as many as there are tasks.
pub(crate) fn ticks_of(tasks: &[Task]) -> BTreeSet<i64> {
    let tick = |task: &Task| -> jiff::Timestamp { task.labels["baton.tick"].parse().unwrap() };
    let ticks: BTreeSet<_> = tasks.iter().map(|task| tick(task).as_second()).collect();
    assert_eq!(ticks.len(), tasks.len(), "a tick made two tasks");
    ticks
}

fn outcomes(schedule: &Schedule) -> Vec<TickOutcome> {
    schedule.recent_ticks.iter().map(|tick| tick.outcome()).collect()
}
