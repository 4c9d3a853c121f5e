//! One time that somebody worked on a task.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "run")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub task_id: Uuid,
    pub number: i32,
    pub attempt: i32,
    pub fence: i64,
    pub namespace: String,
    pub queue: String,
    #[sea_orm(column_name = "type")]
    pub r#type: String,
    pub assignee_kind: Option<i32>,
    pub assignee_id: Option<String>,
    pub assignee_name: Option<String>,
    pub start_time: i64,
    pub end_time: Option<i64>,
    pub outcome: Option<String>,
    pub error: Option<Vec<u8>>,
    pub output: Option<Vec<u8>>,
}

impl ActiveModelBehavior for ActiveModel {}
