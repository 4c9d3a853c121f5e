//! A key that tells a task from others, and who holds it.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "dedup")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub namespace: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub key: String,
    pub task_id: Uuid,
    pub expire_time: Option<i64>,
}

impl ActiveModelBehavior for ActiveModel {}
