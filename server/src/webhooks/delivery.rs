//! The loop of one webhook.

use std::sync::Arc;
use std::time::Duration;

use baton_domain::filter::{Filter, Schema};
use baton_domain::{EventType, TaskId, Timestamp, Webhook, WebhookProgress};
use http::StatusCode;
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{debug, error, info, warn};

use super::courier::NotSent;
use super::lines::{Failed, Lines};
use super::{BACKOFF, Post};
use crate::feed::{Logged, ReadError, Reader, Selection};
use crate::metrics;
use crate::seams::monotonic_now;

/// An event that the other side does not take is tried so often: a day of five minutes each.
const TRIES: u32 = 300;
/// One that it refuses for what it says: half an hour.
const TRIES_OF_REFUSED: u32 = 12;
/// How far it is is noted no later than that after something was delivered, given up or failed.
const NOTED_WITHIN: Duration = Duration::from_secs(1);
/// And that after something was read which is not delivered.
const READ_NOTED_WITHIN: Duration = Duration::from_secs(10);
/// And after so many deliveries.
const NOTED_DELIVERIES: u32 = 100;
/// How long answers are waited for at the end. What has none by then is sent again.
const DRAIN: Duration = Duration::from_secs(3);

/// A webhook, and what it has under way.
pub(super) struct Delivery {
    post: Post,
    webhook: Arc<Webhook>,
    selection: Selection,
    reader: Reader,
    /// The log is not read before, after the store failed.
    read_at: i64,
    lines: Lines,
    flights: JoinSet<Landed>,
    progress: WebhookProgress,
    /// By when the progress is to be noted; `None` where it is.
    note_at: Option<i64>,
    unnoted: u32,
    /// Why the webhook is to be paused.
    stopped: Option<String>,
    broken: bool,
}

/// A request that has ended.
struct Landed {
    task: TaskId,
    probed: bool,
    sent: Result<(), NotSent>,
    took: Duration,
}

impl Delivery {
    /// Delivers until `stop` is cancelled or the webhook is to be paused.
    pub(super) async fn keep_up(post: Post, webhook: Arc<Webhook>, stop: CancellationToken) {
        loop {
            let (namespace, name) = (&webhook.namespace, &webhook.name);
            // Where this loop is begun again, it goes on where it was noted to be.
            let known = post.engine.webhook(namespace, name);
            let progress = known.filter(|known| known.id == webhook.id);
            let progress = progress.map_or_else(|| webhook.progress.clone(), |known| known.progress.clone());
            let filter = match Filter::parse(&webhook.spec.filter, Schema::EVENTS) {
                Ok(filter) => filter,
                Err(why) => {
                    error!(
                        namespace,
                        name,
                        why = why.message,
                        "the filter of a webhook cannot be used any more"
                    );
                    return;
                }
            };
            let delivery = Delivery {
                selection: Selection {
                    filter,
                    types: webhook.spec.types.clone(),
                },
                reader: post.engine.feed().reader(namespace, progress.position),
                read_at: 0,
                lines: Lines::new(progress.position),
                flights: JoinSet::new(),
                progress,
                note_at: None,
                unnoted: 0,
                stopped: None,
                broken: false,
                webhook: Arc::clone(&webhook),
                post: post.clone(),
            };
            if delivery.run(&stop).await {
                return;
            }
            let engine = &post.engine;
            let again = engine.clock().now_micros() + micros(BACKOFF);
            tokio::select! {
                () = stop.cancelled() => return,
                () = engine.clock().sleep_until(again) => {}
            }
        }
    }

    /// Answers whether it ended as it should.
    async fn run(mut self, stop: &CancellationToken) -> bool {
        while self.stopped.is_none() && !self.broken {
            self.launch();
            let now = self.now();
            let reads = self.read_at <= now && self.lines.room() > 0;
            let later = [
                self.lines.wake(),
                self.note_at,
                (self.read_at > now).then_some(self.read_at),
            ];
            let due = later.into_iter().flatten().min();
            let clock = self.post.engine.clock().clone();
            tokio::select! {
                () = stop.cancelled() => break,
                Some(landed) = self.flights.join_next() => self.land(landed),
                read = self.reader.next(self.lines.room()), if reads => self.take(read),
                () = clock.sleep_until(due.unwrap_or_default()), if due.is_some() => {}
            }
            if self.note_at.is_some_and(|at| at <= self.now()) || self.unnoted >= NOTED_DELIVERIES {
                self.note().await;
            }
        }
        self.drain().await;
        !self.broken
    }

    fn now(&self) -> i64 {
        self.post.engine.clock().now_micros()
    }

    /// Sends what may be sent.
    fn launch(&mut self) {
        while let Some(next) = self.lines.next(self.now()) {
            let (post, webhook) = (self.post.clone(), Arc::clone(&self.webhook));
            self.flights.spawn(async move {
                let event = next.event;
                let id = message_id(&event);
                let body = (post.write)(&event, webhook.spec.format);
                let began: Instant = monotonic_now();
                let sent = post.courier.post(&webhook.spec, &id, body).await;
                Landed {
                    task: event.task_id,
                    probed: next.probes,
                    sent: sent.map(drop),
                    took: began.elapsed(),
                }
            });
        }
    }

    fn take(&mut self, read: Result<Vec<Arc<Logged>>, ReadError>) {
        match read {
            Ok(events) => {
                let last = events.last().map(|event| event.position);
                for event in events {
                    if self.wants(&event) {
                        self.lines.push(event);
                    }
                }
                self.lines.read_through(last.unwrap_or_default());
                self.note_within(READ_NOTED_WITHIN);
            }
            Err(ReadError::Expired { oldest }) => {
                let Webhook { namespace, name, .. } = &*self.webhook;
                warn!(
                    namespace,
                    name, oldest, "a webhook is behind the beginning of the log: events are lost to it"
                );
                let why =
                    format!("events before position {oldest} were not delivered and are no longer kept");
                self.progress.fail(&why, Timestamp::from_micros(self.now()));
                self.reader = self.post.engine.feed().reader(namespace, oldest - 1);
                self.lines.read_through(oldest - 1);
                self.note_within(NOTED_WITHIN);
            }
            Err(ReadError::Store(error)) => {
                warn!(%error, "the log not read for a webhook, will try again");
                self.read_at = self.now() + micros(BACKOFF);
            }
        }
    }

    /// That a task stops matching is no news here, but for its last event.
    fn wants(&self, event: &Logged) -> bool {
        let types = &self.selection.types;
        let deleted = event.kind == EventType::Deleted && (types.is_empty() || types.contains(&event.kind));
        let selected = self.selection.judge(event);
        selected.is_some_and(|selected| !selected.left || deleted)
    }

    fn land(&mut self, landed: Result<Landed, JoinError>) {
        let Webhook { namespace, name, .. } = &*self.webhook;
        let Landed {
            task,
            probed,
            sent,
            took,
        } = match landed {
            Ok(landed) => landed,
            Err(error) => {
                error!(%error, namespace, name, "a delivery ended by a fault of its own");
                self.broken = true;
                return;
            }
        };
        let now = self.now();
        metrics::webhook_answered(sent.is_ok(), took);
        match sent {
            Ok(()) => {
                self.lines.deliver(task);
                self.progress.deliver(Timestamp::from_micros(now));
                self.unnoted += 1;
            }
            Err(error) => {
                debug!(%error, namespace, name, %task, "an event was not delivered");
                self.progress
                    .fail(&error.to_string(), Timestamp::from_micros(now));
                if error.status() == Some(StatusCode::GONE) {
                    info!(namespace, name, "a webhook is paused: its endpoint is gone");
                    self.stopped = Some("the endpoint answered 410 Gone".to_owned());
                }
                let jitter = self.post.engine.ids().fraction();
                if let Some(event) = self.lines.fail(&failed(&error, (task, probed)), now, jitter) {
                    let id = message_id(&event);
                    warn!(namespace, name, event = id, %error, "an event is given up: it was tried too often");
                    metrics::webhook_given_up();
                    self.progress.given_up += 1;
                }
            }
        }
        self.note_within(NOTED_WITHIN);
    }

    fn note_within(&mut self, time: Duration) {
        let by = self.now() + micros(time);
        self.note_at = Some(self.note_at.map_or(by, |at| at.min(by)));
    }

    async fn note(&mut self) {
        self.progress.position = self.lines.position();
        let noted =
            self.post
                .engine
                .advance_webhook(&self.webhook, self.progress.clone(), self.stopped.clone());
        match noted.await {
            Ok(()) => (self.note_at, self.unnoted) = (None, 0),
            Err(error) => {
                warn!(%error, "how far a webhook is was not noted, will try again");
                (self.note_at, self.unnoted) = (Some(self.now() + micros(BACKOFF)), 0);
            }
        }
    }

    /// Waits for the answers that are still to come, and notes how far it is.
    async fn drain(&mut self) {
        let landing = async {
            while let Some(landed) = self.flights.join_next().await {
                self.land(landed);
            }
        };
        // What has no answer by then is sent again.
        drop(timeout(DRAIN, landing).await);
        if self.note_at.is_some() || self.stopped.is_some() {
            self.note().await;
            // Begun again, it learns again that it is to be paused.
            self.broken |= self.stopped.is_some() && self.note_at.is_some();
        }
    }
}

/// The same for every try, so that whoever gets it again can tell.
fn message_id(event: &Logged) -> String {
    format!("{}_{}", event.task_id, event.sequence)
}

fn failed(error: &NotSent, (task, probed): (TaskId, bool)) -> Failed {
    let (may_pass, retry_after) = match error {
        NotSent::Send(error) => (error.can_repeat(), error.retry_after()),
        NotSent::Unsigned | NotSent::Setup(_) => (true, None),
    };
    Failed {
        task,
        probed,
        most_tries: if may_pass { TRIES } else { TRIES_OF_REFUSED },
        retry_after,
    }
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX / 4)
}
