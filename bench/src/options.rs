//! What the load generator can be told.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::peers;
use crate::row::{Group, Row};
use crate::variant::Variant;

/// Measures Baton on this machine: every figure beside its reference of the same run.
#[derive(Parser, Debug)]
#[command(name = "cargo xtask bench", version)]
pub(crate) struct CommandLine {
    #[command(subcommand)]
    pub(crate) role: Option<Role>,
    #[command(flatten)]
    pub(crate) options: Options,
}

/// What this program is when it starts itself again.
#[derive(Subcommand, Debug)]
pub(crate) enum Role {
    /// The reference: a bare gRPC service
    #[command(hide = true)]
    Echo,
    /// The server with one thing changed
    #[command(hide = true)]
    Serve {
        variant: Variant,
        /// As for `baton serve`
        database: String,
    },
}

#[derive(Args, Clone, Debug)]
pub(crate) struct Options {
    /// Groups or rows to measure, separated by commas [default: all]
    #[arg(long, value_delimiter = ',', value_name = "NAME")]
    rows: Vec<String>,
    /// How long each figure is counted, in seconds
    #[arg(long, default_value_t = 4.0)]
    pub(crate) seconds: f64,
    /// How often every row is measured, in turn; the report holds the medians
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) rounds: u32,
    /// How often a disturbed figure is measured again before it is taken, and marked
    #[arg(long, default_value_t = 2)]
    pub(crate) retries: u32,
    /// Tasks in the database of the group `reads`
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u32).range(10_000..))]
    pub(crate) tasks: u32,
    /// Measures what users would pick instead, too: the group `peers`. Installs it into this folder, with npm and
    /// pip [default: `peers` in the target folder]
    #[arg(long, value_name = "FOLDER", num_args = 0..=1, require_equals = true)]
    pub(crate) peers: Option<Option<PathBuf>>,
    /// Measures on this PostgreSQL: the group `postgres`, and that alone unless rows are named. Makes databases there and
    /// takes them away again; without a URL, starts a PostgreSQL with its default settings in the folder under test
    #[arg(long, value_name = "URL", num_args = 0..=1)]
    pub(crate) database: Option<Option<String>>,
    /// Measures beside so many finished tasks, too: the groups `growth` and, with `--database`, `growth-postgres`. 10 million
    /// take about 15 GiB on either database
    #[arg(long, value_name = "TASKS", num_args = 0..=1, default_missing_value = "10000000")]
    pub(crate) finished: Option<u64>,
    /// Where they are: the URL of a database that is filled up to so many, used, and left there for the next run [default: one
    /// that is made and goes with the run]
    #[arg(long, value_name = "URL")]
    pub(crate) finished_in: Option<String>,
    /// How long work goes on while a snapshot is open before `growth-postgres` measures beside it, in seconds
    #[arg(long, default_value_t = 300)]
    pub(crate) snapshot: u64,
    /// What is printed
    #[arg(long, value_enum, default_value_t = Output::Table)]
    pub(crate) output: Output,
    /// Also writes the report to this file
    #[arg(long, value_name = "FILE")]
    pub(crate) report: Option<PathBuf>,
    /// The `baton` to measure [default: the one beside this program]
    #[arg(long, value_name = "FILE")]
    pub(crate) server: Option<PathBuf>,
    /// A folder on the disk to measure [default: the one of this program]
    #[arg(long, value_name = "FOLDER")]
    pub(crate) folder: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    Table,
    Json,
}

impl Options {
    /// Whether this row is to be reported.
    pub(crate) fn wants(&self, row: &Row) -> bool {
        let on_postgres = row.group.is_on_postgres();
        // Whoever names a database and nothing else asks about that.
        let asked = match self.rows.is_empty() {
            true => on_postgres == self.database.is_some(),
            false => self.rows.iter().any(|name| is_named(row, name)),
        };
        let measurable = (self.database.is_some() || !on_postgres)
            && (self.finished.is_some() || !row.group.is_of_growth())
            && (self.peers.is_some() || !peers::is_reference_of(row));
        asked && measurable
    }

    /// Names that mean nothing without `--peers`, where that is missing.
    pub(crate) fn needing_peers(&self, rows: &[Row]) -> Vec<&str> {
        match self.peers {
            Some(_) => Vec::new(),
            None => self.naming(rows, |row, name| {
                peers::is_reference_of(row) && (row.group == Group::Peers || row.id == name)
            }),
        }
    }

    /// Names that mean nothing without `--database`, where that is missing.
    pub(crate) fn needing_database(&self, rows: &[Row]) -> Vec<&str> {
        match self.database {
            Some(_) => Vec::new(),
            None => self.naming(rows, |row, _| row.group.is_on_postgres()),
        }
    }

    /// Names that mean nothing without `--finished`, where that is missing.
    pub(crate) fn needing_finished(&self, rows: &[Row]) -> Vec<&str> {
        match self.finished {
            Some(_) => Vec::new(),
            None => self.naming(rows, |row, _| row.group.is_of_growth()),
        }
    }

    fn naming(&self, rows: &[Row], needs: impl Fn(&Row, &str) -> bool) -> Vec<&str> {
        let needs = |name: &&String| rows.iter().any(|row| is_named(row, name) && needs(row, name));
        self.rows.iter().filter(needs).map(String::as_str).collect()
    }

    /// Names that are neither a group nor a row.
    pub(crate) fn unknown(&self, rows: &[Row]) -> Vec<&str> {
        let known = |name: &&String| {
            Group::from_str(name, true).is_ok() || rows.iter().any(|row| row.id == name.as_str())
        };
        self.rows
            .iter()
            .filter(|name| !known(name))
            .map(String::as_str)
            .collect()
    }
}

fn is_named(row: &Row, name: &str) -> bool {
    name == row.id || Group::from_str(name, true) == Ok(row.group)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::ROWS;

    fn wanted(rows: &str) -> (Vec<&'static str>, usize) {
        let line = CommandLine::try_parse_from(["bench", "--rows", rows]).unwrap();
        let wanted = ROWS.iter().filter(|row| line.options.wants(row));
        (
            wanted.map(|row| row.id).collect(),
            line.options.unknown(ROWS).len(),
        )
    }

    #[test]
    fn rows_and_groups_can_be_chosen() {
        assert_eq!(wanted("binary,get"), (vec!["binary", "get"], 0));
        let (footprint, unknown) = wanted("footprint,nonsense");
        assert_eq!(
            (footprint, unknown),
            (vec!["idle-memory", "idle-cpu", "binary"], 1)
        );
    }

    #[test]
    fn peers_are_measured_if_they_are_asked_for() {
        let without = CommandLine::try_parse_from(["bench"]).unwrap();
        let is_ours = |row: &Row| {
            !peers::is_reference_of(row) && !row.group.is_on_postgres() && !row.group.is_of_growth()
        };
        assert!(ROWS.iter().all(|row| without.options.wants(row) == is_ours(row)));
        let line = ["bench", "--rows", "binary,drain-bullmq,peers"];
        let named = CommandLine::try_parse_from(line).unwrap();
        assert_eq!(named.options.needing_peers(ROWS), ["drain-bullmq", "peers"]);
        let line = ["bench", "--peers"];
        let all = CommandLine::try_parse_from(line).unwrap();
        assert!(
            ROWS.iter().all(
                |row| all.options.wants(row) != (row.group.is_on_postgres() || row.group.is_of_growth())
            )
        );
        let line = ["bench", "--rows", "drain-bullmq", "--peers=somewhere"];
        let one = CommandLine::try_parse_from(line).unwrap();
        assert!(one.options.needing_peers(ROWS).is_empty());
        let wanted = ROWS.iter().filter(|row| one.options.wants(row));
        assert_eq!(wanted.map(|row| row.id).collect::<Vec<_>>(), ["drain-bullmq"]);
    }

    #[test]
    fn a_database_is_measured_alone() {
        let wanted = |line: &[&str]| -> Vec<&str> {
            let line = CommandLine::try_parse_from(line).unwrap();
            let rows = ROWS.iter().filter(|row| line.options.wants(row));
            rows.map(|row| row.id).collect()
        };
        let of_group = |peers| {
            let rows = ROWS.iter().filter(|row| row.group == Group::Postgres);
            let rows = rows.filter(|row| peers || !peers::is_reference_of(row));
            rows.map(|row| row.id).collect::<Vec<_>>()
        };
        let url = "postgres://somewhere/db";
        assert_eq!(wanted(&["bench", "--database", url]), of_group(false));
        assert_eq!(wanted(&["bench", "--database"]), of_group(false));
        assert_eq!(
            wanted(&["bench", "--peers", "--rows", "postgres", "--database", url]),
            of_group(true)
        );
        assert!(wanted(&["bench", "--finished"]).contains(&"growth-create"));
        assert_eq!(
            wanted(&[
                "bench",
                "--rows",
                "growth-postgres-create",
                "--database",
                url,
                "--finished"
            ]),
            ["growth-postgres-create"]
        );
        let line = CommandLine::try_parse_from(["bench", "--rows", "growth"]).unwrap();
        assert_eq!(line.options.needing_finished(ROWS), ["growth"]);
        let line = CommandLine::try_parse_from(["bench", "--rows", "postgres,get"]).unwrap();
        assert_eq!(line.options.needing_database(ROWS), ["postgres"]);
    }
}
