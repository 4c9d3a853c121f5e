//! The rows of design/performance.md, with their targets and floors.

mod kinds;

use crate::row::Judged::{Figure, Ratio};
use crate::row::{Bound, Group, Row, Unit};
use kinds::{
    BULLMQ, CREATED, CREATED_HELD, DRAINED, DRAINED_HELD, GRAPHILE, PG_BOSS, REPLAYED, REPLAYED_HELD,
    RESTATE, START_P50, START_P99, TEMPORAL, drain, growth, list, lives, postgres, start,
};

const ECHO: &str = "bare echo";
const NOTHING: &str = "X: a committer that writes nothing";

/// All rows, in the order of the report.
pub(crate) const ROWS: &[Row] = &[
    Row {
        id: "create-64",
        group: Group::Writes,
        what: "CreateTask, durable, 64 in flight",
        unit: Unit::PerSecond,
        reference: ECHO,
        bounds: &[Bound::at_least(Ratio, 0.28, 0.18)],
    },
    Row {
        id: "create-64-x",
        group: Group::Writes,
        what: "the same",
        unit: Unit::PerSecond,
        reference: NOTHING,
        bounds: &[Bound::at_least(Ratio, 0.55, 0.35)],
    },
    Row {
        id: "create-256",
        group: Group::Writes,
        what: "CreateTask, durable, 256 in flight",
        unit: Unit::PerSecond,
        reference: ECHO,
        bounds: &[Bound::at_least(Ratio, 0.38, 0.25)],
    },
    Row {
        id: "batched-64",
        group: Group::Writes,
        what: "batched commits, CreateTask, 64 in flight",
        unit: Unit::PerSecond,
        reference: "a commit per request",
        bounds: &[Bound::at_least(Ratio, 8.0, 4.0)],
    },
    Row {
        id: "batched-1",
        group: Group::Writes,
        what: "batched commits, CreateTask, 1 in flight, p50",
        unit: Unit::Milliseconds,
        reference: "a commit per request",
        bounds: &[Bound::at_most(Ratio, 1.05, Some(1.1))],
    },
    Row {
        id: "lives",
        group: Group::Writes,
        what: "create, start, progress, complete one by one, lives",
        unit: Unit::PerSecond,
        reference: ECHO,
        bounds: &[Bound::at_least(Ratio, 0.065, 0.04)],
    },
    Row {
        id: "lives-x",
        group: Group::Writes,
        what: "the same",
        unit: Unit::PerSecond,
        reference: "X / 4",
        bounds: &[Bound::at_least(Ratio, 0.55, 0.35)],
    },
    Row {
        id: "batch-500",
        group: Group::Writes,
        what: "BatchCreateTasks, 500 a call, 8 calls in flight, tasks",
        unit: Unit::PerSecond,
        reference: "raw multi-row inserts of the same rows",
        bounds: &[
            Bound::at_least(Figure, 80_000.0, 40_000.0),
            Bound::at_least(Ratio, 0.25, 0.12),
        ],
    },
    Row {
        id: "request-id",
        group: Group::Writes,
        what: "CreateTask with request_id, 64 in flight",
        unit: Unit::PerSecond,
        reference: "without",
        bounds: &[Bound::at_least(Ratio, 0.85, 0.65)],
    },
    Row {
        id: "request-id-lives",
        group: Group::Writes,
        what: "four moves, each with request_id, lives",
        unit: Unit::PerSecond,
        reference: "without",
        bounds: &[Bound::at_least(Ratio, 0.85, 0.65)],
    },
    Row {
        id: "lost",
        group: Group::Writes,
        what: "acknowledged writes not found after kill -9 under load",
        unit: Unit::Count,
        reference: "",
        bounds: &[Bound::at_most(Figure, 0.0, Some(0.0))],
    },
    Row {
        id: "watch-100",
        group: Group::Watches,
        what: "commit to watcher, 100 watchers, 1,000 events/s, p99",
        unit: Unit::Milliseconds,
        reference: "",
        bounds: &[Bound::at_most(Figure, 3.0, None)],
    },
    Row {
        id: "watch-1000",
        group: Group::Watches,
        what: "commit to watcher, 1,000 watchers, 300 events/s, p99",
        unit: Unit::Milliseconds,
        reference: "",
        bounds: &[Bound::at_most(Figure, 20.0, None)],
    },
    Row {
        id: "watch-memory",
        group: Group::Watches,
        what: "memory for 1,000 watchers after traffic",
        unit: Unit::Mebibytes,
        reference: "",
        bounds: &[Bound::at_most(Figure, 15.0, Some(30.0))],
    },
    Row {
        id: "worker-lives",
        group: Group::Workers,
        what: "create, LeaseTasks(10), ReportTasks, lives",
        unit: Unit::PerSecond,
        reference: ECHO,
        bounds: &[Bound::at_least(Ratio, 0.18, 0.09)],
    },
    Row {
        id: "worker-drain",
        group: Group::Workers,
        what: "a backlog emptied, 50 a LeaseTasks and ReportTasks, 8 workers, tasks",
        unit: Unit::PerSecond,
        reference: "",
        bounds: &[],
    },
    Row {
        id: "worker-start-p50",
        group: Group::Workers,
        what: "create to the first line of its handler, 50/s, p50",
        unit: Unit::Milliseconds,
        reference: "bare echo and a flush, 50/s, p50",
        bounds: &[Bound::at_most(Figure, 1.0, Some(2.0))],
    },
    Row {
        id: "worker-start-p99",
        group: Group::Workers,
        what: "the same, p99",
        unit: Unit::Milliseconds,
        reference: "the same, p99",
        bounds: &[Bound::at_most(Figure, 3.0, Some(5.0))],
    },
    Row {
        id: "worker-due",
        group: Group::Workers,
        what: "100,000 tasks due at once: how late the last one starts",
        unit: Unit::Milliseconds,
        reference: "100,000 / the drain rate just before",
        bounds: &[Bound::at_most(Ratio, 1.5, Some(2.0))],
    },
    Row {
        id: "worker-due-others",
        group: Group::Workers,
        what: "create to handler in another queue meanwhile, 50/s, p99",
        unit: Unit::Milliseconds,
        reference: "the same before they are due",
        bounds: &[Bound::at_most(Ratio, 2.0, None)],
    },
    Row {
        id: "worker-parked",
        group: Group::Workers,
        what: "memory for 10,000 LeaseTasks calls that wait",
        unit: Unit::Mebibytes,
        reference: "",
        bounds: &[Bound::at_most(Figure, 200.0, None)],
    },
    Row {
        id: "worker-renewals",
        group: Group::Workers,
        what: "processor time for 10,000 leases renewed every 10 s, of one core",
        unit: Unit::Percent,
        reference: "",
        bounds: &[Bound::at_most(Figure, 10.0, None)],
    },
    drain("drain-bullmq", BULLMQ, &[Bound::at_least(Ratio, 2.0, 1.0)]),
    lives("lives-bullmq", BULLMQ),
    start("start-bullmq-p50", START_P50, BULLMQ),
    start("start-bullmq-p99", START_P99, BULLMQ),
    drain("drain-graphile", GRAPHILE, &[Bound::at_least(Ratio, 5.0, 3.0)]),
    lives("lives-graphile", GRAPHILE),
    start("start-graphile-p50", START_P50, GRAPHILE),
    start("start-graphile-p99", START_P99, GRAPHILE),
    drain("drain-graphile-tuned", "graphile-worker 0.17.3, tuned", &[]),
    drain("drain-pgboss", PG_BOSS, &[]),
    lives("lives-pgboss", PG_BOSS),
    start("start-pgboss-p50", START_P50, PG_BOSS),
    start("start-pgboss-p99", START_P99, PG_BOSS),
    drain("drain-restate", RESTATE, &[Bound::at_least(Ratio, 8.0, 4.0)]),
    lives("lives-restate", RESTATE),
    start("start-restate-p50", START_P50, RESTATE),
    start("start-restate-p99", START_P99, RESTATE),
    drain("drain-temporal", TEMPORAL, &[Bound::at_least(Ratio, 100.0, 50.0)]),
    lives("lives-temporal", TEMPORAL),
    start("start-temporal-p50", START_P50, TEMPORAL),
    start("start-temporal-p99", START_P99, TEMPORAL),
    postgres(
        "postgres-create",
        "CreateTask, durable, 64 in flight",
        ECHO,
        &[Bound::at_least(Ratio, 0.22, 0.14)],
    ),
    postgres(
        "postgres-worker-lives",
        "create, LeaseTasks(10), ReportTasks, lives",
        ECHO,
        &[Bound::at_least(Ratio, 0.12, 0.07)],
    ),
    postgres(
        "postgres-lives",
        "create, start, progress, complete one by one, lives",
        ECHO,
        &[Bound::at_least(Ratio, 0.05, 0.03)],
    ),
    postgres(
        "postgres-create-graphile",
        "CreateTask, 64 in flight, against its addJob on the same PostgreSQL",
        GRAPHILE,
        &[Bound::at_least(Ratio, 5.0, 3.0)],
    ),
    postgres(
        "postgres-create-pgboss",
        "CreateTask, 64 in flight, against its send on the same PostgreSQL",
        PG_BOSS,
        &[Bound::at_least(Ratio, 4.0, 3.0)],
    ),
    postgres(
        "postgres-three",
        "CreateTask, 64 in flight at each of three servers on one database",
        "192 over one server",
        &[Bound::at_least(Ratio, 0.9, 0.7)],
    ),
    postgres(
        "postgres-three-few",
        "CreateTask, 64 in flight over three servers on one database",
        "64 over one server",
        &[],
    ),
    Row {
        id: "postgres-three-feed",
        group: Group::Postgres,
        what: "commit at one server to 100 watchers of another, 300 events/s, p99",
        unit: Unit::Milliseconds,
        reference: "",
        bounds: &[Bound::at_most(Figure, 50.0, Some(200.0))],
    },
    postgres(
        "postgres-slow-flush",
        "CreateTask, 64 in flight, every flush 4 ms later",
        "without the delay",
        &[Bound::at_least(Ratio, 0.25, 0.25)],
    ),
    Row {
        id: "postgres-lost",
        group: Group::Postgres,
        what: "acknowledged writes not found after kill -9 of a server under load",
        unit: Unit::Count,
        reference: "",
        bounds: &[Bound::at_most(Figure, 0.0, Some(0.0))],
    },
    Row {
        id: "idle-memory",
        group: Group::Footprint,
        what: "memory of an idle server",
        unit: Unit::Mebibytes,
        reference: "",
        bounds: &[Bound::at_most(Figure, 30.0, Some(40.0))],
    },
    Row {
        id: "idle-cpu",
        group: Group::Footprint,
        what: "processor time of an idle server, of one core",
        unit: Unit::Percent,
        reference: "",
        bounds: &[Bound::at_most(Figure, 0.2, Some(0.5))],
    },
    Row {
        id: "binary",
        group: Group::Footprint,
        what: "release binary",
        unit: Unit::Mebibytes,
        reference: "",
        bounds: &[Bound::at_most(Figure, 30.0, Some(30.0))],
    },
    Row {
        id: "get",
        group: Group::Reads,
        what: "GetTask among all tasks, 64 in flight",
        unit: Unit::PerSecond,
        reference: ECHO,
        bounds: &[Bound::at_least(Ratio, 0.35, 0.25)],
    },
    list("list-state", "ListTasks, 50 by state, p99"),
    list("list-state-type", "ListTasks, 50 by state and type, p99"),
    list("list-label", "ListTasks, an indexed label that 50 have, p99"),
    list(
        "list-label-none",
        "ListTasks, an indexed label that nobody has, p99",
    ),
    list(
        "list-label-unindexed",
        "ListTasks, a label without index that nobody has, p99",
    ),
    Row {
        id: "get-under-writer",
        group: Group::Reads,
        what: "GetTask under a saturating writer, p99",
        unit: Unit::Milliseconds,
        reference: "the same without the writer",
        bounds: &[Bound::at_most(Ratio, 2.0, Some(3.0))],
    },
    Row {
        id: "start",
        group: Group::Reads,
        what: "start to first health answer on that database, after kill -9",
        unit: Unit::Milliseconds,
        reference: "",
        bounds: &[Bound::at_most(Figure, 150.0, Some(500.0))],
    },
    growth(Group::Growth, "growth-create", CREATED),
    growth(Group::Growth, "growth-lease", DRAINED),
    growth(Group::Growth, "growth-replay", REPLAYED),
    growth(Group::GrowthPostgres, "growth-postgres-create", CREATED),
    growth(Group::GrowthPostgres, "growth-postgres-lease", DRAINED),
    growth(Group::GrowthPostgres, "growth-postgres-replay", REPLAYED),
    growth(Group::GrowthPostgres, "growth-snapshot-create", CREATED_HELD),
    growth(Group::GrowthPostgres, "growth-snapshot-lease", DRAINED_HELD),
    growth(Group::GrowthPostgres, "growth-snapshot-replay", REPLAYED_HELD),
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn rows_have_names_of_their_own() {
        let names: BTreeSet<&str> = ROWS.iter().map(|row| row.id).collect();
        assert_eq!(names.len(), ROWS.len());
    }

    #[test]
    fn a_ratio_is_only_asked_of_rows_with_a_reference() {
        for row in ROWS {
            let asks = row.bounds.iter().any(|bound| bound.judged == Ratio);
            assert!(!asks || !row.reference.is_empty(), "{}", row.id);
        }
    }

    #[test]
    fn a_floor_is_never_harder_than_its_target() {
        for bound in ROWS.iter().flat_map(|row| row.bounds) {
            let floor = bound.floor.unwrap_or(bound.target);
            let harder = match bound.sense {
                crate::row::Sense::AtLeast => floor > bound.target,
                crate::row::Sense::AtMost => floor < bound.target,
            };
            assert!(!harder, "{bound:?}");
        }
    }
}
