//! A queue that was created.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "queue")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub leased: i64,
    pub bucket: i64,
    pub namespace: String,
    pub name: String,
    pub spec: Vec<u8>,
}

impl ActiveModelBehavior for ActiveModel {}
