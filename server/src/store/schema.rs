//! The schema of a database: how far it is, who may use it, and how it is brought further. See docs/adr/0019.
//!
//! A version is a number of steps. The database names the oldest version that a server must know to use it: so a server
//! may meet a schema that is newer than itself, and go on where that only added to what it knows.

use baton_migrations::{Change, Migrator, Step, Steps, readable_from};
use sea_orm::{ConnectionTrait, DatabaseConnection, DatabaseTransaction, EntityTrait, QueryOrder, Statement};
use sea_orm::{TransactionTrait, Value};
use sea_orm_migration::{MigratorTrait, SchemaManager, seaql_migrations};

use super::StoreError;
use super::dialect::{self, Dialect, postgres};
use super::entity::store_meta;

/// The key of the oldest version that may use the database, in `store_meta`.
const READABLE_FROM: &str = "readable_from";

/// How far the schema of a database is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schema {
    /// How many steps it has taken.
    pub version: u32,
    /// The oldest version that a server must know to use it.
    pub readable_from: u32,
    /// The version that this server knows.
    pub known: u32,
}

/// Brings the schema as far as a server does by itself, or, to `contract`, as far as the steps go; answers whether there
/// was nothing before. A lock is held: no two processes migrate. A schema that is not for this server is not touched.
pub(super) async fn bring_up(
    database: &DatabaseConnection,
    dialect: Dialect,
    (steps, contract): (Steps, bool),
) -> Result<(Schema, bool), StoreError> {
    let steps = steps();
    let taken = taken(database).await?;
    if let Some(schema) = newer(database, &steps, &taken).await? {
        tracing::info!(?schema, "the schema is newer than this server, which may use it");
        return Ok((schema, false));
    }
    let created = taken.is_empty();
    let wanted = if contract { steps.len() } else { by_itself(&steps) };
    for (at, step) in steps.iter().enumerate().take(wanted).skip(taken.len()) {
        #[expect(
            clippy::disallowed_methods,
            reason = "whoever migrates has the database alone"
        )]
        let within = database.begin().await?;
        take(&within, dialect, step).await?;
        mark(&within, dialect, readable_from(&steps[..=at])).await?;
        within.commit().await?;
        tracing::info!(step = step.migration.name(), "took a step of the schema");
    }
    let version = wanted.max(taken.len());
    let schema = Schema {
        version: number(version),
        readable_from: readable_from(&steps[..version]),
        known: number(steps.len()),
    };
    Ok((schema, created))
}

/// The names of the steps that the database has taken, oldest first.
async fn taken(database: &DatabaseConnection) -> Result<Vec<String>, StoreError> {
    if !SchemaManager::new(database).has_table("seaql_migrations").await? {
        return Ok(Vec::new());
    }
    let rows = seaql_migrations::Entity::find()
        .order_by_asc(seaql_migrations::Column::Version)
        .all(database)
        .await?;
    Ok(rows.into_iter().map(|step| step.version).collect())
}

/// The schema, where it has steps that are not known here and may be used nevertheless; `None` where all are known.
async fn newer(
    database: &DatabaseConnection,
    steps: &[Step],
    taken: &[String],
) -> Result<Option<Schema>, StoreError> {
    let in_place = steps
        .iter()
        .zip(taken)
        .take_while(|(step, name)| step.migration.name() == *name)
        .count();
    let Some(step) = taken.get(in_place) else {
        return Ok(None);
    };
    let row = store_meta::Entity::find_by_id(READABLE_FROM)
        .one(database)
        .await?;
    let schema = Schema {
        version: number(taken.len()),
        // A schema that does not say so is for those alone who know it.
        readable_from: row.map_or(Ok(number(taken.len())), |row| read(&row.value))?,
        known: number(steps.len()),
    };
    // Where a step that is known here is missing, it is the schema of something else.
    if in_place == steps.len() && schema.readable_from <= schema.known {
        Ok(Some(schema))
    } else {
        Err(too_new(step, schema))
    }
}

/// How many steps a server takes without being told to: all but those at the end that take something away.
fn by_itself(steps: &[Step]) -> usize {
    steps
        .iter()
        .rposition(|step| step.change == Change::Expand)
        .map_or(0, |last| last + 1)
}

async fn take(within: &DatabaseTransaction, dialect: Dialect, step: &Step) -> Result<(), StoreError> {
    let name = step.migration.name();
    if dialect == Dialect::Postgres {
        // Nobody is in the middle of a batch then.
        within.execute_unprepared(&postgres::lock_turn()).await?;
        if let Change::Contract(needs) = step.change {
            stand_alone(within, name, needs).await?;
        }
    }
    Migrator::install(within).await?;
    step.migration.up(&SchemaManager::new(within)).await?;
    run(within, dialect, dialect::NOTE_STEP.of(dialect), name.into()).await
}

/// Makes sure that every server that is connected knows the version `needs`, and that no other connects meanwhile.
async fn stand_alone(within: &DatabaseTransaction, step: &str, needs: u32) -> Result<(), StoreError> {
    let text = postgres::shut_out(needs);
    let asked = Statement::from_string(Dialect::Postgres.backend(), text);
    let rows = within.query_all_raw(asked).await?;
    let servers: Vec<String> = rows
        .iter()
        .map(|row| row.try_get_by_index(0))
        .collect::<Result<_, _>>()?;
    if servers.is_empty() {
        return Ok(());
    }
    Err(StoreError::OldServers {
        step: step.to_owned(),
        needs,
        servers: servers.join("; "),
    })
}

async fn mark(within: &DatabaseTransaction, dialect: Dialect, version: u32) -> Result<(), StoreError> {
    let value = version.to_string().into_bytes();
    run(within, dialect, dialect::SET_READABLE_FROM, value.into()).await
}

async fn run(
    within: &DatabaseTransaction,
    dialect: Dialect,
    text: &str,
    value: Value,
) -> Result<(), StoreError> {
    let asked = Statement::from_sql_and_values(dialect.backend(), text, [value]);
    within.execute_raw(asked).await?;
    Ok(())
}

fn too_new(step: &str, schema: Schema) -> StoreError {
    StoreError::SchemaTooNew {
        step: step.to_owned(),
        schema,
    }
}

/// The mark, as it is stored.
pub(super) fn read(value: &[u8]) -> Result<u32, StoreError> {
    let text = str::from_utf8(value).ok();
    text.and_then(|text| text.parse().ok())
        .ok_or_else(|| StoreError::corrupt("store_meta", READABLE_FROM, "it is no number"))
}

/// The version that so many steps lead to.
pub(super) fn number(steps: usize) -> u32 {
    u32::try_from(steps).expect("there are few steps")
}
