//! Rows that differ in little.

use crate::row::Judged::{Figure, Ratio};
use crate::row::{Bound, Group, Row, Unit};

pub(super) const CREATED: &str = "CreateTask, 64 in flight, beside very many finished tasks";
pub(super) const DRAINED: &str = "a backlog emptied, 50 a LeaseTasks and ReportTasks, 8 workers, beside them";
pub(super) const REPLAYED: &str = "events of WatchTasks from a token, beside them";
pub(super) const CREATED_HELD: &str = "the creates, and a snapshot is open";
pub(super) const DRAINED_HELD: &str = "the backlog, and a snapshot is open";
pub(super) const REPLAYED_HELD: &str = "the events, and a snapshot is open";
/// At most 1.2 times as long; the floor is 1.5.
const GROWN: [Bound; 1] = [Bound::at_least(Ratio, 0.83, 0.67)];

pub(super) const fn growth(group: Group, id: &'static str, what: &'static str) -> Row {
    Row {
        id,
        group,
        what,
        unit: Unit::PerSecond,
        reference: "beside few",
        bounds: &GROWN,
    }
}

pub(super) const BULLMQ: &str = "BullMQ 6.7.0, appendfsync always";
pub(super) const GRAPHILE: &str = "graphile-worker 0.17.3, defaults";
pub(super) const PG_BOSS: &str = "pg-boss 10.4.2";
pub(super) const RESTATE: &str = "Restate 1.7.12";
pub(super) const TEMPORAL: &str = "Temporal 1.9.1, development server";

pub(super) const fn drain(id: &'static str, reference: &'static str, bounds: &'static [Bound]) -> Row {
    Row {
        id,
        group: Group::Peers,
        what: "a backlog emptied, jobs",
        unit: Unit::PerSecond,
        reference,
        bounds,
    }
}

/// Most callers have their tasks run as they come, so a rate is told of that too.
pub(super) const fn lives(id: &'static str, reference: &'static str) -> Row {
    Row {
        id,
        group: Group::Peers,
        what: "created one by one, 64 in flight, and run, jobs",
        unit: Unit::PerSecond,
        reference,
        bounds: &[],
    }
}

/// A rate on PostgreSQL.
pub(super) const fn postgres(
    id: &'static str,
    what: &'static str,
    reference: &'static str,
    bounds: &'static [Bound],
) -> Row {
    Row {
        id,
        group: Group::Postgres,
        what,
        unit: Unit::PerSecond,
        reference,
        bounds,
    }
}

pub(super) const START_P50: &str = "create to the first line of its handler, p50";
pub(super) const START_P99: &str = "the same, p99";
const AHEAD: [Bound; 1] = [Bound::at_most(Ratio, 1.0, None)];

pub(super) const fn start(id: &'static str, what: &'static str, reference: &'static str) -> Row {
    Row {
        id,
        group: Group::Peers,
        what,
        unit: Unit::Milliseconds,
        reference,
        bounds: &AHEAD,
    }
}

const LIST: [Bound; 1] = [Bound::at_most(Figure, 10.0, Some(30.0))];

pub(super) const fn list(id: &'static str, what: &'static str) -> Row {
    Row {
        id,
        group: Group::Reads,
        what,
        unit: Unit::Milliseconds,
        reference: "",
        bounds: &LIST,
    }
}
