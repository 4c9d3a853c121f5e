//! The rows of task types.

use baton_domain::task_type::{Defaults, Exposure};
use baton_domain::{Priority, TaskType, Timeouts, Timestamp, TypeId, TypeSpec};
use prost::Message;

use super::parts::{self, Why};
use super::{stored, work};
use crate::store::bulk::{Cell, Default, Table, blob, id, int, text};
use crate::store::entity::task_type::Model;
use crate::store::error::StoreError;

/// The columns of a task type in the order of [`task_type_cells`].
pub(in crate::store) const TASK_TYPE: Table = Table {
    name: "task_type",
    groups: &[
        &[id("id", Default::None)],
        &[int("revision", Default::None)],
        &[text("namespace", Default::None), text("name", Default::None)],
        &[blob("spec", Default::None)],
    ],
};

/// The cells of a type's row, in the order of [`TASK_TYPE`].
pub(in crate::store) fn task_type_cells(task_type: &TaskType) -> Vec<Cell<'_>> {
    vec![
        Cell::Id(task_type.id.0),
        Cell::Int(task_type.revision),
        Cell::text(&task_type.namespace),
        Cell::text(&task_type.name),
        Cell::owned(Some(to_spec(task_type).encode_to_vec())),
    ]
}

fn to_spec(task_type: &TaskType) -> stored::TypeSpec {
    let TypeSpec {
        description,
        input_schema,
        output_schema,
        exposure,
        defaults,
    } = &task_type.spec;
    let Defaults {
        queue,
        priority,
        retry_policy,
        timeouts,
    } = defaults;
    stored::TypeSpec {
        description: description.clone(),
        input_schema: input_schema.clone(),
        output_schema: output_schema.clone(),
        exposure: exposure.number(),
        queue: queue.clone(),
        priority: priority.map(Priority::number).unwrap_or_default(),
        retry_policy: retry_policy.as_ref().map(parts::to_retry_policy),
        timeouts: (*timeouts != Timeouts::default()).then(|| work::to_timeouts(timeouts)),
        creator: Some(parts::to_actor(&task_type.creator)),
        create_time: task_type.create_time.as_micros(),
        update_time: task_type.update_time.as_micros(),
    }
}

/// The type of a row.
///
/// Errors: [`StoreError::Corrupt`].
pub(in crate::store) fn read_task_type(row: Model) -> Result<TaskType, StoreError> {
    let id = row.id;
    convert(row).map_err(|why| StoreError::corrupt("task_type", id, why))
}

pub(super) fn convert(row: Model) -> Result<TaskType, Why> {
    let Model {
        id,
        revision,
        namespace,
        name,
        spec,
    } = row;
    let stored::TypeSpec {
        description,
        input_schema,
        output_schema,
        exposure,
        queue,
        priority,
        retry_policy,
        timeouts,
        creator,
        create_time,
        update_time,
    } = parts::decode(spec, "spec")?;
    let priority = match priority {
        0 => None,
        given => Some(parts::number(given, Priority::from_number, "priority")?),
    };
    Ok(TaskType {
        id: TypeId(id),
        namespace,
        name,
        spec: TypeSpec {
            description,
            input_schema,
            output_schema,
            exposure: parts::number(exposure, Exposure::from_number, "exposure")?,
            defaults: Defaults {
                queue,
                priority,
                retry_policy: retry_policy.map(parts::from_retry_policy).transpose()?,
                timeouts: timeouts.as_ref().map(work::from_timeouts).unwrap_or_default(),
            },
        },
        creator: parts::from_actor(creator.ok_or("a type has no creator")?)?,
        create_time: Timestamp::from_micros(create_time),
        update_time: Timestamp::from_micros(update_time),
        revision,
    })
}
