//! What callers are refused for at the door: without a key, and while the server stops.

use std::time::Duration;

use baton_tests::harness::{TestServer, wire};
use serde_json::json;

use super::Provoked;
use crate::support::queued;

pub(super) async fn provoke(provoked: &mut Provoked) {
    let keys = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(keys.path(), "test:0123456789abcdef0123456789abcdef\n").unwrap();
    let mut locked = TestServer::start_with(|config| config.api_key_file = Some(keys.path().into())).await;
    provoked.json(locked.channel(), "ListTasks", json!({})).await;
    let mut request = tonic::Request::new(baton_client::proto::ListTasksRequest::default());
    request
        .metadata_mut()
        .insert("authorization", "Bearer wrong".parse().unwrap());
    provoked.add(&locked.raw().list_tasks(request).await.unwrap_err());
    locked.stop().await;
    let mut server = TestServer::start().await;
    let task = queued(&server).await;
    let request = json!({"id": task.id, "timeout": "60s"});
    let (call, wanted) = (
        wire::call_json(server.channel(), "WaitTask", &request),
        Duration::from_secs(60),
    );
    let stops = async {
        let stream = server.watch_task(&task.id).await;
        stream.until_events(1).await;
        server.stop().await;
    };
    let (answer, ()) = tokio::time::timeout(wanted, async { tokio::join!(call, stops) })
        .await
        .unwrap();
    provoked.add(&answer.unwrap_err());
}
