//! The schema, step by step. The only DDL there is; a step is never edited once it has landed.
//!
//! Names are written out and never taken from the server's types: a step must mean the same for ever. Each step runs
//! in a transaction. Whoever runs them holds a lock: SeaORM takes none.

mod m20261122_000001_create_tables;
mod m20261123_000002_mark_imported_events;

use sea_orm_migration::prelude::*;

/// Every step, oldest first.
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m20261122_000001_create_tables::Migration),
            Box::new(m20261123_000002_mark_imported_events::Migration),
        ]
    }
}
