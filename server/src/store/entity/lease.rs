//! A live lease of a task.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Copy, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "lease")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub task_id: Uuid,
    pub duration: i64,
    pub expire_time: i64,
}

impl ActiveModelBehavior for ActiveModel {}
