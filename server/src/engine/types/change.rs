//! What callers change of types, in a batch.

use std::collections::BTreeMap;
use std::sync::Arc;

use baton_domain::task_type::TYPES;
use baton_domain::{TaskId, TaskType};

use super::known::{Changed, KnownType};
use super::{Schemas, TypeAction, TypeChange, TypeDone, Types, task_type_etag};
use crate::engine::batch::Batch;
use crate::engine::error::Error;
use crate::engine::job::RequestKey;
use crate::store::{RequestRecord, WriteBatch};

/// The types of one batch: as they are known, and as the jobs decided so far leave them. Whoever commits is the only one who
/// changes what is known, so that is what the store has.
pub(in crate::engine) struct TypesOfBatch {
    known: Arc<Types>,
    changed: BTreeMap<(String, String), Option<Arc<KnownType>>>,
}

impl TypesOfBatch {
    pub(in crate::engine) const fn new(known: Arc<Types>) -> Self {
        Self {
            known,
            changed: BTreeMap::new(),
        }
    }

    pub(super) fn is_silent(&self) -> bool {
        self.changed.is_empty() && self.known.is_silent()
    }

    pub(super) fn refuses_unknown(&self) -> bool {
        self.known.unknown == crate::config::UnknownTypes::Refuse
    }

    /// The type as it stands within the batch.
    pub(in crate::engine) fn get(&self, namespace: &str, name: &str) -> Option<Arc<KnownType>> {
        if !self.changed.is_empty()
            && let Some(changed) = self.changed.get(&(namespace.to_owned(), name.to_owned()))
        {
            return changed.clone();
        }
        self.known.get(namespace, name)
    }

    fn count(&self) -> usize {
        let changed = self.changed.iter();
        changed.fold(self.known.count(), |count, ((namespace, name), now)| {
            let before = usize::from(self.known.get(namespace, name).is_some());
            count + usize::from(now.is_some()) - before
        })
    }

    fn put(&mut self, task_type: TaskType, schemas: Schemas) -> Arc<TaskType> {
        let key = (task_type.namespace.clone(), task_type.name.clone());
        let task_type = Arc::new(task_type);
        let known = KnownType {
            task_type: Arc::clone(&task_type),
            schemas,
        };
        self.changed.insert(key, Some(Arc::new(known)));
        task_type
    }

    /// Fills the rows of `batch`. However often a type was changed, its row is written once.
    pub(in crate::engine) fn write_into(&self, batch: &mut WriteBatch) {
        for ((namespace, name), now) in &self.changed {
            let before = self.known.get(namespace, name);
            let before = before.map(|known| Arc::clone(&known.task_type));
            let now = now.as_ref().map(|known| Arc::clone(&known.task_type));
            match (before, now) {
                (Some(before), Some(now)) if before.id == now.id => {
                    if before != now {
                        batch.task_types_updated.push(now);
                    }
                }
                (before, now) => {
                    batch.task_types_removed.extend(before);
                    batch.task_types_added.extend(now);
                }
            }
        }
    }

    /// What is to be known once it is committed.
    pub(in crate::engine) fn into_changed(self) -> Vec<Changed> {
        let changed = self.changed.into_iter();
        changed
            .map(|((namespace, name), now)| (namespace, name, now))
            .collect()
    }
}

impl Batch {
    /// Decides one change. An error leaves no trace in the batch.
    pub(in crate::engine) fn change_type(
        &mut self,
        change: &TypeChange,
        request: Option<&RequestKey>,
    ) -> Result<TypeDone, Error> {
        let TypeChange {
            namespace,
            name,
            etag,
            action,
        } = change;
        let known = self.types.get(namespace, name);
        let (id, task_type) = if let TypeAction::Register(new, schemas) = action {
            let found = match known {
                Some(known) if known.task_type.spec == new.spec => Arc::clone(&known.task_type),
                Some(_) => return Err(Error::TypeExists { name: name.clone() }),
                None if self.types.count() >= TYPES => return Err(Error::TooManyTypes),
                None => {
                    let created = TaskType::create((**new).clone(), self.now);
                    self.types.put(created, schemas.clone())
                }
            };
            (found.id, Some(found))
        } else {
            let before = known.ok_or_else(|| Error::TypeNotFound { name: name.clone() })?;
            let current = task_type_etag(&before.task_type);
            if etag.as_ref().is_some_and(|etag| *etag != current) {
                return Err(Error::EtagMismatch { current });
            }
            (before.task_type.id, self.change_known_type(&before, action))
        };
        if let Some(key) = request {
            // A type has an id of the same kind; only calls of its service read it as one.
            self.record(key, namespace, (vec![TaskId(id.0)], 0));
        }
        Ok(TypeDone {
            task_type,
            replayed: false,
        })
    }

    fn change_known_type(&mut self, before: &KnownType, action: &TypeAction) -> Option<Arc<TaskType>> {
        match action {
            TypeAction::Register(..) => Some(Arc::clone(&before.task_type)),
            TypeAction::Delete => {
                let TaskType { namespace, name, .. } = &*before.task_type;
                self.types.changed.insert((namespace.clone(), name.clone()), None);
                None
            }
            TypeAction::Update(edit, schemas) => {
                let edited = |touched: bool, new: &Option<_>, old: &Option<_>| {
                    if touched {
                        Clone::clone(new)
                    } else {
                        Clone::clone(old)
                    }
                };
                let schemas = Schemas {
                    input: edited(edit.input_schema.is_some(), &schemas.input, &before.schemas.input),
                    output: edited(
                        edit.output_schema.is_some(),
                        &schemas.output,
                        &before.schemas.output,
                    ),
                };
                let after = before.task_type.edit((**edit).clone(), self.now);
                Some(self.types.put(after, schemas))
            }
        }
    }

    /// The answer to a change that was made before.
    pub(in crate::engine) fn replay_type(
        &self,
        change: &TypeChange,
        record: &RequestRecord,
    ) -> Result<TypeDone, Error> {
        let TypeChange {
            namespace,
            name,
            action,
            ..
        } = change;
        let found = self.types.get(namespace, name);
        let is_it = |known: &Arc<KnownType>| record.task_ids.first() == Some(&TaskId(known.task_type.id.0));
        let found = found.filter(is_it);
        if found.is_none() && !matches!(action, TypeAction::Delete) {
            return Err(Error::TypeNotFound { name: name.clone() });
        }
        Ok(TypeDone {
            task_type: found.map(|known| Arc::clone(&known.task_type)),
            replayed: true,
        })
    }
}
