//! A webhook.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "webhook")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub revision: i64,
    pub namespace: String,
    pub name: String,
    pub spec: Vec<u8>,
    pub progress: Vec<u8>,
}

impl ActiveModelBehavior for ActiveModel {}
