//! The schema, step by step. The only DDL there is; a step is never edited once it has landed.
//!
//! Names are written out and never taken from the server's types: a step must mean the same for ever. Each step runs
//! in a transaction. Whoever runs them holds a lock: nothing here takes one.
//!
//! Before a step is written, see docs/adr/0019: what a step may do while servers of the version before it run.

mod m20261122_000001_create_tables;
mod m20261123_000002_mark_imported_events;
#[cfg(feature = "rehearsal")]
pub mod rehearsal;

use sea_orm_migration::prelude::*;

/// Steps, oldest first. The version of a schema is how many of them it has taken.
pub type Steps = fn() -> Vec<Step>;

/// One step.
pub struct Step {
    /// What it does.
    pub migration: Box<dyn MigrationTrait>,
    /// What it means to servers that do not know it.
    pub change: Change,
}

/// What a step means to servers that do not know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It adds what they can leave alone: they go on. A server that starts takes such a step by itself.
    Expand,
    /// It takes away what servers need that do not know the schema of this version. Behind the last [`Change::Expand`] it is
    /// taken when somebody asks for it; before, with what follows.
    Contract(u32),
}

/// Every step that has landed.
#[must_use]
pub fn steps() -> Vec<Step> {
    vec![
        Step {
            migration: Box::new(m20261122_000001_create_tables::Migration),
            change: Change::Expand,
        },
        Step {
            migration: Box::new(m20261123_000002_mark_imported_events::Migration),
            change: Change::Expand,
        },
    ]
}

/// The oldest version that a server must know to use the schema that such steps lead to.
#[must_use]
pub fn readable_from(steps: &[Step]) -> u32 {
    let needed = steps.iter().filter_map(|step| match step.change {
        Change::Expand => None,
        Change::Contract(version) => Some(version),
    });
    needed.max().unwrap_or(1)
}

/// The steps as SeaORM has them, for the table in which it notes those that were taken.
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        steps().into_iter().map(|step| step.migration).collect()
    }
}
