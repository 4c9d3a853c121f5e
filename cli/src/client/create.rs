//! `baton task create`.

use std::time::Duration;

use baton_client::proto::{
    Actor, Dedup, Dependency, RetryPolicy, TaskTimeouts, Verification, VerificationMode,
};
use baton_client::{NewTask, value};
use clap::Args;

use super::exit::{Exit, Failure};
use super::names::{OnDuplicate, Priority};
use super::options::Session;
use super::parse::{self, Json};

/// Everything but the type is optional.
#[derive(Args)]
pub(crate) struct CreateArgs {
    /// What kind of work it is, such as report.generate
    #[arg(value_name = "TYPE")]
    task_type: String,
    /// One line for people
    #[arg(long)]
    title: Option<String>,
    /// What it is about, as long text
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    /// What to work on: JSON, @FILE, or - for standard input
    #[arg(long, value_name = "JSON", value_parser = parse::json)]
    input: Option<Json>,
    /// Queue to wait in [default: "default"]
    #[arg(long)]
    queue: Option<String>,
    /// How urgent it is [default: normal]
    #[arg(long, value_name = "PRIORITY")]
    priority: Option<Priority>,
    /// Label to find it by; may be given many times
    #[arg(long = "label", value_name = "KEY=VALUE", value_parser = parse::pair)]
    labels: Vec<(String, String)>,
    /// Anything else about it, as a JSON object
    #[arg(long, value_name = "JSON", value_parser = parse::json_object)]
    metadata: Option<serde_json::Map<String, serde_json::Value>>,
    /// Who is to do it, such as human:ada
    #[arg(long, value_name = "WHO", value_parser = parse::actor)]
    assignee: Option<Actor>,
    /// Task it is a part of: cancelled with it
    #[arg(long, value_name = "ID")]
    parent: Option<String>,
    /// Task to wait for; ID:cancel or ID:continue says what to do if that one does not complete [default: fail]
    #[arg(long = "depends-on", value_name = "ID", value_parser = parse::dependency)]
    dependencies: Vec<Dependency>,
    /// Ready at this time, such as 2026-11-22T09:00:00Z
    #[arg(long, value_name = "TIME", value_parser = parse::time, conflicts_with = "in")]
    at: Option<prost_types::Timestamp>,
    /// Ready after this long, such as 90s or 2h
    #[arg(long, value_name = "TIME", value_parser = parse::span)]
    r#in: Option<Duration>,
    /// Nobody may run it until `baton task queue`
    #[arg(long)]
    hold: bool,
    /// Its end is REVIEW until somebody else approves
    #[arg(long)]
    needs_approval: bool,
    /// Its end is REVIEW, with a receipt that says how to verify it, until somebody approves or --grace is over
    #[arg(long, conflicts_with = "needs_approval")]
    needs_receipt: bool,
    /// How long others may object to work with a receipt, such as 1h [default: 2m]
    #[arg(long, value_name = "TIME", value_parser = parse::span, requires = "needs_receipt")]
    grace: Option<Duration>,
    #[command(flatten)]
    timeouts: TimeoutArgs,
    #[command(flatten)]
    dedup: DedupArgs,
    /// Attempts it may have in all; failures are then tried again after a growing wait
    #[arg(long, value_name = "COUNT")]
    max_attempts: Option<i32>,
    /// Wait before the second attempt; it doubles with each [default: 1.5s]
    #[arg(long, value_name = "TIME", value_parser = parse::span, requires = "max_attempts")]
    backoff: Option<Duration>,
    /// Id for it, a UUID; repeating the command with the same id is harmless [default: drawn]
    #[arg(long, value_name = "UUID")]
    id: Option<String>,
    /// Only check: show the task as it would be
    #[arg(long)]
    dry_run: bool,
}

/// How long it may take.
#[derive(Args)]
pub(super) struct TimeoutArgs {
    /// How long it may wait in its queue; then it fails
    #[arg(long, value_name = "TIME", value_parser = parse::span, help_heading = "Timeouts")]
    queue_timeout: Option<Duration>,
    /// How long one attempt may take; then it ends, and may be tried again
    #[arg(long, value_name = "TIME", value_parser = parse::span, help_heading = "Timeouts")]
    attempt_timeout: Option<Duration>,
    /// How long all may take, waits included; then it fails
    #[arg(long, value_name = "TIME", value_parser = parse::span, help_heading = "Timeouts")]
    total_timeout: Option<Duration>,
}

impl TimeoutArgs {
    pub(super) fn timeouts(&self) -> Option<TaskTimeouts> {
        let timeouts = TaskTimeouts {
            queue_timeout: self.queue_timeout.map(value::span),
            attempt_timeout: self.attempt_timeout.map(value::span),
            total_timeout: self.total_timeout.map(value::span),
        };
        (timeouts != TaskTimeouts::default()).then_some(timeouts)
    }
}

/// By what it is told from others.
#[derive(Args)]
struct DedupArgs {
    /// Nothing is created while another task holds this key: that one is shown
    #[arg(long, value_name = "KEY", group = "dedup", help_heading = "Dedup")]
    dedup_key: Option<String>,
    /// Derive the key from creator, type, assignee, title, input and the label request_id
    #[arg(long, group = "dedup", help_heading = "Dedup")]
    dedup_derived: bool,
    /// What to do where another task holds the key [default: return-existing]
    #[arg(long, value_name = "POLICY", requires = "dedup", help_heading = "Dedup")]
    dedup_policy: Option<OnDuplicate>,
    /// How long the key is held [default: while the task is open]
    #[arg(long, value_name = "TIME", value_parser = parse::span, requires = "dedup", help_heading = "Dedup")]
    dedup_window: Option<Duration>,
}

impl DedupArgs {
    fn dedup(&self) -> Option<Dedup> {
        if self.dedup_key.is_none() && !self.dedup_derived {
            return None;
        }
        let mut dedup = Dedup {
            key: self.dedup_key.clone().unwrap_or_default(),
            derive_key: self.dedup_derived,
            window: self.dedup_window.map(value::span),
            ..Dedup::default()
        };
        if let Some(OnDuplicate(policy)) = self.dedup_policy {
            dedup.set_policy(policy);
        }
        Some(dedup)
    }
}

pub(super) async fn create(session: &Session, args: CreateArgs) -> Result<Exit, Failure> {
    let dedup = args.dedup.dedup();
    let call = session.client.create(new_task(args));
    let task = call.with(|request| request.dedup = dedup).await?;
    session.screen.task_row(&task)?;
    if task.deduplicated() {
        session
            .screen
            .note("nothing was created: this task holds the key");
    }
    Ok(Exit::Done)
}

fn new_task(args: CreateArgs) -> NewTask {
    let policy = args.max_attempts.map(|max_attempts| RetryPolicy {
        max_attempts: Some(max_attempts),
        initial_backoff: args.backoff.map(value::span),
        ..RetryPolicy::default()
    });
    let mut new = NewTask::new(args.task_type).with(|task| {
        task.title = args.title.unwrap_or_default();
        task.description = args.description.unwrap_or_default();
        task.input = args.input.map(|Json(text)| value::json_text(text));
        task.queue = args.queue.unwrap_or_default();
        task.labels = args.labels.into_iter().collect();
        task.metadata = args.metadata.map(value::to_struct);
        task.assignee = args.assignee;
        task.parent_id = args.parent.unwrap_or_default();
        task.dependencies = args.dependencies;
        task.schedule_time = args.at;
        task.retry_policy = policy;
        task.timeouts = args.timeouts.timeouts();
        if args.needs_receipt {
            task.verification = Some(Verification {
                mode: VerificationMode::Receipt.into(),
                grace: args.grace.map(value::span),
            });
        }
        if let Some(Priority(priority)) = args.priority {
            task.set_priority(priority);
        }
    });
    if let Some(delay) = args.r#in {
        new = new.delay(delay);
    }
    if let Some(id) = args.id {
        new = new.id(id);
    }
    if args.hold {
        new = new.hold();
    }
    if args.needs_approval {
        new = new.needs_approval();
    }
    if args.dry_run {
        new = new.validate_only();
    }
    new
}
