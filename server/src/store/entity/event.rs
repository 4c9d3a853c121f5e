//! An event of the log.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "event")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: i64,
    pub namespace: String,
    pub position: i64,
    pub task_id: Uuid,
    pub sequence: i64,
    pub kind: i32,
    pub time: i64,
    pub actor_kind: i32,
    pub actor_id: String,
    pub actor_name: String,
    pub from_state: Option<String>,
    pub to_state: String,
    pub state_reason: String,
    pub message: String,
    pub attempt: i32,
    pub fence: i64,
    pub queue: String,
    #[sea_orm(column_name = "type")]
    pub r#type: String,
    pub labels: String,
    pub detail: Option<Vec<u8>>,
    pub detail_version: i32,
    pub next_kind: Option<i32>,
    pub next_to_state: Option<String>,
    pub next_state_reason: Option<String>,
    pub imported: bool,
}

impl ActiveModelBehavior for ActiveModel {}
