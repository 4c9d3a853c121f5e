//! A success remembered for its request id.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "request")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub request_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub namespace: String,
    pub method: String,
    pub hash: Vec<u8>,
    pub task_ids: Vec<u8>,
    pub revision: i64,
    pub expire_time: i64,
}

impl ActiveModelBehavior for ActiveModel {}
