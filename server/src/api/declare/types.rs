//! Task types of a file.

use baton_domain::{TypeEdit, TypeSpec};
use baton_proto::{raw::v1 as raw, v1};
use tracing::warn;

use super::{as_raw, draw, file};
use crate::api::requests::task_types::TypeCall;
use crate::api::status::Refusal;
use crate::api::{check, failed, judge};
use crate::engine::{Engine, Schemas, TypeAction, TypeChange};

pub(super) async fn declare(engine: &Engine, task_type: v1::TaskType) -> Result<(), Refusal> {
    let request: raw::RegisterTaskTypeRequest = as_raw(&v1::RegisterTaskTypeRequest {
        task_type: Some(task_type),
        ..Default::default()
    })?;
    let change = judge::read(|v| request.read(v, &draw(engine)))?.change;
    let TypeChange {
        namespace,
        name,
        action: TypeAction::Register(mut new, schemas),
        ..
    } = change
    else {
        return Ok(());
    };
    new.creator = file();
    let action = match engine.task_type(&namespace, &name) {
        None => TypeAction::Register(new, schemas),
        Some(known) if known.spec == new.spec => return Ok(()),
        Some(_) => whole_type(new.spec, schemas),
    };
    let change = TypeChange {
        namespace,
        name,
        etag: None,
        action,
    };
    let done = engine.change_type(change, None).await;
    done.map(drop).map_err(|error| failed::refuse_error(&error))
}

/// An edit that leaves nothing as it was.
fn whole_type(spec: TypeSpec, schemas: Schemas) -> TypeAction {
    let TypeSpec {
        description,
        input_schema,
        output_schema,
        exposure,
        defaults,
    } = spec;
    let edit = TypeEdit {
        description: Some(description),
        input_schema: Some(input_schema),
        output_schema: Some(output_schema),
        exposure: Some(exposure),
        queue: Some(defaults.queue),
        priority: Some(defaults.priority),
        retry_policy: Some(defaults.retry_policy),
        timeouts: Some(defaults.timeouts),
    };
    TypeAction::Update(Box::new(edit), schemas)
}

/// Types that the file made and names no more stay: without one, anybody could create what it kept inside.
pub(super) fn tell_of_others(engine: &Engine, declared: &[(String, String)]) {
    for found in engine.all_task_types() {
        let is_named = declared.iter().any(|(namespace, name)| {
            let namespace = if namespace.is_empty() {
                check::DEFAULT_NAME
            } else {
                namespace
            };
            found.namespace == namespace && found.name == *name
        });
        if found.creator == file() && !is_named {
            warn!(
                namespace = found.namespace,
                r#type = found.name,
                "baton.toml declares this type no more; it stays as it is: `baton type delete` forgets it"
            );
        }
    }
}
