//! What is refused of queues.

use baton_tests::harness::{TestServer, wire};
use serde_json::json;

use super::Provoked;

pub(super) async fn provoke(server: &TestServer, provoked: &mut Provoked) {
    let channel = || server.channel();
    let queue = json!({"queue": {"name": "default"}});
    wire::call_json(channel(), "CreateQueue", &queue).await.unwrap();
    provoked.json(channel(), "CreateQueue", queue).await;
    provoked
        .json(channel(), "DeleteQueue", json!({"name": "default"}))
        .await;
    provoked
        .json(channel(), "GetQueue", json!({"name": "nobody"}))
        .await;
}
