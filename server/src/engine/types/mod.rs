//! Task types in the engine: known in memory, changed through the committer like everything else.
//!
//! What a payload is checked against is looked up before its call is queued (`check`), and the check runs on the caller's
//! side: the committer is one thread, and a megabyte against a schema takes a while. Of a call that moves a task nobody but
//! the committer knows the type; so that one decides it, and where a schema has a say it hands the call back to be checked and
//! asked again (`given`). Tasks whose type has no schema never see any of this.

mod change;
mod check;
mod given;
mod known;

use std::sync::Arc;

use baton_domain::task_type::NewTaskType;
use baton_domain::{Payload, TaskType, TypeEdit, TypeId};

use super::job::{RequestKey, Told, Work};
use super::{Class, Engine, Error};
use crate::schema::{Flaws, Schema};

pub(super) use change::TypesOfBatch;
pub(super) use check::AskAgain;
pub(super) use known::{Changed, Types};

/// What is asked of one type.
#[derive(Clone, Debug)]
pub struct TypeChange {
    /// Where its tasks live.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Must match where given.
    pub etag: Option<String>,
    /// What for.
    pub action: TypeAction,
}

/// What may be asked of a type.
#[derive(Clone, Debug)]
pub enum TypeAction {
    /// Let it be known, under the name of the change. Where it is already, with the same content, nothing changes.
    Register(Box<NewTaskType>, Schemas),
    /// Edit fields. The schemas are those that the edit replaces.
    Update(Box<TypeEdit>, Schemas),
    /// Forget it; its tasks stay.
    Delete,
}

/// The schemas of a type, ready for use.
#[derive(Clone, Debug, Default)]
pub struct Schemas {
    /// Of inputs.
    pub input: Option<Arc<Schema>>,
    /// Of outputs.
    pub output: Option<Arc<Schema>>,
}

/// What a change did.
#[derive(Clone, Debug)]
pub struct TypeDone {
    /// The type after it; `None` once it is gone.
    pub task_type: Option<Arc<TaskType>>,
    /// This call was made before: the type is as it stands now.
    pub replayed: bool,
}

/// What a payload is to a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// What it works on.
    Input,
    /// What came of it.
    Output,
}

/// A payload that does not fit the schema of its type.
#[derive(Clone, Debug)]
pub struct Misfit {
    /// Where it stands in the request.
    pub field: &'static str,
    /// What it is.
    pub role: Role,
    /// What is wrong with it.
    pub flaws: Flaws,
}

/// One content of one type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    id: TypeId,
    revision: i64,
}

/// A command that waits for a check of what it brings.
#[derive(Clone, Debug)]
pub struct Unchecked {
    mark: Mark,
    schema: Arc<Schema>,
    payload: Option<Payload>,
    field: &'static str,
    role: Role,
    command: Box<baton_domain::Command>,
}

/// The type's etag: changes with every edit.
#[must_use]
pub fn task_type_etag(task_type: &TaskType) -> String {
    format!("\"{}\"", task_type.revision)
}

impl TypeAction {
    /// Its place in the queue: what makes something new is the first to be refused.
    const fn class(&self) -> Class {
        match self {
            Self::Register(..) => Class::Create,
            Self::Update(..) | Self::Delete => Class::Move,
        }
    }

    /// What it brings along.
    pub(super) fn heap_bytes(&self) -> usize {
        let len = |schema: &Option<bytes::Bytes>| schema.as_ref().map_or(0, bytes::Bytes::len);
        match self {
            Self::Register(new, _) => {
                let spec = &new.spec;
                spec.description.len() + len(&spec.input_schema) + len(&spec.output_schema)
            }
            Self::Update(edit, _) => {
                let schema = |edited: &Option<Option<bytes::Bytes>>| edited.as_ref().map_or(0, len);
                let description = edit.description.as_ref().map_or(0, String::len);
                description + schema(&edit.input_schema) + schema(&edit.output_schema)
            }
            Self::Delete => 0,
        }
    }
}

impl Engine {
    pub(super) fn types(&self) -> &Types {
        &self.shared.types
    }

    /// Registers, changes or forgets one type.
    ///
    /// # Errors
    /// [`Error::TypeNotFound`], [`Error::TypeExists`], [`Error::TooManyTypes`], [`Error::EtagMismatch`],
    /// [`Error::RequestIdReused`], and what the queue and the store may do.
    pub async fn change_type(
        &self,
        change: TypeChange,
        request: Option<RequestKey>,
    ) -> Result<TypeDone, Error> {
        let name = change.name.clone();
        let class = change.action.class();
        match self.ask(class, Work::Type(Box::new(change)), request).await? {
            Told::Type(done) => Ok(*done),
            // No job of this kind is answered otherwise.
            Told::Tasks(_) | Told::Schedule(_) | Told::Queue(_) | Told::Webhook(_) => {
                Err(Error::TypeNotFound { name })
            }
        }
    }

    /// The type of that name in `namespace`.
    #[must_use]
    pub fn task_type(&self, namespace: &str, name: &str) -> Option<Arc<TaskType>> {
        let known = self.types().get(namespace, name)?;
        Some(Arc::clone(&known.task_type))
    }

    /// Every type.
    #[must_use]
    pub fn all_task_types(&self) -> Vec<Arc<TaskType>> {
        self.types().all()
    }

    /// At most `limit` types of `namespace` whose names come after `after`, by their names.
    #[must_use]
    pub fn list_task_types(&self, namespace: &str, after: &str, limit: usize) -> Vec<Arc<TaskType>> {
        self.types().page(namespace, after, limit)
    }
}
