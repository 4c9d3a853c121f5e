//! What a batch reads for changes of queues: the tasks that are leased, where they are to be counted anew, and how many
//! are open, where a queue is to go.

use std::collections::HashMap;
use std::sync::Arc;

use baton_domain::TaskId;

use super::{QueueAction, QueueChange, Queues};
use crate::engine::committer::{Committer, Failure};
use crate::engine::job::{Job, Work};
use crate::engine::load::Loader;

/// Namespace, name, and the label of the key.
type Counted = (String, String, Option<String>);

/// As the store has it.
#[derive(Default)]
pub(in crate::engine) struct QueueReads {
    /// Leased tasks, each with its key.
    pub(super) leased: HashMap<Counted, Vec<(TaskId, Option<String>)>>,
    /// Open tasks, by namespace and name.
    pub(super) open: HashMap<(String, String), i64>,
}

impl Committer {
    /// What is known of queues is to be read before anything else is decided.
    pub(in crate::engine) fn forget_queues(&mut self) {
        Arc::make_mut(&mut self.queues).forget();
    }

    /// Learns which queues there are, where that is not known.
    pub(in crate::engine) async fn learn_queues(&mut self) -> Result<(), Failure> {
        if !self.queues.is_read() {
            let (queues, keys) = self.loader.store.all_queues().await.map_err(Failure::down)?;
            self.queues = Arc::new(Queues::of(queues, keys));
        }
        Ok(())
    }
}

impl Loader {
    /// Reads what changes of queues among `jobs` look at.
    pub(in crate::engine) async fn load_queues(&self, jobs: &[Job]) -> Result<QueueReads, Failure> {
        let mut reads = QueueReads::default();
        for job in jobs {
            let Work::Queue(change) = &job.work else { continue };
            let QueueChange {
                namespace,
                name,
                etag: _,
                action,
            } = &**change;
            let label = match action {
                QueueAction::Create(new) => Some(new.spec.keys.as_ref().map(|keys| keys.label.clone())),
                QueueAction::Update(edit) => {
                    let label = edit.key_label.clone();
                    label.map(|label| Some(label).filter(|label| !label.is_empty()))
                }
                QueueAction::Delete => {
                    let groups = self.store.task_groups_of(namespace, name).await;
                    let groups = groups.map_err(Failure::down)?;
                    let open = groups.iter().filter(|group| group.state.is_open());
                    let open = open.map(|group| group.count).sum();
                    reads.open.insert((namespace.clone(), name.clone()), open);
                    None
                }
                QueueAction::Pause { .. } | QueueAction::Resume { .. } => None,
            };
            let Some(label) = label else { continue };
            let found = self.store.leased_of((namespace, name), label.as_deref()).await;
            let found = found.map_err(Failure::down)?.into_iter();
            let leased = found.map(|task| (task.id, task.key)).collect();
            reads
                .leased
                .insert((namespace.clone(), name.clone(), label), leased);
        }
        Ok(reads)
    }
}
