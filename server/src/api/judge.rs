//! Judges requests without doing anything: decode, check every field, hash. Every byte that comes from outside goes
//! through what is called here, so this is what is fuzzed.

use baton_proto::raw::v1 as raw;
use prost::Message;

use super::convert::Draw;
use super::refuse;
use super::repeat::{Repeatable, fingerprint};
use super::requests::bulk::Bulk;
use super::requests::moves::Move;
use super::requests::queues::{self, QueueCall};
use super::requests::schedules::{self, ScheduleCall};
use super::requests::task_types::{self, TypeCall};
use super::requests::webhooks::{self, WebhookCall};
use super::requests::{admin, create, leases, lists, report, watch};
use super::status::{Reason, Refusal};
use super::violations::{Path, Violations};
use crate::seams::Ids;
use crate::token::{Key, Keyring};

/// Reads a decoded request whole, or refuses it with all that is wrong.
pub(super) fn read<T>(read: impl FnOnce(&mut Violations) -> Option<T>) -> Result<T, Refusal> {
    let mut violations = Violations::default();
    let answer = read(&mut violations);
    violations
        .finish(answer)
        .map_err(|violations| refuse::invalid(&violations))
}

/// Judges the encoded request of one call; `None` where there is no call of that name.
///
/// Errors: what the call would be refused with before anything is looked up.
pub fn judge(method: &str, bytes: &[u8]) -> Option<Result<(), Refusal>> {
    let (_, judge) = JUDGES.iter().find(|(name, _)| *name == method)?;
    Some(judge(bytes))
}

/// The calls that [`judge`] knows.
pub fn methods() -> impl Iterator<Item = &'static str> {
    JUDGES.iter().map(|(name, _)| *name)
}

type Judge = fn(&[u8]) -> Result<(), Refusal>;

fn decode<R: Message + Default>(bytes: &[u8]) -> Result<R, Refusal> {
    R::decode(bytes).map_err(|error| Refusal::new(Reason::InvalidMessage, error.to_string()))
}

fn judge_with<R: Message + Default, T>(
    bytes: &[u8],
    check: fn(&mut Violations, R) -> Option<T>,
) -> Result<(), Refusal> {
    let request = decode(bytes)?;
    read(|v| check(v, request)).map(drop)
}

fn judge_repeatable<R: Repeatable + Default, T>(
    bytes: &[u8],
    check: impl FnOnce(&mut Violations, R, &Draw<'_>) -> Option<T>,
) -> Result<(), Refusal> {
    let mut request: R = decode(bytes)?;
    let draw = Draw {
        ids: &Ids::seeded(0),
        now_micros: 0,
    };
    fingerprint(&mut request);
    read(|v| check(v, request, &draw)).map(drop)
}

fn judge_move<R: Move + Default>(bytes: &[u8]) -> Result<(), Refusal> {
    judge_repeatable(bytes, |v, request: R, draw| request.read(v, draw))
}

fn judge_bulk<R: Bulk + Default>(bytes: &[u8]) -> Result<(), Refusal> {
    judge_repeatable(bytes, |v, request: R, _| request.read(v))
}

fn judge_schedule<R: ScheduleCall + Default>(bytes: &[u8]) -> Result<(), Refusal> {
    judge_repeatable(bytes, |v, request: R, draw| request.read(v, draw))
}

fn judge_type<R: TypeCall + Default>(bytes: &[u8]) -> Result<(), Refusal> {
    judge_repeatable(bytes, |v, request: R, draw| request.read(v, draw))
}

fn judge_queue<R: QueueCall + Default>(bytes: &[u8]) -> Result<(), Refusal> {
    judge_repeatable(bytes, |v, request: R, draw| request.read(v, draw))
}

fn judge_webhook<R: WebhookCall + Default>(bytes: &[u8]) -> Result<(), Refusal> {
    judge_repeatable(bytes, |v, request: R, draw| request.read(v, draw))
}

/// Each report is judged for itself; the first that is refused speaks for the call here.
fn judge_reports(bytes: &[u8]) -> Result<(), Refusal> {
    let request = decode(bytes)?;
    let reports = read(|v| report::read_all(v, request))?;
    let draw = Draw {
        ids: &Ids::seeded(0),
        now_micros: 0,
    };
    let at = Path::REQUEST.field("reports");
    for (index, mut each) in reports.into_iter().enumerate() {
        fingerprint(&mut each);
        read(|v| report::read(v, &at.index(index), each, &draw))?;
    }
    Ok(())
}

const JUDGES: &[(&str, Judge)] = &[
    ("CreateTask", |bytes| judge_repeatable(bytes, create::read)),
    ("BatchCreateTasks", |bytes| {
        judge_repeatable(bytes, create::read_batch)
    }),
    ("GetTask", |bytes| judge_with(bytes, lists::read_get)),
    ("BatchGetTasks", |bytes| judge_with(bytes, lists::read_batch_get)),
    ("ListTasks", |bytes| judge_with(bytes, lists::read_list)),
    ("UpdateTask", judge_move::<raw::UpdateTaskRequest>),
    ("DeleteTask", judge_move::<raw::DeleteTaskRequest>),
    ("QueueTask", judge_move::<raw::QueueTaskRequest>),
    ("ScheduleTask", judge_move::<raw::ScheduleTaskRequest>),
    ("AssignTask", judge_move::<raw::AssignTaskRequest>),
    ("StartTask", judge_move::<raw::StartTaskRequest>),
    ("UpdateProgress", judge_move::<raw::UpdateProgressRequest>),
    ("CompleteTask", judge_move::<raw::CompleteTaskRequest>),
    ("FailTask", judge_move::<raw::FailTaskRequest>),
    ("CancelTask", judge_move::<raw::CancelTaskRequest>),
    ("RetryTask", judge_move::<raw::RetryTaskRequest>),
    ("DiscardTask", judge_move::<raw::DiscardTaskRequest>),
    ("PauseTask", judge_move::<raw::PauseTaskRequest>),
    ("ResumeTask", judge_move::<raw::ResumeTaskRequest>),
    ("ReleaseTask", judge_move::<raw::ReleaseTaskRequest>),
    ("SnoozeTask", judge_move::<raw::SnoozeTaskRequest>),
    ("RequestInput", judge_move::<raw::RequestInputRequest>),
    ("ProvideInput", judge_move::<raw::ProvideInputRequest>),
    ("SubmitForReview", judge_move::<raw::SubmitForReviewRequest>),
    ("ApproveTask", judge_move::<raw::ApproveTaskRequest>),
    ("RequestRework", judge_move::<raw::RequestReworkRequest>),
    ("RejectTask", judge_move::<raw::RejectTaskRequest>),
    ("AddComment", judge_move::<raw::AddCommentRequest>),
    ("AddDependency", judge_move::<raw::AddDependencyRequest>),
    ("RemoveDependency", judge_move::<raw::RemoveDependencyRequest>),
    ("BulkUpdateState", judge_bulk::<raw::BulkUpdateStateRequest>),
    ("BulkCancel", judge_bulk::<raw::BulkCancelRequest>),
    ("BulkRetry", judge_bulk::<raw::BulkRetryRequest>),
    ("BulkDiscard", judge_bulk::<raw::BulkDiscardRequest>),
    ("SaveCheckpoint", judge_move::<raw::SaveCheckpointRequest>),
    ("AppendOutput", judge_move::<raw::AppendOutputRequest>),
    ("ReportTasks", judge_reports),
    ("ListTaskRuns", |bytes| judge_with(bytes, lists::read_list_runs)),
    ("ListTaskEvents", |bytes| {
        judge_with(bytes, lists::read_list_events)
    }),
    ("GetTaskStats", |bytes| judge_with(bytes, lists::read_stats)),
    ("ExplainTask", |bytes| judge_with(bytes, admin::read_explain)),
    ("AdvanceClock", |bytes| judge_with(bytes, admin::read_advance)),
    ("BackupStore", |bytes| judge_with(bytes, admin::read_backup)),
    ("ExportNamespace", |bytes| judge_with(bytes, admin::read_export)),
    ("ImportNamespace", |bytes| judge_with(bytes, admin::read_import)),
    ("LeaseTasks", |bytes| judge_with(bytes, leases::read_lease)),
    ("RenewLeases", |bytes| {
        judge_with(bytes, |v, request| {
            let keys = Keyring::new(Key::new(&[0; 32]), Vec::new());
            leases::read_renewals(v, request, &keys)
        })
    }),
    ("ListWorkers", |bytes| judge_with(bytes, leases::read_list)),
    ("GetWorker", |bytes| judge_with(bytes, leases::read_get)),
    ("DrainWorker", |bytes| judge_with(bytes, leases::read_drain)),
    ("CreateSchedule", judge_schedule::<raw::CreateScheduleRequest>),
    ("GetSchedule", |bytes| judge_with(bytes, schedules::read_get)),
    ("ListSchedules", |bytes| judge_with(bytes, schedules::read_list)),
    ("UpdateSchedule", judge_schedule::<raw::UpdateScheduleRequest>),
    ("DeleteSchedule", judge_schedule::<raw::DeleteScheduleRequest>),
    ("PauseSchedule", judge_schedule::<raw::PauseScheduleRequest>),
    ("ResumeSchedule", judge_schedule::<raw::ResumeScheduleRequest>),
    ("TriggerSchedule", judge_schedule::<raw::TriggerScheduleRequest>),
    ("PreviewSchedule", |bytes| {
        judge_with(bytes, schedules::read_preview)
    }),
    ("CreateQueue", judge_queue::<raw::CreateQueueRequest>),
    ("GetQueue", |bytes| judge_with(bytes, queues::read_get)),
    ("ListQueues", |bytes| judge_with(bytes, queues::read_list)),
    ("UpdateQueue", judge_queue::<raw::UpdateQueueRequest>),
    ("DeleteQueue", judge_queue::<raw::DeleteQueueRequest>),
    ("PauseQueue", judge_queue::<raw::PauseQueueRequest>),
    ("ResumeQueue", judge_queue::<raw::ResumeQueueRequest>),
    ("PurgeQueue", |bytes| {
        judge_repeatable(bytes, |v, request, _| queues::read_purge(v, request))
    }),
    ("GetQueueStats", |bytes| judge_with(bytes, queues::read_stats)),
    ("WaitTask", |bytes| judge_with(bytes, watch::read_wait)),
    ("WatchTask", |bytes| judge_with(bytes, watch::read_watch_task)),
    ("WatchTasks", |bytes| judge_with(bytes, watch::read_watch_tasks)),
    ("RegisterTaskType", judge_type::<raw::RegisterTaskTypeRequest>),
    ("GetTaskType", |bytes| judge_with(bytes, task_types::read_get)),
    ("ListTaskTypes", |bytes| judge_with(bytes, task_types::read_list)),
    ("UpdateTaskType", judge_type::<raw::UpdateTaskTypeRequest>),
    ("DeleteTaskType", judge_type::<raw::DeleteTaskTypeRequest>),
    ("CreateWebhook", judge_webhook::<raw::CreateWebhookRequest>),
    ("GetWebhook", |bytes| judge_with(bytes, webhooks::read_get)),
    ("ListWebhooks", |bytes| judge_with(bytes, webhooks::read_list)),
    ("UpdateWebhook", judge_webhook::<raw::UpdateWebhookRequest>),
    ("DeleteWebhook", judge_webhook::<raw::DeleteWebhookRequest>),
    ("PauseWebhook", judge_webhook::<raw::PauseWebhookRequest>),
    ("ResumeWebhook", judge_webhook::<raw::ResumeWebhookRequest>),
    ("TestWebhook", |bytes| judge_with(bytes, webhooks::read_test)),
];

#[cfg(test)]
mod tests;
