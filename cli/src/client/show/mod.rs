//! What results look like: tables for people, one object a line for programs.

mod detail;
mod doctor;
mod json;
mod queue;
mod receipt;
mod run;
mod schedule;
pub(super) mod table;
mod task_type;
pub(super) mod text;
mod webhook;
mod worker;

use std::io::{self, Write};

use baton_client::proto::{
    BackupStoreResponse, ExplainTaskResponse, GetQueueStatsResponse, GetTaskStatsResponse,
    ImportNamespaceResponse, LeasedTask, PurgeQueueResponse, Queue, Schedule, ScheduleTick, Task, TaskEvent,
    TaskRun, TaskType, TestWebhookResponse, WatchTasksResponse, Webhook, Worker,
};
use baton_client::{BulkOutcome, Lease};

use super::doctor::Finding;
use super::options::Format;
pub(super) use receipt::read as receipt;

/// Where results go.
pub(crate) struct Screen {
    format: Format,
}

impl Screen {
    pub(super) fn new(format: Format) -> Self {
        Screen { format }
    }

    pub(super) fn format(&self) -> Format {
        self.format
    }

    /// A task, in all its parts.
    pub(super) fn task(&self, task: &Task) -> io::Result<()> {
        match self.format {
            Format::Table => line(&detail::task(task)),
            Format::Json => line(&json::line(task)?),
        }
    }

    /// A task, in short.
    pub(super) fn task_row(&self, task: &Task) -> io::Result<()> {
        self.task_rows(std::slice::from_ref(task))
    }

    /// A task that somebody holds from now on, in short, and by what they prove it.
    pub(super) fn leased(&self, task: Task, lease: Lease) -> io::Result<()> {
        let Lease {
            token,
            fence,
            expire_time,
        } = lease;
        match self.format {
            Format::Table => {
                self.task_row(&task)?;
                line(&format!("lease token: {}", text::clean(&token)))
            }
            Format::Json => line(&json::line(&LeasedTask {
                attempt: task.attempt,
                task: Some(task),
                lease_token: token,
                fence,
                lease_expire_time: expire_time,
                checkpoint: None,
            })?),
        }
    }

    /// Tasks, in short.
    pub(super) fn task_rows(&self, tasks: &[Task]) -> io::Result<()> {
        self.rows(tasks, "no tasks", table::tasks)
    }

    /// Tasks whose attempts are spent, in short.
    pub(super) fn dead(&self, tasks: &[Task]) -> io::Result<()> {
        self.rows(tasks, "no dead tasks", table::dead)
    }

    pub(super) fn runs(&self, runs: &[TaskRun]) -> io::Result<()> {
        self.rows(runs, "no runs", run::table)
    }

    /// A worker, in all its parts.
    pub(super) fn worker(&self, worker: &Worker) -> io::Result<()> {
        match self.format {
            Format::Table => line(&worker::sheet(worker)),
            Format::Json => line(&json::line(worker)?),
        }
    }

    /// Workers, in short.
    pub(super) fn worker_rows(&self, workers: &[Worker]) -> io::Result<()> {
        self.rows(workers, "no workers", worker::table)
    }

    /// A schedule, in all its parts.
    pub(super) fn schedule(&self, schedule: &Schedule) -> io::Result<()> {
        match self.format {
            Format::Table => line(&schedule::sheet(schedule)),
            Format::Json => line(&json::line(schedule)?),
        }
    }

    /// Schedules, in short.
    pub(super) fn schedule_rows(&self, schedules: &[Schedule]) -> io::Result<()> {
        self.rows(schedules, "no schedules", schedule::table)
    }

    /// A task type, in all its parts.
    pub(super) fn task_type(&self, task_type: &TaskType) -> io::Result<()> {
        match self.format {
            Format::Table => line(&task_type::sheet(task_type)),
            Format::Json => line(&json::line(task_type)?),
        }
    }

    /// Task types, in short.
    pub(super) fn task_type_rows(&self, task_types: &[TaskType]) -> io::Result<()> {
        self.rows(task_types, "no task types", task_type::table)
    }

    /// A queue, in all its parts.
    pub(super) fn queue(&self, queue: &Queue) -> io::Result<()> {
        match self.format {
            Format::Table => line(&queue::sheet(queue)),
            Format::Json => line(&json::line(queue)?),
        }
    }

    /// Queues, in short.
    pub(super) fn queue_rows(&self, queues: &[Queue]) -> io::Result<()> {
        self.rows(queues, "no queues", queue::table)
    }

    /// How a queue stands.
    pub(super) fn queue_stats(&self, answer: &GetQueueStatsResponse) -> io::Result<()> {
        match self.format {
            Format::Table => line(&queue::stats(answer)),
            Format::Json => line(&json::line(answer)?),
        }
    }

    /// What a purge did.
    pub(super) fn purged(&self, answer: &PurgeQueueResponse) -> io::Result<()> {
        match self.format {
            Format::Table => line(&queue::purged(answer)),
            Format::Json => line(&json::line(answer)?),
        }
    }

    /// A webhook, in all its parts.
    pub(super) fn webhook(&self, webhook: &Webhook) -> io::Result<()> {
        match self.format {
            Format::Table => line(&webhook::sheet(webhook)),
            Format::Json => line(&json::line(webhook)?),
        }
    }

    /// Webhooks, in short.
    pub(super) fn webhook_rows(&self, webhooks: &[Webhook]) -> io::Result<()> {
        self.rows(webhooks, "no webhooks", webhook::table)
    }

    /// What came of a message that tries a webhook.
    pub(super) fn webhook_test(&self, tested: &TestWebhookResponse) -> io::Result<()> {
        match self.format {
            Format::Table => line(&webhook::tested(tested)),
            Format::Json => line(&json::line(tested)?),
        }
    }

    /// Ticks that are still to come.
    pub(super) fn ticks(&self, ticks: &[ScheduleTick]) -> io::Result<()> {
        self.rows(ticks, "no ticks", schedule::ticks)
    }

    fn rows<M: json::Named>(&self, all: &[M], none: &str, table: fn(&[M]) -> String) -> io::Result<()> {
        match self.format {
            Format::Table if all.is_empty() => {
                self.note(none);
                Ok(())
            }
            Format::Table => line(&table(all)),
            Format::Json => lines(all.iter().map(json::line)),
        }
    }

    /// A task that was deleted.
    pub(super) fn gone(&self, id: &str) -> io::Result<()> {
        match self.format {
            Format::Table => line(&format!("{} is deleted", text::clean(id))),
            Format::Json => line(&serde_json::json!({ "id": id, "deleted": true }).to_string()),
        }
    }

    pub(super) fn backup(&self, backup: &BackupStoreResponse) -> io::Result<()> {
        match self.format {
            Format::Table => line(&format!(
                "{} ({} bytes)",
                text::clean(&backup.path),
                backup.size_bytes
            )),
            Format::Json => line(&json::line(backup)?),
        }
    }

    pub(super) fn exported(&self, path: &str, bytes: u64) -> io::Result<()> {
        match self.format {
            Format::Table => line(&format!("{} ({bytes} bytes)", text::clean(path))),
            Format::Json => {
                line(&serde_json::json!({ "path": path, "totalBytes": bytes.to_string() }).to_string())
            }
        }
    }

    pub(super) fn imported(&self, answer: &ImportNamespaceResponse) -> io::Result<()> {
        match self.format {
            Format::Table => {
                let counts = answer.counts.unwrap_or_default();
                line(&format!(
                    "namespace {}: {} tasks, {} events, {} runs, {} queues, {} task types, {} schedules, {} webhooks",
                    text::clean(&answer.namespace),
                    counts.tasks,
                    counts.events,
                    counts.runs,
                    counts.queues,
                    counts.task_types,
                    counts.schedules,
                    counts.webhooks,
                ))
            }
            Format::Json => line(&json::line(answer)?),
        }
    }

    pub(super) fn event(&self, event: &TaskEvent) -> io::Result<()> {
        self.events(std::slice::from_ref(event))
    }

    pub(super) fn events(&self, events: &[TaskEvent]) -> io::Result<()> {
        match self.format {
            Format::Table => line(&table::events(events)),
            Format::Json => lines(events.iter().map(json::line)),
        }
    }

    pub(super) fn stats(&self, stats: &GetTaskStatsResponse) -> io::Result<()> {
        match self.format {
            Format::Table => line(&table::stats(stats)),
            Format::Json => line(&json::line(stats)?),
        }
    }

    pub(super) fn explanation(&self, explained: &ExplainTaskResponse) -> io::Result<()> {
        match self.format {
            Format::Table => line(&detail::explanation(explained)),
            Format::Json => line(&json::line(explained)?),
        }
    }

    pub(super) fn bulk(&self, outcome: &BulkOutcome) -> io::Result<()> {
        match self.format {
            Format::Table => line(&table::bulk(outcome)),
            Format::Json => line(&json::bulk(outcome)?),
        }
    }

    pub(super) fn findings(&self, findings: &[Finding]) -> io::Result<()> {
        match self.format {
            Format::Table => line(&doctor::table(findings)),
            Format::Json => lines(findings.iter().map(|finding| Ok(doctor::line(finding)))),
        }
    }

    /// One message of a watch.
    pub(super) fn watched(&self, message: &WatchTasksResponse) -> io::Result<()> {
        match self.format {
            Format::Table => lines(table::watched(message).into_iter().map(Ok)),
            Format::Json => line(&json::line(message)?),
        }
    }

    /// A word beside the result, for people only.
    pub(super) fn note(&self, note: &str) {
        if self.format == Format::Table {
            // Nobody who closed stderr wants to read it.
            let told = writeln!(io::stderr().lock(), "{note}").is_ok();
            tracing::trace!(told, "noted");
        }
    }
}

fn line(text: &str) -> io::Result<()> {
    lines(std::iter::once(Ok(text.to_owned())))
}

fn lines(texts: impl Iterator<Item = io::Result<String>>) -> io::Result<()> {
    let mut out = io::stdout().lock();
    for text in texts {
        writeln!(out, "{}", text?)?;
    }
    out.flush()
}
