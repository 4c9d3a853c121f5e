//! Webhooks in the engine: known in memory, changed through the committer like everything else. Who delivers is told of every
//! change of the whole, and tells in turn how far each is.

mod change;
mod known;

use std::sync::Arc;

use baton_domain::webhook::NewWebhook;
use baton_domain::{Webhook, WebhookEdit, WebhookId, WebhookProgress};

use super::job::{RequestKey, Told, Work};
use super::{Class, Engine, Error};

pub(super) use change::WebhooksOfBatch;
pub(super) use known::{Changed, Webhooks};

/// What is asked of one webhook.
#[derive(Clone, Debug)]
pub struct WebhookChange {
    /// Whose events it is told of.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Must match where given.
    pub etag: Option<String>,
    /// What for.
    pub action: WebhookAction,
}

/// What may be asked of a webhook.
#[derive(Clone, Debug)]
pub enum WebhookAction {
    /// Make it, under the name of the change.
    Create(Box<NewWebhook>),
    /// Edit fields.
    Update(Box<WebhookEdit>),
    /// Forget it.
    Delete,
    /// Send nothing.
    Pause {
        /// Why, for people.
        note: String,
    },
    /// Go on.
    Resume {
        /// Why, for people.
        note: String,
    },
    /// Note how far it is. One of another id, under the same name, is left alone.
    Advance {
        /// Which.
        id: WebhookId,
        /// How far.
        progress: Box<WebhookProgress>,
        /// Pause it too, and why.
        stop: Option<String>,
    },
}

/// What a change did.
#[derive(Clone, Debug)]
pub struct WebhookDone {
    /// The webhook after it; `None` once it is gone.
    pub webhook: Option<Arc<Webhook>>,
    /// This call was made before: the webhook is as it stands now.
    pub replayed: bool,
}

/// The webhook's etag: changes with every edit, pause and resume, and not with its progress.
#[must_use]
pub fn webhook_etag(webhook: &Webhook) -> String {
    format!("\"{}\"", webhook.revision)
}

impl WebhookAction {
    /// Its place in the queue: what makes something new is the first to be refused.
    const fn class(&self) -> Class {
        match self {
            Self::Create(_) => Class::Create,
            Self::Update(_) | Self::Delete | Self::Pause { .. } | Self::Resume { .. } => Class::Move,
            Self::Advance { .. } => Class::Vital,
        }
    }

    /// What it brings along, roughly.
    pub(super) fn heap_bytes(&self) -> usize {
        match self {
            Self::Create(new) => new.spec.description.len() + new.spec.filter.len() + new.note.len(),
            Self::Update(edit) => {
                let len = |text: &Option<String>| text.as_ref().map_or(0, String::len);
                len(&edit.description) + len(&edit.filter)
            }
            Self::Pause { note } | Self::Resume { note } => note.len(),
            Self::Delete | Self::Advance { .. } => 0,
        }
    }
}

impl Engine {
    /// Every webhook, and news of them.
    pub(crate) fn webhooks(&self) -> &Webhooks {
        &self.shared.webhooks
    }

    /// Creates, changes or deletes one webhook.
    ///
    /// # Errors
    /// [`Error::WebhookNotFound`], [`Error::WebhookExists`], [`Error::TooManyWebhooks`], [`Error::EtagMismatch`],
    /// [`Error::RequestIdReused`], and what the queue and the store may do.
    pub async fn change_webhook(
        &self,
        change: WebhookChange,
        request: Option<RequestKey>,
    ) -> Result<WebhookDone, Error> {
        let name = change.name.clone();
        let class = change.action.class();
        match self.ask(class, Work::Webhook(Box::new(change)), request).await? {
            Told::Webhook(done) => Ok(*done),
            // No job of this kind is answered otherwise.
            Told::Tasks(_) | Told::Schedule(_) | Told::Type(_) | Told::Queue(_) => {
                Err(Error::WebhookNotFound { name })
            }
        }
    }

    /// Notes how far a webhook is, and pauses it where `stop` says why. Of one that is gone nothing is noted.
    pub(crate) async fn advance_webhook(
        &self,
        webhook: &Webhook,
        progress: WebhookProgress,
        stop: Option<String>,
    ) -> Result<(), Error> {
        let change = WebhookChange {
            namespace: webhook.namespace.clone(),
            name: webhook.name.clone(),
            etag: None,
            action: WebhookAction::Advance {
                id: webhook.id,
                progress: Box::new(progress),
                stop,
            },
        };
        match self.change_webhook(change, None).await {
            Ok(_) | Err(Error::WebhookNotFound { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// The webhook of that name in `namespace`.
    #[must_use]
    pub fn webhook(&self, namespace: &str, name: &str) -> Option<Arc<Webhook>> {
        self.webhooks().get(namespace, name)
    }

    /// At most `limit` webhooks of `namespace` whose names come after `after`, by their names.
    #[must_use]
    pub fn list_webhooks(&self, namespace: &str, after: &str, limit: usize) -> Vec<Arc<Webhook>> {
        self.webhooks().page(namespace, after, limit)
    }
}
