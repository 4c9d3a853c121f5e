//! Every metric: its name, what it counts, and the only way to write it.

use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use metrics::{
    Counter, Histogram, SharedString, counter, describe_counter, describe_gauge, describe_histogram, gauge,
    histogram,
};
use parking_lot::Mutex;

const RPCS: &str = "baton_rpcs_total";
const RPC_SECONDS: &str = "baton_rpc_duration_seconds";
const STREAMS: &str = "baton_streams_open";
const CONNECTIONS: &str = "baton_connections_open";
const CONNECTIONS_REFUSED: &str = "baton_connections_refused_total";
const PANICS: &str = "baton_panics_total";
const COMMANDS_WAITING: &str = "baton_commands_waiting";
const COMMANDS_REFUSED: &str = "baton_commands_refused_total";
const COMMIT_SECONDS: &str = "baton_commit_duration_seconds";
const BATCH_COMMANDS: &str = "baton_batch_commands";
const BATCHES_SPLIT: &str = "baton_batches_split_total";
const EVENTS: &str = "baton_events_total";
const WATCHES: &str = "baton_watches_open";
const WATCH_LAG: &str = "baton_watch_lag_events";
const TASKS: &str = "baton_tasks_open";
const OLDEST_READY_SECONDS: &str = "baton_oldest_ready_seconds";
const DEAD: &str = "baton_tasks_dead_total";
const LEASES: &str = "baton_leases_live";
const POLLS: &str = "baton_polls_parked";
const TICKS: &str = "baton_schedule_ticks_total";
const TICK_LATENESS_SECONDS: &str = "baton_schedule_tick_lateness_seconds";
const WEBHOOK_REQUESTS: &str = "baton_webhook_requests_total";
const WEBHOOK_SECONDS: &str = "baton_webhook_duration_seconds";
const WEBHOOK_GIVEN_UP: &str = "baton_webhook_events_given_up_total";

/// Queues that a metric names; the rest counts together.
const QUEUES_NAMED: usize = 100;
/// What no queue can be called.
const OTHER_QUEUES: &str = "(others)";

/// Upper bounds of the buckets of every duration, in seconds.
pub(crate) const SECONDS_BUCKETS: [f64; 15] = [
    0.000_5, 0.001, 0.002, 0.003, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0,
];

/// Tells the recorder of this process what the metrics mean.
pub(crate) fn describe() {
    describe_counter!(RPCS, "Calls that ended, by method and gRPC code.");
    describe_histogram!(RPC_SECONDS, "Duration of unary calls, by method.");
    describe_gauge!(STREAMS, "Server streams that are open, by method.");
    describe_gauge!(CONNECTIONS, "Connections that are open.");
    describe_counter!(
        CONNECTIONS_REFUSED,
        "Connections closed at once because max_connections were open."
    );
    describe_counter!(PANICS, "Calls that panicked: each is a fault of the server.");
    describe_gauge!(COMMANDS_WAITING, "Commands in line for the committer.");
    describe_counter!(COMMANDS_REFUSED, "Commands refused with OVERLOADED, by class.");
    describe_histogram!(
        COMMIT_SECONDS,
        "Duration of commits; their count is that of the commits."
    );
    describe_histogram!(BATCH_COMMANDS, "Commands that were committed together.");
    describe_counter!(
        BATCHES_SPLIT,
        "Batches run again one command at a time because one could not be written."
    );
    describe_counter!(EVENTS, "Events committed.");
    describe_gauge!(WATCHES, "Watches that are open.");
    describe_histogram!(
        WATCH_LAG,
        "Events that a watch is behind when it is told of some."
    );
    describe_gauge!(TASKS, "Open tasks, by state.");
    describe_gauge!(
        OLDEST_READY_SECONDS,
        "How long the oldest ready task has waited; 0 where none waits."
    );
    describe_work();
}

fn describe_work() {
    describe_counter!(
        DEAD,
        "Tasks that ended DEAD, their attempts spent, by queue; queues beyond the first hundred together."
    );
    describe_gauge!(LEASES, "Leases that are live.");
    describe_gauge!(POLLS, "Calls of LeaseTasks that wait for a ready task.");
    describe_counter!(
        TICKS,
        "Ticks of schedules, by outcome: FIRED, SKIPPED because a task was open, MISSED because it was too late."
    );
    describe_histogram!(
        TICK_LATENESS_SECONDS,
        "How long after its time a tick made its task."
    );
    describe_counter!(
        WEBHOOK_REQUESTS,
        "Requests of webhooks that ended, by outcome: DELIVERED or FAILED."
    );
    describe_histogram!(WEBHOOK_SECONDS, "Duration of requests of webhooks.");
    describe_counter!(
        WEBHOOK_GIVEN_UP,
        "Events that a webhook gave up: they were tried too often."
    );
}

/// gRPC codes, OK among them.
const CODES: usize = 17;

/// How a call ended: a gRPC code.
#[derive(Clone, Copy)]
pub(crate) struct Ended {
    /// On the wire.
    pub(crate) number: usize,
    /// In the label.
    pub(crate) name: &'static str,
}

/// The calls of one method. What every call counts is looked up by the first one that does: after the recorder was
/// installed, and not before there is something to count.
#[derive(Debug)]
pub(crate) struct Calls {
    method: Arc<str>,
    /// By code.
    ended: [OnceLock<Counter>; CODES],
    seconds: OnceLock<Histogram>,
}

impl Calls {
    /// Those of the method of that name.
    pub(crate) fn of(method: Arc<str>) -> Self {
        Self {
            method,
            ended: [const { OnceLock::new() }; CODES],
            seconds: OnceLock::new(),
        }
    }

    /// A unary call has ended.
    pub(crate) fn unary_ended(&self, code: Ended, duration: Duration) {
        self.ended(code);
        let look_up = || histogram!(RPC_SECONDS, "method" => self.label());
        self.seconds.get_or_init(look_up).record(duration);
    }

    /// A server stream has begun.
    pub(crate) fn stream_began(&self) {
        gauge!(STREAMS, "method" => self.label()).increment(1);
    }

    /// A server stream has ended.
    pub(crate) fn stream_ended(&self, code: Ended) {
        self.ended(code);
        gauge!(STREAMS, "method" => self.label()).decrement(1);
    }

    fn ended(&self, code: Ended) {
        let look_up = || counter!(RPCS, "method" => self.label(), "code" => code.name);
        if let Some(ended) = self.ended.get(code.number) {
            ended.get_or_init(look_up).increment(1);
        }
    }

    fn label(&self) -> SharedString {
        SharedString::from_shared(Arc::clone(&self.method))
    }
}

/// A connection was accepted.
pub(crate) fn connection_opened() {
    gauge!(CONNECTIONS).increment(1);
}

/// A connection is gone.
pub(crate) fn connection_closed() {
    gauge!(CONNECTIONS).decrement(1);
}

/// A connection was closed at once.
pub(crate) fn connection_refused() {
    counter!(CONNECTIONS_REFUSED).increment(1);
}

/// A call panicked.
pub(crate) fn panicked() {
    counter!(PANICS).increment(1);
}

/// The committer took a batch.
pub(crate) fn batch_taken(commands: usize) {
    histogram!(BATCH_COMMANDS).record(count(commands));
}

/// So many commands are left in line.
pub(crate) fn commands_waiting(commands: usize) {
    gauge!(COMMANDS_WAITING).set(count(commands));
}

/// A command was refused because too many wait.
pub(crate) fn command_refused(class: &'static str) {
    counter!(COMMANDS_REFUSED, "class" => class).increment(1);
}

/// A batch could not be written as a whole.
pub(crate) fn batch_split() {
    counter!(BATCHES_SPLIT).increment(1);
}

/// A batch was committed.
pub(crate) fn committed(events: usize, duration: Duration) {
    histogram!(COMMIT_SECONDS).record(duration);
    counter!(EVENTS).increment(events as u64);
}

/// A watch has begun.
pub(crate) fn watch_began() {
    gauge!(WATCHES).increment(1);
}

/// A watch has ended.
pub(crate) fn watch_ended() {
    gauge!(WATCHES).decrement(1);
}

/// A watch is told of events while `behind` more wait for it.
pub(crate) fn watch_told(behind: i64) {
    histogram!(WATCH_LAG).record(f64::from(i32::try_from(behind).unwrap_or(i32::MAX)));
}

/// How many tasks are open in one state.
pub(crate) fn open_tasks(state: &'static str, tasks: i64) {
    gauge!(TASKS, "state" => state).set(f64::from(i32::try_from(tasks).unwrap_or(i32::MAX)));
}

/// How long the oldest ready task has waited.
pub(crate) fn oldest_ready(waited: Duration) {
    gauge!(OLDEST_READY_SECONDS).set(waited.as_secs_f64());
}

/// A task ended DEAD.
pub(crate) fn task_died(queue: &str) {
    static NAMED: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
    let named = named_queue(&mut NAMED.lock(), queue);
    counter!(DEAD, "queue" => named).increment(1);
}

/// The name of a queue as long as there are few: clients make them up, and each is a series for as long as the process
/// lives.
fn named_queue(named: &mut BTreeSet<String>, queue: &str) -> String {
    if named.len() < QUEUES_NAMED || named.contains(queue) {
        named.insert(queue.to_owned());
        queue.to_owned()
    } else {
        OTHER_QUEUES.to_owned()
    }
}

/// A tick made its task, so long after its time.
pub(crate) fn tick_fired(late: Duration) {
    counter!(TICKS, "outcome" => "FIRED").increment(1);
    histogram!(TICK_LATENESS_SECONDS).record(late);
}

/// Ticks made no task.
pub(crate) fn ticks_passed_over(outcome: &'static str, ticks: usize) {
    if ticks > 0 {
        counter!(TICKS, "outcome" => outcome).increment(ticks as u64);
    }
}

/// A request of a webhook has ended.
pub(crate) fn webhook_answered(delivered: bool, duration: Duration) {
    let outcome = if delivered { "DELIVERED" } else { "FAILED" };
    counter!(WEBHOOK_REQUESTS, "outcome" => outcome).increment(1);
    histogram!(WEBHOOK_SECONDS).record(duration);
}

/// A webhook gave up an event.
pub(crate) fn webhook_given_up() {
    counter!(WEBHOOK_GIVEN_UP).increment(1);
}

/// How many leases are live.
pub(crate) fn leases_live(leases: usize) {
    gauge!(LEASES).set(count(leases));
}

/// A call waits for a ready task.
pub(crate) fn poll_parked() {
    gauge!(POLLS).increment(1);
}

/// It waits no more.
pub(crate) fn poll_unparked() {
    gauge!(POLLS).decrement(1);
}

fn count(n: usize) -> f64 {
    f64::from(u32::try_from(n).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queues_beyond_a_hundred_are_counted_together() {
        let mut named = BTreeSet::new();
        for n in 0..QUEUES_NAMED {
            let queue = format!("q{n}");
            assert_eq!(named_queue(&mut named, &queue), queue);
        }
        assert_eq!(named_queue(&mut named, "one more"), OTHER_QUEUES);
        assert_eq!(named_queue(&mut named, "q7"), "q7");
    }
}
