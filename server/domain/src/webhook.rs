//! Webhooks: subscriptions to the events of a namespace, each with a place in its log.
//!
//! The rules know what is subscribed to and how far it was told. Who connects where, and when something is tried again, is
//! found out where it is sent.

use std::fmt;

use uuid::Uuid;

use crate::actor::Actor;
use crate::event::EventType;
use crate::names::named_enum;
use crate::time::Timestamp;

/// Webhooks of one server: each has a loop of its own, and up to a thousand events in memory.
pub const WEBHOOKS: usize = 100;
/// Secrets that sign together, while one takes the place of the other.
pub const SECRETS: usize = 2;
/// Bytes of a URL.
pub const URL_BYTES: usize = 2_048;
/// Characters that are kept of what went wrong.
const ERROR_CHARS: usize = 300;

named_enum! {
    /// What a message looks like. Numbers are those of the proto enum.
    WebhookFormat {
        /// Type, time and the event, as Standard Webhooks has it.
        Standard = 1, "STANDARD";
        /// One line of text, as Slack's incoming webhooks take it.
        Slack = 2, "SLACK";
    }
}

/// Names one webhook for ever; its name may be given again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WebhookId(pub Uuid);

/// What signs messages, as text. It is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct WebhookSecret(pub String);

impl fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebhookSecret(..)")
    }
}

/// What clients say of a webhook. Its URL may hold a secret too: it is shown to callers, not in logs.
#[derive(Clone, PartialEq)]
pub struct WebhookSpec {
    /// For people.
    pub description: String,
    /// Where messages go.
    pub url: String,
    /// Over the fields that every event carries; empty: all events.
    pub filter: String,
    /// Sorted, none twice; empty: all types.
    pub types: Vec<EventType>,
    /// What a message looks like.
    pub format: WebhookFormat,
    /// One or two; all of them sign.
    pub secrets: Vec<WebhookSecret>,
}

impl fmt::Debug for WebhookSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebhookSpec")
            .field("filter", &self.filter)
            .field("types", &self.types)
            .field("format", &self.format)
            .finish_non_exhaustive()
    }
}

/// How far a webhook is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WebhookProgress {
    /// Everything up to this position of the log is delivered, given up, or not subscribed to.
    pub position: i64,
    /// Messages that were taken.
    pub delivered: i64,
    /// Events that are not tried any more.
    pub given_up: i64,
    /// When a message was last taken.
    pub delivery_time: Option<Timestamp>,
    /// What went wrong last; empty once a message was taken after it.
    pub error: String,
    /// When that was.
    pub error_time: Option<Timestamp>,
}

impl WebhookProgress {
    /// Notes that something went wrong at `now`.
    pub fn fail(&mut self, why: &str, now: Timestamp) {
        self.error = why.chars().take(ERROR_CHARS).collect();
        self.error_time = Some(now);
    }

    /// Notes that a message was taken at `now`.
    pub fn deliver(&mut self, now: Timestamp) {
        self.delivered += 1;
        self.delivery_time = Some(now);
        self.error.clear();
        self.error_time = None;
    }
}

/// A webhook to be.
#[derive(Clone, Debug, PartialEq)]
pub struct NewWebhook {
    /// Drawn.
    pub id: WebhookId,
    /// Whose events it is told of.
    pub namespace: String,
    /// Unique within the namespace.
    pub name: String,
    /// What is said of it.
    pub spec: WebhookSpec,
    /// It begins paused.
    pub paused: bool,
    /// Why, for people.
    pub note: String,
    /// Who creates it.
    pub creator: Actor,
}

/// A webhook.
#[derive(Clone, Debug, PartialEq)]
pub struct Webhook {
    /// Names it for ever.
    pub id: WebhookId,
    /// Whose events it is told of.
    pub namespace: String,
    /// Unique within the namespace.
    pub name: String,
    /// What is said of it.
    pub spec: WebhookSpec,
    /// It sends nothing.
    pub paused: bool,
    /// Why, for people.
    pub note: String,
    /// How far it is.
    pub progress: WebhookProgress,
    /// Who created it.
    pub creator: Actor,
    /// When it was created.
    pub create_time: Timestamp,
    /// When it was last edited, paused or resumed.
    pub update_time: Timestamp,
    /// Rises with each edit, pause and resume, not with progress.
    pub revision: i64,
}

/// New values of fields; `None`: as it is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WebhookEdit {
    /// See [`WebhookSpec::description`].
    pub description: Option<String>,
    /// See [`WebhookSpec::url`].
    pub url: Option<String>,
    /// See [`WebhookSpec::filter`].
    pub filter: Option<String>,
    /// See [`WebhookSpec::types`].
    pub types: Option<Vec<EventType>>,
    /// See [`WebhookSpec::format`].
    pub format: Option<WebhookFormat>,
    /// See [`WebhookSpec::secrets`].
    pub secrets: Option<Vec<WebhookSecret>>,
}

impl Webhook {
    /// A webhook that is created at `now` and told of what comes after `position`.
    #[must_use]
    pub fn create(new: NewWebhook, position: i64, now: Timestamp) -> Self {
        let NewWebhook {
            id,
            namespace,
            name,
            spec,
            paused,
            note,
            creator,
        } = new;
        Self {
            id,
            namespace,
            name,
            spec,
            paused,
            note,
            progress: WebhookProgress {
                position,
                ..WebhookProgress::default()
            },
            creator,
            create_time: now,
            update_time: now,
            revision: 1,
        }
    }

    /// The webhook after `edit`; one that changes nothing leaves it as it is.
    #[must_use]
    pub fn edit(&self, edit: WebhookEdit, now: Timestamp) -> Self {
        let WebhookEdit {
            description,
            url,
            filter,
            types,
            format,
            secrets,
        } = edit;
        let before = self.spec.clone();
        let spec = WebhookSpec {
            description: description.unwrap_or(before.description),
            url: url.unwrap_or(before.url),
            filter: filter.unwrap_or(before.filter),
            types: types.unwrap_or(before.types),
            format: format.unwrap_or(before.format),
            secrets: secrets.unwrap_or(before.secrets),
        };
        if spec == self.spec {
            return self.clone();
        }
        Self {
            spec,
            ..self.touched(now)
        }
    }

    /// The webhook, paused or not. What it missed meanwhile it is told of when it goes on.
    #[must_use]
    pub fn set_paused(&self, paused: bool, note: String, now: Timestamp) -> Self {
        if self.paused == paused && self.note == note {
            return self.clone();
        }
        Self {
            paused,
            note,
            ..self.touched(now)
        }
    }

    /// The webhook, so far.
    #[must_use]
    pub fn advance(&self, progress: WebhookProgress) -> Self {
        Self {
            progress,
            ..self.clone()
        }
    }

    fn touched(&self, now: Timestamp) -> Self {
        Self {
            update_time: now,
            revision: self.revision + 1,
            ..self.clone()
        }
    }
}
