//! What a settled or deleted task still has to bring about.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "follow_up")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub namespace: String,
    pub kind: String,
    pub task_id: Uuid,
    pub result: String,
    pub revision: i64,
}

impl ActiveModelBehavior for ActiveModel {}
