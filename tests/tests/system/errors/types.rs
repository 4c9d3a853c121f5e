//! What is refused because of a task's type.

use baton_server::config::UnknownTypes;
use baton_tests::harness::{TestServer, wire};
use serde_json::json;

use super::Provoked;

pub(super) async fn provoke(server: &TestServer, provoked: &mut Provoked) {
    provoked
        .json(server.channel(), "GetTaskType", json!({"name": "nobody"}))
        .await;
    let register = json!({"task_type": {"name": "sweep", "input_schema": {"required": ["url"]}}});
    wire::call_json(server.channel(), "RegisterTaskType", &register)
        .await
        .unwrap();
    for (call, request) in [
        ("RegisterTaskType", json!({"task_type": {"name": "sweep"}})),
        ("CreateTask", json!({"task": {"type": "sweep"}})),
    ] {
        provoked.json(server.channel(), call, request).await;
    }
    let inside = json!({"task_type": {"name": "beat", "exposure": "TASK_TYPE_EXPOSURE_INTERNAL"}});
    wire::call_json(server.channel(), "RegisterTaskType", &inside)
        .await
        .unwrap();
    let beat = json!({"task": {"type": "beat"}});
    provoked.json(server.channel(), "CreateTask", beat).await;
    let strict = TestServer::start_with(|config| config.unknown_types = UnknownTypes::Refuse).await;
    provoked
        .json(
            strict.channel(),
            "CreateTask",
            json!({"task": {"type": "stranger"}}),
        )
        .await;
    strict.finish().await;
}
