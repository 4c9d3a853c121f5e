//! Every call of the contract is made by some test here.

use baton_tests::harness::wire;

/// The tests of this crate, as text.
const TESTS: &[&str] = &[
    include_str!("admin.rs"),
    include_str!("batches.rs"),
    include_str!("bulk.rs"),
    include_str!("dependencies.rs"),
    include_str!("feed/mod.rs"),
    include_str!("insights.rs"),
    include_str!("leases/claims.rs"),
    include_str!("leases/kept.rs"),
    include_str!("leases/mod.rs"),
    include_str!("lifecycle_seed.rs"),
    include_str!("lists.rs"),
    include_str!("moves.rs"),
    include_str!("queues/calls.rs"),
    include_str!("repeats.rs"),
    include_str!("schedules/calls.rs"),
    include_str!("sqlite_backup.rs"),
    include_str!("transfer/mod.rs"),
    include_str!("types/calls.rs"),
    include_str!("webhooks/calls.rs"),
    include_str!("../../cases/s0.toml"),
    include_str!("../../cases/s1.toml"),
    include_str!("../../cases/s2.toml"),
    include_str!("../../cases/s3.toml"),
];

/// The method of the client that makes a call.
#[expect(clippy::too_many_lines, reason = "a row a call")]
fn client_method(rpc: &str) -> &str {
    match rpc {
        "CreateTask" => ".create(",
        "BatchCreateTasks" => ".batch_create(",
        "GetTask" => ".get(",
        "BatchGetTasks" => ".batch_get(",
        "ListTasks" => ".list(",
        "UpdateTask" => ".update(",
        "DeleteTask" => ".delete(",
        "UpdateProgress" => ".progress(",
        "RequestInput" => ".request_input(",
        "ProvideInput" => ".provide_input(",
        "SubmitForReview" => ".submit(",
        "RequestRework" => ".request_rework(",
        "AddComment" => ".comment(",
        "AddDependency" => ".add_dependency(",
        "RemoveDependency" => ".remove_dependency(",
        "BulkUpdateState" => ".bulk_update_state(",
        "BulkCancel" => ".bulk_cancel(",
        "BulkRetry" => ".bulk_retry(",
        "BulkDiscard" => ".bulk_discard(",
        "WaitTask" => ".wait(",
        "ListTaskEvents" => ".list_events(",
        "WatchTask" => ".watch_task(",
        "WatchTasks" => ".watch(",
        "GetTaskStats" => ".stats(",
        "ExplainTask" => ".explain(",
        "GetServerInfo" => ".server_info(",
        "AdvanceClock" => ".advance_clock(",
        "BackupStore" => ".backup_store(",
        "ExportNamespace" => ".export_namespace(",
        "ImportNamespace" => ".import_namespace(",
        "QueueTask" => ".queue(",
        "ScheduleTask" => ".schedule(",
        "AssignTask" => ".assign(",
        "StartTask" => ".start(",
        "CompleteTask" => ".complete(",
        "FailTask" => ".fail(",
        "CancelTask" => ".cancel(",
        "RetryTask" => ".retry(",
        "DiscardTask" => ".discard(",
        "PauseTask" => ".pause(",
        "ResumeTask" => ".resume(",
        "ReleaseTask" => ".release(",
        "SnoozeTask" => ".snooze(",
        "ApproveTask" => ".approve(",
        "RejectTask" => ".reject(",
        "LeaseTasks" => ".lease_tasks(",
        "RenewLeases" => ".renew_leases(",
        "ReportTasks" => ".report_tasks(",
        "SaveCheckpoint" => ".save_checkpoint(",
        "AppendOutput" => ".append_output(",
        "ListTaskRuns" => ".list_task_runs(",
        "ListWorkers" => ".list_workers(",
        "GetWorker" => ".get_worker(",
        "DrainWorker" => ".drain_worker(",
        "CreateSchedule" => ".create_schedule(",
        "GetSchedule" => ".get_schedule(",
        "ListSchedules" => ".list_schedules(",
        "UpdateSchedule" => ".update_schedule(",
        "DeleteSchedule" => ".delete_schedule(",
        "PauseSchedule" => ".pause_schedule(",
        "ResumeSchedule" => ".resume_schedule(",
        "TriggerSchedule" => ".trigger_schedule(",
        "PreviewSchedule" => ".preview_schedule(",
        "RegisterTaskType" => ".register_task_type(",
        "GetTaskType" => ".get_task_type(",
        "ListTaskTypes" => ".list_task_types(",
        "UpdateTaskType" => ".update_task_type(",
        "DeleteTaskType" => ".delete_task_type(",
        "CreateQueue" => ".create_queue(",
        "GetQueue" => ".get_queue(",
        "ListQueues" => ".list_queues(",
        "UpdateQueue" => ".update_queue(",
        "DeleteQueue" => ".delete_queue(",
        "PauseQueue" => ".pause_queue(",
        "ResumeQueue" => ".resume_queue(",
        "PurgeQueue" => ".purge_queue(",
        "GetQueueStats" => ".queue_stats(",
        "CreateWebhook" => ".create_webhook(",
        "GetWebhook" => ".get_webhook(",
        "ListWebhooks" => ".list_webhooks(",
        "UpdateWebhook" => ".update_webhook(",
        "DeleteWebhook" => ".delete_webhook(",
        "PauseWebhook" => ".pause_webhook(",
        "ResumeWebhook" => ".resume_webhook(",
        "TestWebhook" => ".test_webhook(",
        other => panic!("{other} is a new call: name the client's method here, and test it"),
    }
}

#[test]
fn every_call_is_tested() {
    let methods = wire::methods();
    assert_eq!(
        methods.len(),
        85,
        "40 of TaskService, 9 of WorkerService, 9 of ScheduleService, 9 of QueueService, 5 of TaskTypeService, 8 of WebhookService, 5 of \
         AdminService"
    );
    for method in &methods {
        let called = client_method(method.name());
        let in_table = format!("call = \"{}\"", method.name());
        let tested = TESTS
            .iter()
            .any(|test| test.contains(called) || test.contains(&in_table));
        assert!(tested, "no test makes {}", method.name());
    }
}
