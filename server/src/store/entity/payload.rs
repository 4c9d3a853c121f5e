//! A payload that another took the place of.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "payload")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub task_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub role: i32,
    #[sea_orm(primary_key, auto_increment = false)]
    pub version: i32,
    pub header: Vec<u8>,
    pub body: Vec<u8>,
}

impl ActiveModelBehavior for ActiveModel {}
