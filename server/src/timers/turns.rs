//! Wakes who waits for tasks of a queue once its rate limit lets the next one go.

use baton_domain::Timestamp;

use crate::engine::Engine;

pub(super) async fn run(engine: Engine) {
    let workers = engine.workers();
    loop {
        let first = workers.turns.first();
        let due = first.map_or(i64::MAX, Timestamp::as_micros);
        tokio::select! {
            () = engine.clock().sleep_until(due) => {}
            () = workers.turns.told() => {}
        }
        let now = Timestamp::from_micros(engine.clock().now_micros());
        for ((namespace, queue), tasks) in workers.turns.take(now) {
            workers.parked.freed((&namespace, &queue), tasks);
        }
    }
}
