//! The webhooks that are known: all of them, in memory.

use std::collections::BTreeMap;
use std::sync::Arc;

use baton_domain::Webhook;
use parking_lot::RwLock;
use tokio::sync::watch as latest;

type Key = (String, String);

/// What changed: namespace and name, and the webhook as it stands now.
pub(in crate::engine) type Changed = (Key, Option<Arc<Webhook>>);

/// All webhooks as the last commit left them.
#[derive(Debug)]
pub(crate) struct Webhooks {
    known: RwLock<BTreeMap<Key, Arc<Webhook>>>,
    /// Rises with each change that is more than progress.
    changes: latest::Sender<u64>,
}

impl Webhooks {
    pub(in crate::engine) fn new(webhooks: Vec<Webhook>) -> Self {
        let known = Self {
            known: RwLock::default(),
            changes: latest::Sender::new(0),
        };
        known.reload(webhooks);
        known
    }

    /// Takes what the store has in place of what was known.
    pub(in crate::engine) fn reload(&self, webhooks: Vec<Webhook>) {
        let keyed = |webhook: Webhook| {
            let key = (webhook.namespace.clone(), webhook.name.clone());
            (key, Arc::new(webhook))
        };
        *self.known.write() = webhooks.into_iter().map(keyed).collect();
        self.changes.send_modify(|changes| *changes += 1);
    }

    pub(super) fn count(&self) -> usize {
        self.known.read().len()
    }

    pub(super) fn get(&self, namespace: &str, name: &str) -> Option<Arc<Webhook>> {
        let key = (namespace.to_owned(), name.to_owned());
        self.known.read().get(&key).cloned()
    }

    pub(super) fn page(&self, namespace: &str, after: &str, limit: usize) -> Vec<Arc<Webhook>> {
        let known = self.known.read();
        let rest = known.range((namespace.to_owned(), after.to_owned())..);
        let rest = rest.take_while(|((of, _), _)| of == namespace);
        let rest = rest.filter(|((_, name), _)| name != after);
        rest.take(limit).map(|(_, webhook)| Arc::clone(webhook)).collect()
    }

    /// All of them.
    pub(crate) fn all(&self) -> Vec<Arc<Webhook>> {
        self.known.read().values().cloned().collect()
    }

    /// Told whenever one comes, goes, or is to be delivered otherwise than before.
    pub(crate) fn changes(&self) -> latest::Receiver<u64> {
        self.changes.subscribe()
    }

    /// Takes into account what a commit changed.
    pub(in crate::engine) fn apply(&self, changed: Vec<Changed>) {
        let mut others = false;
        for (key, now) in changed {
            let mut known = self.known.write();
            let before = known.get(&key).map(|before| (before.id, before.revision));
            others |= before != now.as_ref().map(|now| (now.id, now.revision));
            match now {
                Some(now) => known.insert(key, now),
                None => known.remove(&key),
            };
        }
        if others {
            self.changes.send_modify(|changes| *changes += 1);
        }
    }
}
