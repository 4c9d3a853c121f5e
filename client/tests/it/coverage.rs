//! Every RPC of the contract has a method, and the method calls that RPC.

use std::collections::BTreeSet;
use std::time::Duration;

use baton_client::proto::{Queue, Schedule, Task, TaskState, WaitTaskRequest};
use baton_client::{
    Client, Error, NewQueue, NewSchedule, NewTask, NewTaskType, NewWebhook, Selection, WatchOptions, actor,
    value,
};
use prost::Message;

use crate::scripted::Scripted;

/// The paths of all RPCs, read from the contract.
fn contract() -> BTreeSet<String> {
    let files = prost_types::FileDescriptorSet::decode(baton_proto::DESCRIPTOR_SET).expect("the contract");
    let services = files.file.iter().flat_map(|file| {
        let package = file.package();
        file.service
            .iter()
            .map(move |service| (format!("{package}.{}", service.name()), service))
    });
    services
        .flat_map(|(name, service)| {
            service
                .method
                .iter()
                .map(move |method| format!("/{name}/{}", method.name()))
        })
        .collect()
}

/// The server knows none of them: what counts is that the call came there.
fn check<T: std::fmt::Debug>(outcome: Result<T, Error>) {
    outcome.expect_err("the script is empty");
}

async fn crud(client: &Client) {
    check(client.create(NewTask::new("x")).await);
    check(client.batch_create([NewTask::new("x")]).await);
    check(client.get("1").await);
    check(client.batch_get(["1"]).await);
    check(client.list().await);
    check(client.update(Task::default(), ["title"]).await);
    check(client.delete("1").force().await);
    check(client.list_events("1").await);
    check(client.stats().await);
    check(client.explain("1").await);
}

async fn moves(client: &Client) {
    check(client.queue("1").await);
    check(client.schedule("1", Duration::from_secs(1)).await);
    check(client.assign("1", actor::human("ada")).await);
    check(client.cancel("1").await);
    check(client.retry("1").await);
    check(client.discard("1").await);
    check(client.pause("1").await);
    check(client.resume("1").await);
    check(client.provide_input("1", value::json_text("1")).await);
    check(client.approve("1").await);
    check(client.request_rework("1", "again").await);
    check(client.reject("1").await);
    check(client.comment("1", "hm").await);
    check(client.add_dependency("1", "2").await);
    check(client.remove_dependency("1", "2").await);
}

async fn work(client: &Client) {
    check(client.start("1").await);
    check(client.progress("1").percent(3).await);
    check(client.complete("1").await);
    check(client.fail("1", "broken").await);
    check(client.release("1").await);
    check(client.snooze("1", Duration::from_secs(1)).await);
    check(client.request_input("1", "which?").await);
    check(client.submit("1").await);
}

async fn leases(client: &Client) {
    check(client.lease_tasks().any_type().await);
    check(client.renew_leases([]).await);
    check(client.report_tasks([]).await);
    check(client.save_checkpoint("1", value::json_text("1")).await);
    check(client.append_output("1", value::json_text("1")).await);
    check(client.list_task_runs().await);
    check(client.list_workers().await);
    check(client.get_worker("w").await);
    check(client.drain_worker("w").await);
}

async fn schedules(client: &Client) {
    let task = NewTask::new("x");
    let new = NewSchedule::every("x", Duration::from_secs(1), task);
    check(client.create_schedule(new.clone()).await);
    check(client.get_schedule("x").await);
    check(client.list_schedules().await);
    check(client.update_schedule(Schedule::default(), ["jitter"]).await);
    check(client.delete_schedule("x").etag("e").await);
    check(client.pause_schedule("x").note("why").await);
    check(client.resume_schedule("x").await);
    check(client.trigger_schedule("x").await);
    check(client.preview_schedule("x").await);
    check(client.preview_new_schedule(new).count(3).await);
}

async fn task_types(client: &Client) {
    let new = NewTaskType::new("x");
    check(client.register_task_type(new.clone()).await);
    check(client.get_task_type("x").await);
    check(client.list_task_types().await);
    check(client.update_task_type(new, ["queue"]).await);
    check(client.delete_task_type("x").etag("e").await);
}

async fn queues(client: &Client) {
    let new = NewQueue::new("x").concurrency(5).rate(10, Duration::from_secs(1));
    check(client.create_queue(new).await);
    check(client.get_queue("x").await);
    check(client.list_queues().await);
    check(client.update_queue(Queue::default(), ["rate_limit"]).await);
    check(client.delete_queue("x").etag("e").await);
    check(client.pause_queue("x").note("why").await);
    check(client.resume_queue("x").await);
    check(client.purge_queue("x").max_count(3).await);
    check(client.queue_stats("x").await);
}

async fn webhooks(client: &Client) {
    let new = NewWebhook::new("x", "https://example.com/");
    check(client.create_webhook(new.clone()).await);
    check(client.get_webhook("x").await);
    check(client.list_webhooks().await);
    check(client.update_webhook(new, ["url"]).await);
    check(client.pause_webhook("x").note("n").await);
    check(client.resume_webhook("x").await);
    check(client.test_webhook("x").await);
    check(client.delete_webhook("x").etag("e").await);
}

async fn the_rest(client: &Client) {
    check(
        client
            .bulk_update_state(Selection::ids(["1"]), TaskState::Queued)
            .await,
    );
    check(client.bulk_cancel(Selection::filter("state = QUEUED")).await);
    check(client.bulk_retry(Selection::ids(["1"])).await);
    check(client.bulk_discard(Selection::ids(["1"])).await);
    check(client.call(WaitTaskRequest::default()).await);
    check(client.watch(WatchOptions::task("1")).await);
    check(client.watch(WatchOptions::tasks()).await);
    check(client.server_info().await);
    check(client.advance_clock(Duration::from_secs(1)).await);
    check(client.backup_store("x").await);
    check(client.export_namespace("x").await);
    check(client.import_namespace("x", futures::stream::empty()).await);
}

#[tokio::test]
async fn every_rpc_has_its_method() {
    let server = Scripted::start([]).await;
    let client = server.client();
    crud(&client).await;
    moves(&client).await;
    work(&client).await;
    leases(&client).await;
    schedules(&client).await;
    task_types(&client).await;
    queues(&client).await;
    webhooks(&client).await;
    the_rest(&client).await;
    let called: BTreeSet<String> = server.paths().into_iter().collect();
    assert_eq!(called, contract());
}
