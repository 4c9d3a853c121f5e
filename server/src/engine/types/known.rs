//! The types that are known: all of them, with their schemas, in memory.

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use baton_domain::TaskType;
use baton_domain::task_type::Defaults;
use bytes::Bytes;
use parking_lot::RwLock;
use tracing::error;

use super::{Mark, Schemas};
use crate::config::UnknownTypes;
use crate::schema::Schema;

/// A type, and its schemas ready for use.
#[derive(Debug)]
pub(in crate::engine) struct KnownType {
    pub(in crate::engine) task_type: Arc<TaskType>,
    pub(super) schemas: Schemas,
}

impl KnownType {
    pub(super) fn mark(&self) -> Mark {
        Mark {
            id: self.task_type.id,
            revision: self.task_type.revision,
        }
    }
}

type ByName = HashMap<String, BTreeMap<String, Arc<KnownType>>>;

/// What changed: namespace, name, and the type as it stands now.
pub(in crate::engine) type Changed = (String, String, Option<Arc<KnownType>>);

/// All types as the last commit left them.
#[derive(Debug)]
pub(in crate::engine) struct Types {
    known: RwLock<ByName>,
    /// How many; read by those who would find none.
    count: AtomicUsize,
    pub(super) unknown: UnknownTypes,
}

impl Types {
    pub(in crate::engine) fn new(types: Vec<TaskType>, unknown: UnknownTypes) -> Self {
        let known = Self {
            known: RwLock::default(),
            count: AtomicUsize::new(0),
            unknown,
        };
        known.reload(types);
        known
    }

    /// Takes what the store has in place of what was known.
    pub(in crate::engine) fn reload(&self, types: Vec<TaskType>) {
        let mut fresh = ByName::new();
        let count = types.len();
        for task_type in types {
            let before = self.get(&task_type.namespace, &task_type.name);
            let known = before.filter(|before| *before.task_type == task_type);
            let (namespace, name) = (task_type.namespace.clone(), task_type.name.clone());
            let known = known.unwrap_or_else(|| Arc::new(compiled(task_type)));
            fresh.entry(namespace).or_default().insert(name, known);
        }
        *self.known.write() = fresh;
        self.count.store(count, Ordering::Release);
    }

    /// Whether no type has anything to say of any task.
    pub(super) fn is_silent(&self) -> bool {
        self.count() == 0 && self.unknown == UnknownTypes::Allow
    }

    pub(super) fn count(&self) -> usize {
        self.count.load(Ordering::Acquire)
    }

    pub(in crate::engine) fn get(&self, namespace: &str, name: &str) -> Option<Arc<KnownType>> {
        if self.count() == 0 {
            return None;
        }
        self.known.read().get(namespace)?.get(name).cloned()
    }

    /// What a task of that type gets where it does not say.
    pub(in crate::engine) fn defaults(&self, namespace: &str, name: &str) -> Option<Defaults> {
        let known = self.get(namespace, name)?;
        Some(known.task_type.spec.defaults.clone())
    }

    pub(super) fn all(&self) -> Vec<Arc<TaskType>> {
        let known = self.known.read();
        let types = known.values().flat_map(BTreeMap::values);
        types.map(|known| Arc::clone(&known.task_type)).collect()
    }

    pub(super) fn page(&self, namespace: &str, after: &str, limit: usize) -> Vec<Arc<TaskType>> {
        let known = self.known.read();
        let Some(types) = known.get(namespace) else {
            return Vec::new();
        };
        let rest = types.range::<str, _>((Bound::Excluded(after), Bound::Unbounded));
        let rest = rest.map(|(_, known)| Arc::clone(&known.task_type));
        rest.take(limit).collect()
    }

    /// Takes into account what a commit changed.
    pub(in crate::engine) fn apply(&self, changed: Vec<Changed>) {
        if changed.is_empty() {
            return;
        }
        let mut known = self.known.write();
        for (namespace, name, now) in changed {
            let types = known.entry(namespace).or_default();
            match now {
                Some(now) => types.insert(name, now),
                None => types.remove(&name),
            };
        }
        known.retain(|_, types| !types.is_empty());
        let count = known.values().map(BTreeMap::len).sum();
        self.count.store(count, Ordering::Release);
    }
}

/// A type as the store has it, its schemas made ready once more. They were before; where this version cannot, nobody is to
/// work on what was not checked.
fn compiled(task_type: TaskType) -> KnownType {
    let compile = |schema: &Option<Bytes>| {
        let ready = Schema::compile(schema.as_ref()?).unwrap_or_else(|why| {
            error!(
                namespace = task_type.namespace,
                r#type = task_type.name,
                path = why.path,
                why = %why.fault,
                "the schema of a type cannot be used any more: all that would be checked is refused"
            );
            Schema::unusable(&why)
        });
        Some(Arc::new(ready))
    };
    let schemas = Schemas {
        input: compile(&task_type.spec.input_schema),
        output: compile(&task_type.spec.output_schema),
    };
    KnownType {
        task_type: Arc::new(task_type),
        schemas,
    }
}
