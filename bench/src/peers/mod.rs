//! What users would pick instead, doing the same work on the same machine: a script in `bench/peers` for each, the server
//! that it needs, and what it told.

mod install;
mod ports;
mod run;
mod server;

pub(crate) use install::Installed;
pub(crate) use run::{Figures, run, run_on};

use crate::row::Row;

/// One of them.
#[derive(Debug)]
pub(crate) struct Peer {
    pub(crate) name: &'static str,
    /// Its rows in the report.
    pub(crate) rows: Rows,
    script: &'static str,
    /// The package without which it cannot run; empty where the server comes with it.
    package: &'static str,
    server: ServerKind,
    /// Jobs of a backlog: some seconds of work.
    jobs: u32,
    /// Creates a second while the way to a handler is measured: what it can take.
    rate: u32,
    environment: &'static [(&'static str, &'static str)],
}

/// The rows that a peer is the reference of; none where it is not asked.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Rows {
    pub(crate) drain: Option<&'static str>,
    pub(crate) lives: Option<&'static str>,
    pub(crate) start: Option<[&'static str; 2]>,
    /// On the PostgreSQL on which we are measured.
    pub(crate) create: Option<&'static str>,
}

impl Rows {
    /// All of them.
    pub(crate) fn all(&self) -> Vec<&'static str> {
        let start = self.start.into_iter().flatten();
        [self.drain, self.lives, self.create]
            .into_iter()
            .flatten()
            .chain(start)
            .collect()
    }
}

/// What keeps a peer's jobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ServerKind {
    Redis,
    Postgres,
    Restate,
    Temporal,
}

/// Whether a row is about one of them.
pub(crate) fn is_reference_of(row: &Row) -> bool {
    PEERS.iter().any(|peer| peer.rows.all().contains(&row.id))
}

/// All of them, in the order in which they are measured.
pub(crate) const PEERS: &[Peer] = &[
    Peer {
        name: "bullmq",
        rows: Rows {
            drain: Some("drain-bullmq"),
            lives: Some("lives-bullmq"),
            start: Some(["start-bullmq-p50", "start-bullmq-p99"]),
            create: None,
        },
        script: "bullmq.mjs",
        package: "bullmq",
        server: ServerKind::Redis,
        jobs: 20_000,
        rate: 50,
        environment: &[],
    },
    Peer {
        name: "graphile",
        rows: Rows {
            drain: Some("drain-graphile"),
            lives: Some("lives-graphile"),
            start: Some(["start-graphile-p50", "start-graphile-p99"]),
            create: Some("postgres-create-graphile"),
        },
        script: "graphile.mjs",
        package: "graphile-worker",
        server: ServerKind::Postgres,
        jobs: 10_000,
        rate: 50,
        environment: &[],
    },
    Peer {
        name: "graphile-tuned",
        rows: Rows {
            drain: Some("drain-graphile-tuned"),
            lives: None,
            start: None,
            create: None,
        },
        script: "graphile.mjs",
        package: "graphile-worker",
        server: ServerKind::Postgres,
        jobs: 20_000,
        rate: 50,
        environment: &[("TUNED", "1")],
    },
    Peer {
        name: "pgboss",
        rows: Rows {
            drain: Some("drain-pgboss"),
            lives: Some("lives-pgboss"),
            start: Some(["start-pgboss-p50", "start-pgboss-p99"]),
            create: Some("postgres-create-pgboss"),
        },
        script: "pgboss.mjs",
        package: "pg-boss",
        server: ServerKind::Postgres,
        jobs: 10_000,
        rate: 50,
        environment: &[],
    },
    Peer {
        name: "restate",
        rows: Rows {
            drain: Some("drain-restate"),
            lives: Some("lives-restate"),
            start: Some(["start-restate-p50", "start-restate-p99"]),
            create: None,
        },
        script: "restate.mjs",
        package: "@restatedev/restate-sdk",
        server: ServerKind::Restate,
        jobs: 5_000,
        rate: 50,
        // Else it writes a line for each job.
        environment: &[("RESTATE_LOGGING", "ERROR")],
    },
    Peer {
        name: "temporal",
        rows: Rows {
            drain: Some("drain-temporal"),
            lives: Some("lives-temporal"),
            start: Some(["start-temporal-p50", "start-temporal-p99"]),
            create: None,
        },
        script: "temporal.py",
        package: "",
        server: ServerKind::Temporal,
        jobs: 200,
        // At 50/s its queue grows without end.
        rate: 20,
        environment: &[],
    },
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::catalogue::ROWS;
    use crate::row::Group;

    fn rows() -> impl Iterator<Item = &'static Row> {
        ROWS.iter()
            .filter(|row| row.group == Group::Peers || is_reference_of(row))
    }

    #[test]
    fn every_row_has_its_peer() {
        let of_peers: Vec<&str> = PEERS.iter().flat_map(|peer| peer.rows.all()).collect();
        let names: BTreeSet<&str> = of_peers.iter().copied().collect();
        assert_eq!(names, rows().map(|row| row.id).collect());
        assert_eq!(names.len(), of_peers.len());
    }

    #[test]
    fn rows_name_the_versions_that_are_installed() {
        let manifests = [install::PACKAGES, install::REQUIREMENTS].concat();
        for row in rows() {
            let version = row.reference.split([' ', ',']).find(|word| word.contains('.'));
            let version = version.unwrap();
            assert!(manifests.contains(version), "{}: {version}", row.id);
        }
    }
}
