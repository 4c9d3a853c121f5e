//! The calls of TaskTypeService.

use baton_domain::TypeId;
use baton_domain::task_type::NewTaskType;
use baton_proto::raw::v1 as raw;
use uuid::Uuid;

use super::lists::{Page, read_page_of};
use super::named::{Key, given, read_common, read_key_as};
use crate::api::check;
use crate::api::convert::{Draw, task_type};
use crate::api::repeat::Repeatable;
use crate::api::violations::{Path, Violations};
use crate::engine::{TypeAction, TypeChange};

/// What is asked of one type.
#[derive(Clone, Debug)]
pub(in crate::api) struct Asked {
    pub(in crate::api) change: TypeChange,
    pub(in crate::api) request_id: Option<Uuid>,
}

/// A call that changes a type.
pub(in crate::api) trait TypeCall: Repeatable {
    /// Reads the request whole; schemas are made ready, which may take a while.
    fn read(self, v: &mut Violations, draw: &Draw<'_>) -> Option<Asked>;
}

fn read_key(v: &mut Violations, at: &Path<'_>, key: Key) -> Option<Key> {
    read_key_as(v, at, key, check::type_name)
}

fn asked((namespace, name): Key, etag: String, request_id: Option<Uuid>, action: TypeAction) -> Asked {
    let change = TypeChange {
        namespace,
        name,
        etag: given(etag),
        action,
    };
    Asked { change, request_id }
}

impl TypeCall for raw::RegisterTaskTypeRequest {
    fn read(self, v: &mut Violations, draw: &Draw<'_>) -> Option<Asked> {
        let Self {
            task_type,
            request_id,
            actor,
        } = self;
        let common = read_common(v, &request_id, actor);
        let at = Path::REQUEST.field("task_type");
        let task_type = check::present(v, &at, task_type)?;
        let key = read_key(v, &at, (task_type.namespace.clone(), task_type.name.clone()));
        let read = task_type::read(v, &at, task_type);
        let ((namespace, name), (request_id, creator), (spec, schemas)) = (key?, common?, read?);
        let new = NewTaskType {
            id: TypeId(draw.task_id().0),
            namespace: namespace.clone(),
            name: name.clone(),
            spec,
            creator,
        };
        let action = TypeAction::Register(Box::new(new), schemas);
        Some(asked((namespace, name), String::new(), request_id, action))
    }
}

impl TypeCall for raw::UpdateTaskTypeRequest {
    fn read(self, v: &mut Violations, _: &Draw<'_>) -> Option<Asked> {
        let Self {
            task_type,
            request_id,
            actor,
            update_mask,
        } = self;
        let common = read_common(v, &request_id, actor);
        let at = Path::REQUEST.field("task_type");
        let task_type = check::present(v, &at, task_type)?;
        let key = read_key(v, &at, (task_type.namespace.clone(), task_type.name.clone()));
        let etag = task_type.etag.clone();
        let edit = task_type::read_edit(v, task_type, update_mask);
        let (request_id, _) = common?;
        let (edit, schemas) = edit?;
        Some(asked(key?, etag, request_id, TypeAction::Update(edit, schemas)))
    }
}

impl TypeCall for raw::DeleteTaskTypeRequest {
    fn read(self, v: &mut Violations, _: &Draw<'_>) -> Option<Asked> {
        let Self {
            namespace,
            request_id,
            etag,
            actor,
            name,
        } = self;
        let common = read_common(v, &request_id, actor);
        let key = read_key(v, &Path::REQUEST, (namespace, name));
        let (request_id, _) = common?;
        Some(asked(key?, etag, request_id, TypeAction::Delete))
    }
}

/// Reads which type GetTaskType answers.
pub(in crate::api) fn read_get(v: &mut Violations, request: raw::GetTaskTypeRequest) -> Option<Key> {
    let raw::GetTaskTypeRequest { namespace, name } = request;
    read_key(v, &Path::REQUEST, (namespace, name))
}

/// Reads which types ListTaskTypes answers.
pub(in crate::api) fn read_list(
    v: &mut Violations,
    request: raw::ListTaskTypesRequest,
) -> Option<(String, Page)> {
    let raw::ListTaskTypesRequest {
        namespace,
        page_size,
        page_token,
    } = request;
    read_page_of(v, namespace, (page_size, page_token))
}
