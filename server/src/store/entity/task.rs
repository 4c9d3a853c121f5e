//! A task; payload bodies are left out of most reads.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "task")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub namespace: String,
    pub creator_kind: i32,
    pub creator_id: String,
    pub creator_name: String,
    pub create_time: i64,
    pub update_time: i64,
    pub revision: i64,
    pub state: String,
    pub state_reason: String,
    pub edit_revision: i64,
    pub queue_time: Option<i64>,
    pub state_message: String,
    pub attempt: i32,
    pub fence: i64,
    pub execution_count: i32,
    pub run_count: i32,
    pub start_time: Option<i64>,
    pub end_time: Option<i64>,
    pub schedule_time: Option<i64>,
    pub wake_time: Option<i64>,
    pub paused_from: Option<String>,
    pub timers: Option<Vec<u8>>,
    pub queue: String,
    #[sea_orm(column_name = "type")]
    pub r#type: String,
    pub priority: i32,
    pub title: String,
    pub labels: String,
    pub spec: Vec<u8>,
    pub parent_id: Option<Uuid>,
    pub assignee_kind: Option<i32>,
    pub assignee_id: Option<String>,
    pub assignee_name: Option<String>,
    pub leased: bool,
    pub progress: Option<Vec<u8>>,
    pub error: Option<Vec<u8>>,
    pub dependencies: Option<Vec<u8>>,
    pub input_requests: Option<Vec<u8>>,
    pub input: Option<Vec<u8>>,
    pub input_body: Option<Vec<u8>>,
    pub output: Option<Vec<u8>>,
    pub output_body: Option<Vec<u8>>,
    pub checkpoint: Option<Vec<u8>>,
    pub checkpoint_body: Option<Vec<u8>>,
    pub checkpoint_version: i32,
    pub receipt: Option<Vec<u8>>,
    pub last_call: Option<i64>,
    pub handover_call: Option<i64>,
    pub output_count: i32,
    pub retry_count: i32,
    pub cleared_input: i32,
    pub has_dependants: bool,
    pub has_children: bool,
}

impl ActiveModelBehavior for ActiveModel {}
