//! Task types.

use std::sync::Arc;

use baton_domain::limits::DESCRIPTION_CHARS;
use baton_domain::task_type::{Defaults, Exposure};
use baton_domain::{Priority, TaskType, TypeEdit, TypeSpec};
use baton_proto::raw::v1 as raw;
use bytes::Bytes;
use prost_types::FieldMask;

use super::mask::{Editable, Mask, Taken};
use super::{actor, document, policy, time};
use crate::api::check;
use crate::api::value::canonical_struct;
use crate::api::violations::{Path, Violations};
use crate::engine::{Schemas, task_type_etag};
use crate::schema::{Flaw, Schema};

const EDITABLE: Editable = Editable {
    fields: &[
        "description",
        "input_schema",
        "output_schema",
        "exposure",
        "queue",
        "priority",
        "retry_policy",
        "timeouts",
    ],
    fixed: &[("namespace", "never changes"), ("name", "never changes")],
    output_only: &["creator", "create_time", "update_time", "etag"],
};

/// A schema as it came, and ready for use.
type Ready = (Bytes, Arc<Schema>);

/// Reads all that a new type is, but for its namespace and its name.
pub(crate) fn read(
    v: &mut Violations,
    at: &Path<'_>,
    task_type: raw::TaskType,
) -> Option<(TypeSpec, Schemas)> {
    let (edit, schemas) = read_fields(v, at, task_type, &Mask::All)?;
    let TypeEdit {
        description,
        input_schema,
        output_schema,
        exposure,
        queue,
        priority,
        retry_policy,
        timeouts,
    } = edit;
    let spec = TypeSpec {
        description: description?,
        input_schema: input_schema?,
        output_schema: output_schema?,
        exposure: exposure?,
        defaults: Defaults {
            queue: queue?,
            priority: priority?,
            retry_policy: retry_policy?,
            timeouts: timeouts?,
        },
    };
    Some((spec, schemas))
}

/// Reads an update. A field that is named and empty gets the value that a new type has.
pub(crate) fn read_edit(
    v: &mut Violations,
    task_type: raw::TaskType,
    mask: Option<FieldMask>,
) -> Option<(Box<TypeEdit>, Schemas)> {
    let mask = EDITABLE.read(v, mask)?;
    let at = &Path::REQUEST.field("task_type");
    let (edit, schemas) = read_fields(v, at, task_type, &mask)?;
    if edit == TypeEdit::default() {
        v.add(at, "must have at least one field to change");
        return None;
    }
    Some((Box::new(edit), schemas))
}

fn read_fields(
    v: &mut Violations,
    at: &Path<'_>,
    task_type: raw::TaskType,
    mask: &Mask,
) -> Option<(TypeEdit, Schemas)> {
    let raw::TaskType {
        namespace: _,
        name: _,
        description,
        input_schema,
        output_schema,
        exposure,
        queue,
        priority,
        retry_policy,
        timeouts,
        creator: _,
        create_time: _,
        update_time: _,
        etag: _,
    } = task_type;
    let mut field = Taken { mask, v, at };
    let description = field.take("description", !description.is_empty(), |v, at| {
        check::text(v, at, description, DESCRIPTION_CHARS)
    });
    let input = field.take("input_schema", input_schema.is_some(), |v, at| {
        read_schema(v, at, input_schema)
    });
    let output = field.take("output_schema", output_schema.is_some(), |v, at| {
        read_schema(v, at, output_schema)
    });
    let exposure = field.take("exposure", exposure != 0, |v, at| {
        check::member(v, at, exposure, Exposure::from_number, Exposure::Public)
    });
    let queue = field.take("queue", !queue.is_empty(), |v, at| {
        let queue = check::name_or_none(v, at, queue)?;
        Some(Some(queue).filter(|queue| !queue.is_empty()))
    });
    let priority = field.take("priority", priority != 0, |v, at| {
        check::optional_member(v, at, priority, Priority::from_number)
    });
    let retry_policy = field.take("retry_policy", retry_policy.is_some(), |v, at| {
        policy::read(v, at, retry_policy)
    });
    let timeouts = field.take("timeouts", timeouts.is_some(), |v, at| {
        policy::read_timeouts(v, at, timeouts)
    });
    let (input_schema, input) = apart(input?);
    let (output_schema, output) = apart(output?);
    let edit = TypeEdit {
        description: description?,
        input_schema,
        output_schema,
        exposure: exposure?,
        queue: queue?,
        priority: priority?,
        retry_policy: retry_policy?,
        timeouts: timeouts?,
    };
    Some((edit, Schemas { input, output }))
}

fn apart(read: Option<Option<Ready>>) -> (Option<Option<Bytes>>, Option<Arc<Schema>>) {
    match read {
        None => (None, None),
        Some(None) => (Some(None), None),
        Some(Some((bytes, schema))) => (Some(Some(bytes)), Some(schema)),
    }
}

/// Reads a schema and makes it ready, which may take a while.
fn read_schema(v: &mut Violations, at: &Path<'_>, schema: Option<Bytes>) -> Option<Option<Ready>> {
    let Some(bytes) = document::read_struct(v, at, schema)? else {
        return Some(None);
    };
    match Schema::compile(&bytes) {
        Ok(schema) => Some(Some((canonical_struct(&bytes).into(), Arc::new(schema)))),
        Err(Flaw { path, fault }) => {
            v.add_at((at, &path), fault.to_string());
            None
        }
    }
}

pub(crate) fn write(task_type: &TaskType) -> raw::TaskType {
    let TaskType {
        id: _,
        namespace,
        name,
        spec,
        creator,
        create_time,
        update_time,
        revision: _,
    } = task_type;
    let TypeSpec {
        description,
        input_schema,
        output_schema,
        exposure,
        defaults,
    } = spec;
    let Defaults {
        queue,
        priority,
        retry_policy,
        timeouts,
    } = defaults;
    raw::TaskType {
        namespace: namespace.clone(),
        name: name.clone(),
        description: description.clone(),
        input_schema: input_schema.clone(),
        output_schema: output_schema.clone(),
        exposure: exposure.number(),
        queue: queue.clone().unwrap_or_default(),
        priority: priority.map(Priority::number).unwrap_or_default(),
        retry_policy: retry_policy.as_ref().map(policy::write),
        timeouts: policy::write_timeouts(timeouts),
        creator: Some(actor::write(creator)),
        create_time: Some(time::write(*create_time)),
        update_time: Some(time::write(*update_time)),
        etag: task_type_etag(task_type),
    }
}
