//! What is refused of schedules.

use baton_tests::harness::{TestServer, wire};
use serde_json::json;

use super::Provoked;

pub(super) async fn provoke(server: &TestServer, provoked: &mut Provoked) {
    let channel = || server.channel();
    let schedule = json!({"schedule": {"name": "nightly", "cron": "@daily", "task": {}}});
    wire::call_json(channel(), "CreateSchedule", &schedule)
        .await
        .unwrap();
    provoked.json(channel(), "CreateSchedule", schedule).await;
    provoked
        .json(channel(), "GetSchedule", json!({"name": "nobody"}))
        .await;
}
