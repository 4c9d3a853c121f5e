//! A namespace and the ends of its log.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "namespace")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub name: String,
    pub number: i64,
    pub oldest_position: i64,
    pub last_position: i64,
    pub last_time: i64,
}

impl ActiveModelBehavior for ActiveModel {}
