//! What is refused of webhooks.

use baton_tests::harness::{TestServer, wire};
use serde_json::json;

use super::Provoked;

pub(super) async fn provoke(server: &TestServer, provoked: &mut Provoked) {
    let webhook = json!({"webhook": {"name": "dead", "url": "https://hooks.example.com/", "paused": true}});
    wire::call_json(server.channel(), "CreateWebhook", &webhook)
        .await
        .unwrap();
    provoked.json(server.channel(), "CreateWebhook", webhook).await;
    let nobody = json!({"name": "nobody"});
    provoked.json(server.channel(), "GetWebhook", nobody).await;
}
