//! What callers change of webhooks, and how far they are, in a batch.

use std::collections::BTreeMap;
use std::sync::Arc;

use baton_domain::webhook::WEBHOOKS;
use baton_domain::{TaskId, Webhook};

use super::known::Changed;
use super::{WebhookAction, WebhookChange, WebhookDone, Webhooks, webhook_etag};
use crate::engine::batch::Batch;
use crate::engine::error::Error;
use crate::engine::job::RequestKey;
use crate::store::{RequestRecord, WriteBatch};

/// The webhooks of one batch: as they are known, and as the jobs decided so far leave them. Whoever commits is the only one who
/// changes what is known, so that is what the store has.
pub(in crate::engine) struct WebhooksOfBatch {
    known: Arc<Webhooks>,
    changed: BTreeMap<(String, String), Option<Arc<Webhook>>>,
}

impl WebhooksOfBatch {
    pub(in crate::engine) const fn new(known: Arc<Webhooks>) -> Self {
        Self {
            known,
            changed: BTreeMap::new(),
        }
    }

    fn get(&self, namespace: &str, name: &str) -> Option<Arc<Webhook>> {
        let changed = self.changed.get(&(namespace.to_owned(), name.to_owned()));
        changed
            .cloned()
            .unwrap_or_else(|| self.known.get(namespace, name))
    }

    fn count(&self) -> usize {
        let changed = self.changed.iter();
        changed.fold(self.known.count(), |count, ((namespace, name), now)| {
            let before = usize::from(self.known.get(namespace, name).is_some());
            count + usize::from(now.is_some()) - before
        })
    }

    fn put(&mut self, webhook: Webhook) -> Arc<Webhook> {
        let key = (webhook.namespace.clone(), webhook.name.clone());
        let webhook = Arc::new(webhook);
        self.changed.insert(key, Some(Arc::clone(&webhook)));
        webhook
    }

    /// Fills the rows of `batch`. However often a webhook was changed, its row is written once.
    pub(in crate::engine) fn write_into(&self, batch: &mut WriteBatch) {
        for ((namespace, name), now) in &self.changed {
            let before = self.known.get(namespace, name);
            match (before, now.clone()) {
                (Some(before), Some(now)) if before.id == now.id => {
                    if before != now {
                        batch.webhooks_updated.push(now);
                    }
                }
                (before, now) => {
                    batch.webhooks_removed.extend(before);
                    batch.webhooks_added.extend(now);
                }
            }
        }
    }

    /// What is to be known once it is committed.
    pub(in crate::engine) fn into_changed(self) -> Vec<Changed> {
        self.changed.into_iter().collect()
    }
}

impl Batch {
    /// Decides one change. An error leaves no trace in the batch.
    pub(in crate::engine) fn change_webhook(
        &mut self,
        change: &WebhookChange,
        request: Option<&RequestKey>,
    ) -> Result<WebhookDone, Error> {
        let WebhookChange {
            namespace,
            name,
            etag,
            action,
        } = change;
        let known = self.webhooks.get(namespace, name);
        let (id, webhook) = if let WebhookAction::Create(new) = action {
            if known.is_some() {
                return Err(Error::WebhookExists { name: name.clone() });
            }
            if self.webhooks.count() >= WEBHOOKS {
                return Err(Error::TooManyWebhooks);
            }
            let created = Webhook::create((**new).clone(), self.last_position(namespace), self.now);
            (new.id, Some(self.webhooks.put(created)))
        } else {
            let before = known.ok_or_else(|| Error::WebhookNotFound { name: name.clone() })?;
            let current = webhook_etag(&before);
            if etag.as_ref().is_some_and(|etag| *etag != current) {
                return Err(Error::EtagMismatch { current });
            }
            (before.id, self.change_known_webhook(&before, action))
        };
        if let Some(key) = request {
            // A webhook has an id of the same kind; only calls of its service read it as one.
            self.record(key, namespace, (vec![TaskId(id.0)], 0));
        }
        Ok(WebhookDone {
            webhook,
            replayed: false,
        })
    }

    fn change_known_webhook(
        &mut self,
        before: &Arc<Webhook>,
        action: &WebhookAction,
    ) -> Option<Arc<Webhook>> {
        let after = match action {
            WebhookAction::Create(_) => return Some(Arc::clone(before)),
            WebhookAction::Delete => {
                let key = (before.namespace.clone(), before.name.clone());
                self.webhooks.changed.insert(key, None);
                return None;
            }
            WebhookAction::Update(edit) => before.edit((**edit).clone(), self.now),
            WebhookAction::Pause { note } => before.set_paused(true, note.clone(), self.now),
            WebhookAction::Resume { note } => before.set_paused(false, note.clone(), self.now),
            WebhookAction::Advance { id, progress, stop } => {
                if *id != before.id {
                    return Some(Arc::clone(before));
                }
                let after = before.advance((**progress).clone());
                match stop {
                    Some(why) => after.set_paused(true, why.clone(), self.now),
                    None => after,
                }
            }
        };
        Some(self.webhooks.put(after))
    }

    /// The answer to a change that was made before.
    pub(in crate::engine) fn replay_webhook(
        &self,
        change: &WebhookChange,
        record: &RequestRecord,
    ) -> Result<WebhookDone, Error> {
        let WebhookChange {
            namespace,
            name,
            action,
            ..
        } = change;
        let found = self.webhooks.get(namespace, name);
        let found = found.filter(|known| record.task_ids.first() == Some(&TaskId(known.id.0)));
        if found.is_none() && !matches!(action, WebhookAction::Delete) {
            return Err(Error::WebhookNotFound { name: name.clone() });
        }
        Ok(WebhookDone {
            webhook: found,
            replayed: true,
        })
    }
}
