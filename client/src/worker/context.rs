//! What a handler is given beside its input.

use std::sync::Arc;
use std::time::Duration;

use baton_proto::v1::{LeaseDirective, LeaseRenewal, Payload, Progress, Task};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::Mutex;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::held::{LeaseId, Stop};
use super::shared::Shared;
use crate::value::{self, span};
use crate::{Client, Error, Reason};

/// The longest texts of a progress, in characters.
const STEP_MAX: usize = 256;
const MESSAGE_MAX: usize = 8_192;

/// The longest guess of a progress.
const GUESS_MAX: Duration = Duration::from_secs(3_650 * 86_400);

/// What a handler is given beside its input: the task, what it can tell while it works, and how it hears that it is to
/// stop. Cheap to clone.
#[derive(Clone)]
pub struct Context {
    inner: Arc<Inner>,
}

struct Inner {
    shared: Arc<Shared>,
    grant: Grant,
    parts: Mutex<Parts>,
}

/// A task, and by what right it is worked on.
pub(super) struct Grant {
    pub(super) task: Task,
    pub(super) lease: LeaseId,
    pub(super) token: String,
    pub(super) attempt: i32,
    pub(super) checkpoint: Option<Payload>,
    pub(super) stop: Stop,
}

/// The parts of the output.
#[derive(Default)]
struct Parts {
    next: i32,
    /// One of which nobody knows whether it was taken.
    in_doubt: Option<Payload>,
}

/// Short: whoever has the token of a lease may speak for the task.
impl std::fmt::Debug for Context {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Context")
            .field("lease", &self.inner.grant.lease)
            .finish_non_exhaustive()
    }
}

impl Context {
    pub(super) fn new(shared: Arc<Shared>, grant: Grant) -> Self {
        let inner = Inner {
            shared,
            grant,
            parts: Mutex::default(),
        };
        Context {
            inner: Arc::new(inner),
        }
    }

    /// The task as it was leased.
    pub fn task(&self) -> &Task {
        &self.inner.grant.task
    }

    /// The id of the task.
    pub fn id(&self) -> &str {
        &self.inner.grant.task.id
    }

    /// The number of this attempt, from 1.
    pub fn attempt(&self) -> i32 {
        self.inner.grant.attempt
    }

    /// The fence of this lease: it rises whenever a task is leased. An outside system that keeps the highest fence it saw
    /// of a task, and refuses a lower one, is safe from a worker that was given up and does not know it yet.
    pub fn fence(&self) -> i64 {
        self.inner.grant.lease.fence
    }

    /// The token of the lease, for calls of one's own: see [`Call::lease_token`](crate::Call::lease_token).
    pub fn lease_token(&self) -> &str {
        &self.inner.grant.token
    }

    /// The worker's client.
    pub fn client(&self) -> &Client {
        &self.inner.shared.client
    }

    pub(super) fn lease(&self) -> &LeaseId {
        &self.inner.grant.lease
    }
}

/// When to stop.
impl Context {
    /// Waits until the work is not wanted any more: the task was cancelled or paused, or the lease is lost. Whatever the
    /// handler returns then counts no more; after the worker's grace it is dropped.
    pub async fn cancelled(&self) {
        self.cancellation().cancelled().await;
    }

    /// Whether the work is not wanted any more.
    pub fn is_cancelled(&self) -> bool {
        self.cancellation().is_cancelled()
    }

    /// As [`cancelled`](Self::cancelled), to be handed on.
    pub fn cancellation(&self) -> &CancellationToken {
        &self.inner.grant.stop.token
    }

    /// Why the work is not wanted any more: CANCEL, PAUSE or LOST. Nothing while it is.
    pub fn stop_reason(&self) -> Option<LeaseDirective> {
        self.inner.grant.stop.why.get().copied()
    }

    /// Cancelled once the worker is about to stop. The work is wanted still; a handler that takes longer than the
    /// worker's grace best saves a checkpoint and returns [`Outcome::release`](super::Outcome::release), else it is
    /// dropped then and its task given back.
    pub fn draining(&self) -> &CancellationToken {
        &self.inner.shared.draining
    }

    /// Whether the lease still stands, for all that is known here: false once it is lost, and also once the server could
    /// not be reached for so long that somebody else may have the task. Worth asking before an effect outside of Baton.
    pub fn is_leased(&self) -> bool {
        let mut table = self.inner.shared.table();
        let held = table.get(self.lease());
        held.is_some_and(|held| Instant::now() < held.end)
    }
}

/// What to tell while the work goes on.
impl Context {
    /// Says how much is done, 0 to 100, and what is being done now. See [`set_progress`](Self::set_progress).
    pub fn progress(&self, percent: i32, step: impl Into<String>) {
        self.set_progress(Progress {
            percent: Some(percent),
            current_step: step.into(),
            ..Progress::default()
        });
    }

    /// Says how far the work is. It goes with the next renewal, at once or, where many are told, a moment later; of what
    /// is said in between the newest counts. What is out of range is brought into it.
    pub fn set_progress(&self, mut progress: Progress) {
        progress.percent = progress.percent.map(|percent| percent.clamp(0, 100));
        cut(&mut progress.current_step, STEP_MAX);
        cut(&mut progress.message, MESSAGE_MAX);
        let guess = progress.estimated_time_remaining.take();
        let guess = guess.and_then(|guess| Duration::try_from(guess).ok());
        progress.estimated_time_remaining = guess.map(|guess| span(guess.min(GUESS_MAX)));
        if let Some(held) = self.inner.shared.table().get(self.lease()) {
            held.progress = Some(progress);
            self.inner.shared.to_renew.notify_one();
        }
    }

    /// Where the work can be taken up again: what this task's handler saved last, in this attempt's predecessors.
    ///
    /// Errors: a checkpoint that does not fit the type.
    pub fn checkpoint<T: DeserializeOwned>(&self) -> Result<Option<T>, Error> {
        self.checkpoint_payload().map(value::read_json).transpose()
    }

    /// As [`checkpoint`](Self::checkpoint), as it is.
    pub fn checkpoint_payload(&self) -> Option<&Payload> {
        self.inner.grant.checkpoint.as_ref()
    }

    /// Saves where the work can be taken up again: whoever gets the task next, after a failure, a crash or a restart,
    /// begins there. It replaces the one before.
    ///
    /// Errors: what serde cannot write; whatever the server answers. LEASE_LOST cancels the handler too.
    pub async fn save_checkpoint(&self, checkpoint: &(impl Serialize + ?Sized + Sync)) -> Result<(), Error> {
        self.save_checkpoint_payload(value::json(checkpoint)?).await
    }

    /// As [`save_checkpoint`](Self::save_checkpoint), of whatever kind.
    ///
    /// Errors: as there.
    pub async fn save_checkpoint_payload(&self, checkpoint: Payload) -> Result<(), Error> {
        self.start().await?;
        let call = self.client().save_checkpoint(self.id(), checkpoint);
        let saved = call.lease_token(self.lease_token()).await;
        self.heard(saved).map(drop)
    }

    /// Tells a part of the output while the work goes on; whoever watches the task sees it at once. At most 64 KiB. The
    /// task's output stays what the handler returns.
    ///
    /// Errors: what serde cannot write; whatever the server answers. LEASE_LOST cancels the handler too.
    pub async fn append_output(&self, part: &(impl Serialize + ?Sized + Sync)) -> Result<(), Error> {
        self.append_output_payload(value::json(part)?).await
    }

    /// As [`append_output`](Self::append_output), of whatever kind.
    ///
    /// Errors: as there.
    pub async fn append_output_payload(&self, part: Payload) -> Result<(), Error> {
        self.start().await?;
        let mut parts = self.inner.parts.lock().await;
        // Its place may be taken: with the same content the call says so, with another the part would be lost.
        if let Some(before) = parts.in_doubt.take().filter(|before| *before != part) {
            self.tell_part(&mut parts, before).await?;
        }
        self.tell_part(&mut parts, part).await
    }

    async fn tell_part(&self, parts: &mut Parts, part: Payload) -> Result<(), Error> {
        // Also where the caller is dropped meanwhile.
        parts.in_doubt = Some(part.clone());
        let call = self.client().append_output(self.id(), part).index(parts.next);
        let told = self.heard(call.lease_token(self.lease_token()).await);
        match &told {
            Ok(_) => {
                parts.next += 1;
                parts.in_doubt = None;
            }
            Err(error) if !error.outcome_unknown() => parts.in_doubt = None,
            Err(_) => {}
        }
        told.map(drop)
    }

    /// Tells the server that the work has begun, where it was not told: before that it takes neither checkpoints nor
    /// parts of the output.
    async fn start(&self) -> Result<(), Error> {
        let shared = &self.inner.shared;
        let is_started = shared.table().get(self.lease()).is_none_or(|held| held.started);
        if is_started {
            return Ok(());
        }
        let renewal = LeaseRenewal {
            id: self.id().to_owned(),
            lease_token: self.lease_token().to_owned(),
            progress: None,
            listen_only: false,
        };
        let sent = Instant::now();
        let call = self.client().renew_leases([renewal]);
        let answer = call.with(|request| {
            request.lease_duration = Some(span(shared.settings.lease_duration));
        });
        shared.hear(answer.await?.updates, Some(sent));
        shared.to_renew.notify_one();
        Ok(())
    }

    fn heard<T>(&self, answer: Result<T, Error>) -> Result<T, Error> {
        if let Err(error) = &answer
            && error.reason() == Some(&Reason::LeaseLost)
        {
            self.inner.shared.lose(self.lease());
        }
        answer
    }
}

/// Brings a text into what the server takes: without NUL characters, and not longer than this.
fn cut(text: &mut String, characters: usize) {
    text.retain(|c| c != '\0');
    if let Some((end, _)) = text.char_indices().nth(characters) {
        text.truncate(end);
    }
}
