//! Steps that no database but a test's takes: what an upgrade looks like to a server that knows them and to one that does not.
//!
//! They do what ADR 0019 lets a step do: a column in every table that may be left out, one that the database fills in for
//! servers that do not know it, a table, an index; and then take away what fills it in.

use sea_orm_migration::prelude::{DbErr, MigrationName, MigrationTrait, SchemaManager};
use sea_orm_migration::sea_orm::{ConnectionTrait as _, DbBackend};

use crate::{Change, Step, steps};

/// What has landed, and a step that adds.
#[must_use]
pub fn expanded() -> Vec<Step> {
    let mut steps = steps();
    steps.push(step("m29990101_000001_expand", expand, Change::Expand));
    steps
}

/// As [`expanded`], and a step behind it that takes away what servers need that know only what has landed.
#[must_use]
pub fn contracted() -> Vec<Step> {
    let mut steps = expanded();
    let needs = u32::try_from(steps.len()).expect("there are few steps");
    steps.push(step(
        "m29990102_000001_contract",
        contract,
        Change::Contract(needs),
    ));
    steps
}

/// As [`contracted`], and a step of the version after it.
#[must_use]
pub fn expanded_again() -> Vec<Step> {
    let mut steps = contracted();
    steps.push(step("m29990103_000001_expand_again", again, Change::Expand));
    steps
}

fn step(name: &'static str, text: fn(DbBackend) -> String, change: Change) -> Step {
    Step {
        migration: Box::new(Rehearsal { name, text }),
        change,
    }
}

struct Rehearsal {
    name: &'static str,
    text: fn(DbBackend) -> String,
}

impl MigrationName for Rehearsal {
    fn name(&self) -> &str {
        self.name
    }
}

#[sea_orm_migration::async_trait::async_trait]
impl MigrationTrait for Rehearsal {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let text = (self.text)(manager.get_database_backend());
        manager.get_connection().execute_unprepared(&text).await?;
        Ok(())
    }
}

const TABLES: &[&str] = &[
    "store_meta",
    "token_key",
    "namespace",
    "task",
    "lease",
    "run",
    "dedup",
    "task_count",
    "event",
    "deleted_task",
    "payload",
    "request",
    "edge",
    "follow_up",
    "schedule",
    "task_type",
    "queue",
    "queue_key",
    "webhook",
];

fn expand(backend: DbBackend) -> String {
    let columns: String = TABLES
        .iter()
        .map(|table| format!("ALTER TABLE {table} ADD COLUMN later TEXT;"))
        .collect();
    let fill = match backend {
        DbBackend::Sqlite => {
            "CREATE TRIGGER fill_later AFTER INSERT ON event BEGIN \
             UPDATE event SET later = NEW.to_state WHERE id = NEW.id; END;"
        }
        _ => {
            "CREATE FUNCTION fill_later() RETURNS trigger LANGUAGE plpgsql AS \
             $$ BEGIN NEW.later := NEW.to_state; RETURN NEW; END $$; \
             CREATE TRIGGER fill_later BEFORE INSERT ON event FOR EACH ROW EXECUTE FUNCTION fill_later();"
        }
    };
    format!(
        "{columns}{fill}CREATE TABLE later (name TEXT NOT NULL PRIMARY KEY);\
         CREATE INDEX task_later ON task (later);"
    )
}

fn contract(backend: DbBackend) -> String {
    match backend {
        DbBackend::Sqlite => "DROP TRIGGER fill_later;".to_owned(),
        _ => "DROP TRIGGER fill_later ON event; DROP FUNCTION fill_later();".to_owned(),
    }
}

fn again(_: DbBackend) -> String {
    "ALTER TABLE later ADD COLUMN more TEXT;".to_owned()
}
