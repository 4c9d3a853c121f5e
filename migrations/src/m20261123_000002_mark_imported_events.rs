//! Which events of a log came from another database.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // A default that is constant: neither database writes the rows anew.
        let text = match manager.get_database_backend() {
            DbBackend::Sqlite => {
                "ALTER TABLE event ADD COLUMN imported INTEGER NOT NULL DEFAULT 0 CHECK (imported IN (0, 1))"
            }
            DbBackend::Postgres => "ALTER TABLE event ADD COLUMN imported boolean NOT NULL DEFAULT false",
            other => return Err(DbErr::Migration(format!("{other:?} is not supported"))),
        };
        manager.get_connection().execute_unprepared(text).await?;
        Ok(())
    }
}
