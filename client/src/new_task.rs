//! Tasks to be created.

use std::time::Duration;

use baton_proto::v1::{
    Actor, CreateTaskRequest, Dedup, DedupPolicy, Dependency, DependencyFailureRule, Payload, RetryPolicy,
    Task, TaskFunction, TaskPriority, TaskTimeouts, Verification, VerificationMode,
};
use prost_types::Timestamp;
use serde::Serialize;

use crate::{Error, value};

/// A task to be created, by [`Client::create`](crate::Client::create) or, with others, by
/// [`Client::batch_create`](crate::Client::batch_create).
///
/// Nothing is checked here: the server answers with every violation at once.
///
/// ```
/// # use std::time::Duration;
/// # use baton_client::{NewTask, Priority};
/// # fn main() -> Result<(), baton_client::Error> {
/// let task = NewTask::new("report.generate")
///     .title("Quarterly report")
///     .priority(Priority::High)
///     .label("team", "finance")
///     .attempt_timeout(Duration::from_secs(600))
///     .total_timeout(Duration::from_secs(86_400))
///     .needs_receipt()
///     .input(&serde_json::json!({ "quarter": 3 }))?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[must_use]
pub struct NewTask {
    request: CreateTaskRequest,
}

impl NewTask {
    /// A task of this type; all else is the server's default.
    pub fn new(task_type: impl Into<String>) -> Self {
        Self::default().with(|task| task.r#type = task_type.into())
    }

    /// Changes the task by hand, for what has no method here.
    pub fn with(mut self, change: impl FnOnce(&mut Task)) -> Self {
        change(self.request.task.get_or_insert_default());
        self
    }

    /// The task's id, a UUID. Default: a UUIDv7 is drawn when the call is made.
    pub fn id(mut self, id: impl Into<String>) -> Self {
        self.request.task_id = id.into();
        self
    }

    /// The namespace, in place of the client's.
    pub fn namespace(self, namespace: impl Into<String>) -> Self {
        self.with(|task| task.namespace = namespace.into())
    }

    /// The queue it waits in.
    pub fn queue(self, queue: impl Into<String>) -> Self {
        self.with(|task| task.queue = queue.into())
    }

    /// One line for people.
    pub fn title(self, title: impl Into<String>) -> Self {
        self.with(|task| task.title = title.into())
    }

    /// What it is about, as long text.
    pub fn description(self, description: impl Into<String>) -> Self {
        self.with(|task| task.description = description.into())
    }

    /// How urgent it is.
    pub fn priority(self, priority: TaskPriority) -> Self {
        self.with(|task| task.set_priority(priority))
    }

    /// What to work on, as anything that serde can write as JSON.
    ///
    /// Errors: [`Error::Json`] where it cannot be written.
    pub fn input(self, input: &(impl Serialize + ?Sized)) -> Result<Self, Error> {
        Ok(self.input_payload(value::json(input)?))
    }

    /// What to work on, as a JSON value; it cannot fail to be written.
    pub fn input_json(self, input: &serde_json::Value) -> Self {
        self.input_payload(value::json_text(input.to_string()))
    }

    /// What to work on, as bytes, a URI or JSON text.
    pub fn input_payload(self, input: Payload) -> Self {
        self.with(|task| task.input = Some(input))
    }

    /// Adds a label.
    pub fn label(self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.with(|task| {
            task.labels.insert(key.into(), value.into());
        })
    }

    /// Anything else about it, as a JSON object.
    pub fn metadata(self, metadata: serde_json::Map<String, serde_json::Value>) -> Self {
        self.with(|task| task.metadata = Some(value::to_struct(metadata)))
    }

    /// The function it stands for.
    pub fn function(self, function: TaskFunction) -> Self {
        self.with(|task| task.function = Some(function))
    }

    /// Who is to do it: it is ASSIGNED to them as soon as it is ready.
    pub fn assignee(self, assignee: Actor) -> Self {
        self.with(|task| task.assignee = Some(assignee))
    }

    /// The task it is a part of.
    pub fn parent(self, id: impl Into<String>) -> Self {
        self.with(|task| task.parent_id = id.into())
    }

    /// Waits for another task; if that fails, this one fails too.
    pub fn depends_on(self, id: impl Into<String>) -> Self {
        self.depends_on_with(id, DependencyFailureRule::Fail)
    }

    /// Waits for another task, and does this if that one settles without COMPLETED.
    pub fn depends_on_with(self, id: impl Into<String>, on_failure: DependencyFailureRule) -> Self {
        self.dependency(Dependency {
            task_id: id.into(),
            on_failure: on_failure.into(),
            ..Dependency::default()
        })
    }

    /// Waits for a sibling of the same batch, by its [`reference`](NewTask::reference).
    pub fn depends_on_sibling(self, reference: impl Into<String>) -> Self {
        self.dependency(Dependency {
            r#ref: reference.into(),
            on_failure: DependencyFailureRule::Fail.into(),
            ..Dependency::default()
        })
    }

    fn dependency(self, dependency: Dependency) -> Self {
        self.with(|task| task.dependencies.push(dependency))
    }

    /// Its name in the batch, which dependencies of siblings may use.
    pub fn reference(mut self, reference: impl Into<String>) -> Self {
        self.request.r#ref = reference.into();
        self
    }

    /// When it becomes ready, for example a `SystemTime`. Either this or [`delay`](NewTask::delay).
    pub fn schedule_time(self, time: impl Into<Timestamp>) -> Self {
        self.with(|task| task.schedule_time = Some(time.into()))
    }

    /// Ready after this time, counted by the server.
    pub fn delay(mut self, delay: Duration) -> Self {
        self.request.delay = Some(value::span(delay));
        self
    }

    /// Created PENDING: nobody may run it until it is queued or scheduled.
    pub fn hold(mut self) -> Self {
        self.request.hold = true;
        self
    }

    /// When a failed attempt is tried again.
    pub fn retry_policy(self, policy: RetryPolicy) -> Self {
        self.with(|task| task.retry_policy = Some(policy))
    }

    /// Its end is REVIEW until somebody else than its assignee approves.
    pub fn needs_approval(self) -> Self {
        self.verification(|verification| verification.set_mode(VerificationMode::Manual))
    }

    /// Its end is REVIEW, with a receipt that says how to verify it, until somebody approves or its
    /// [`grace`](NewTask::grace) is over.
    pub fn needs_receipt(self) -> Self {
        self.verification(|verification| verification.set_mode(VerificationMode::Receipt))
    }

    /// With [`needs_receipt`](NewTask::needs_receipt): how long work that was handed in waits for its verification before
    /// Baton decides by the receipt, up to 3,650 days. Default 120 s.
    pub fn grace(self, grace: Duration) -> Self {
        self.verification(|verification| verification.grace = Some(value::span(grace)))
    }

    fn verification(self, change: impl FnOnce(&mut Verification)) -> Self {
        self.with(|task| change(task.verification.get_or_insert_default()))
    }

    /// FAILED where it waits in its queue for longer, each time that it comes into it. Default: it may.
    pub fn queue_timeout(self, timeout: Duration) -> Self {
        self.timeouts(|timeouts| timeouts.queue_timeout = Some(value::span(timeout)))
    }

    /// How long an attempt may take; then it counts as failed, with the outcome TIMEOUT. Default: as long as it takes.
    pub fn attempt_timeout(self, timeout: Duration) -> Self {
        self.timeouts(|timeouts| timeouts.attempt_timeout = Some(value::span(timeout)))
    }

    /// FAILED where it is not settled after this time, waits and pauses included. Default: it may take as long.
    pub fn total_timeout(self, timeout: Duration) -> Self {
        self.timeouts(|timeouts| timeouts.total_timeout = Some(value::span(timeout)))
    }

    fn timeouts(self, change: impl FnOnce(&mut TaskTimeouts)) -> Self {
        self.with(|task| change(task.timeouts.get_or_insert_default()))
    }

    /// Only one task with this key, 1 to 256 characters, while that one is open or for
    /// [`dedup_window`](NewTask::dedup_window): a second create gets the first task, unless
    /// [`dedup_policy`](NewTask::dedup_policy) says otherwise.
    ///
    /// ```no_run
    /// # use std::time::Duration;
    /// # use baton_client::{Client, DedupPolicy, NewTask};
    /// # async fn example(client: Client) -> Result<(), baton_client::Error> {
    /// let task = NewTask::new("invoice.send").dedup_key("invoice-4711");
    /// let sent = client.create(task.dedup_window(Duration::from_secs(24 * 3600))).await?;
    /// if sent.deduplicated() {
    ///     println!("it is on its way already: {}", sent.id);
    /// }
    /// // The newest wish counts, as long as nobody has begun with the one before.
    /// let task = NewTask::new("site.build").dedup_key("site");
    /// client.create(task.dedup_policy(DedupPolicy::ReplacePending)).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn dedup_key(self, key: impl Into<String>) -> Self {
        self.dedup(|dedup| dedup.key = key.into())
    }

    /// As [`dedup_key`](NewTask::dedup_key), with a key that the server derives from what the task is: its creator, type,
    /// assignee, title, input and label `request_id`.
    pub fn dedup_derived(self) -> Self {
        self.dedup(|dedup| dedup.derive_key = true)
    }

    /// What a create gets whose key another task holds. Default RETURN_EXISTING.
    pub fn dedup_policy(self, policy: DedupPolicy) -> Self {
        self.dedup(|dedup| dedup.set_policy(policy))
    }

    /// How long the key is held, whatever becomes of the task. Default: while the task is open.
    pub fn dedup_window(self, window: Duration) -> Self {
        self.dedup(|dedup| dedup.window = Some(value::span(window)))
    }

    fn dedup(mut self, change: impl FnOnce(&mut Dedup)) -> Self {
        change(self.request.dedup.get_or_insert_default());
        self
    }

    /// Who creates it, in place of the client's actor.
    pub fn actor(mut self, actor: Actor) -> Self {
        self.request.actor = Some(actor);
        self
    }

    /// Only checks: the server answers with the task as it would be, and keeps nothing.
    pub fn validate_only(mut self) -> Self {
        self.request.validate_only = true;
        self
    }
}

impl From<NewTask> for CreateTaskRequest {
    fn from(NewTask { request }: NewTask) -> Self {
        request
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use baton_proto::v1::payload::Kind;

    #[test]
    fn what_was_said_stands_in_the_request() {
        let request: CreateTaskRequest = NewTask::new("report")
            .id("019a0000-0000-7000-8000-000000000001")
            .queue("slow")
            .priority(TaskPriority::High)
            .label("a", "1")
            .label("b", "2")
            .input_json(&serde_json::json!({"n": 9_007_199_254_740_993_i64}))
            .depends_on("other")
            .depends_on_sibling("first")
            .delay(Duration::from_millis(1_500))
            .needs_approval()
            .hold()
            .queue_timeout(Duration::from_secs(1))
            .attempt_timeout(Duration::from_secs(2))
            .total_timeout(Duration::from_secs(3))
            .dedup_key("k")
            .dedup_policy(DedupPolicy::Reject)
            .dedup_window(Duration::from_secs(4))
            .into();
        let task = request.task.as_ref().unwrap();
        assert_eq!((task.r#type.as_str(), task.queue.as_str()), ("report", "slow"));
        assert_eq!(task.priority(), TaskPriority::High);
        assert_eq!(task.labels.len(), 2);
        let text = r#"{"n":9007199254740993}"#.to_owned();
        assert_eq!(task.input.as_ref().unwrap().kind, Some(Kind::JsonText(text)));
        assert_eq!(task.dependencies[0].task_id, "other");
        assert_eq!(task.dependencies[1].r#ref, "first");
        assert_eq!(task.verification.unwrap().mode(), VerificationMode::Manual);
        let delay = request.delay.unwrap();
        assert_eq!((delay.seconds, delay.nanos), (1, 500_000_000));
        assert!(request.hold);
        let seconds = |span: Option<prost_types::Duration>| span.unwrap().seconds;
        let limits = task.timeouts.unwrap();
        assert_eq!(
            [limits.queue_timeout, limits.attempt_timeout, limits.total_timeout].map(seconds),
            [1, 2, 3]
        );
        let dedup = request.dedup.as_ref().unwrap();
        assert_eq!((dedup.key.as_str(), dedup.derive_key), ("k", false));
        assert_eq!((dedup.policy(), seconds(dedup.window)), (DedupPolicy::Reject, 4));
        let other: CreateTaskRequest = NewTask::new("a")
            .grace(Duration::from_secs(5))
            .needs_receipt()
            .dedup_derived()
            .into();
        let verification = other.task.unwrap().verification.unwrap();
        assert_eq!(
            (verification.mode(), seconds(verification.grace)),
            (VerificationMode::Receipt, 5)
        );
        assert!(other.dedup.unwrap().derive_key);
        assert_eq!(request.task_id, "019a0000-0000-7000-8000-000000000001");
    }
}
