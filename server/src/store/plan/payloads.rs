//! The statements for payloads that are replaced.

use std::collections::HashMap;

use baton_domain::{Event, Payload, PayloadRole, Task, TaskId};

use super::super::bulk::{Cell, Rows};
use super::super::error::StoreError;
use super::super::rows::{PAYLOAD, payload_cells, payloads};
use super::{Part, Plan, WriteBatch};

impl Plan {
    /// Keeps the payloads that are replaced: those that stand on a row, and those that came and went in this batch.
    pub(super) fn payloads(&mut self, batch: &WriteBatch) -> Result<(), StoreError> {
        let rows = || Rows::of_values(self.dialect, "payload");
        let mut retired = [
            (PayloadRole::Input, Part::RetireInputs, rows()),
            (PayloadRole::Output, Part::RetireOutputs, rows()),
            (PayloadRole::Checkpoint, Part::RetireCheckpoints, rows()),
        ];
        let mut standing: HashMap<TaskId, (Option<&Task>, &Task)> = batch
            .inserted
            .iter()
            .map(|task| (task.id, (None, task.as_ref())))
            .collect();
        for (before, now) in &batch.updated {
            standing.insert(now.id, (Some(before.as_ref()), now.as_ref()));
            for (role, _, rows) in &mut retired {
                let old = version(Some(before), *role);
                if let Some(version) = old.filter(|old| version(Some(now), *role) != Some(*old)) {
                    let cells = [
                        Cell::Int(role.number().into()),
                        Cell::Int(version.into()),
                        Cell::Id(now.id.0),
                    ];
                    rows.push(&cells)?;
                }
            }
        }
        for (_, part, rows) in retired {
            self.add(part, rows);
        }
        let passing = batch.events.iter().flat_map(|event| passing(event, &standing));
        let kept = batch.payloads_kept.iter();
        let kept = kept.map(|kept| (kept.task_id, kept.role, &kept.payload));
        let cells = passing
            .chain(kept)
            .map(|(id, role, payload)| payload_cells(id, role, payload));
        self.whole(Part::Payloads, &PAYLOAD, cells)
    }
}

/// The payloads of `event` that stood on no row, neither before the batch nor after it.
fn passing<'a>(
    event: &'a Event,
    standing: &HashMap<TaskId, (Option<&Task>, &Task)>,
) -> Vec<(TaskId, PayloadRole, &'a Payload)> {
    let Some((before, now)) = standing.get(&event.task_id) else {
        return Vec::new();
    };
    payloads(&event.detail)
        .filter(|(role, payload)| {
            let is_on = |task| version(task, *role) == Some(payload.version);
            payload.body.is_some() && !is_on(*before) && !is_on(Some(*now))
        })
        .map(|(role, payload)| (event.task_id, role, payload))
        .collect()
}

fn version(task: Option<&Task>, role: PayloadRole) -> Option<i32> {
    let payload = match role {
        PayloadRole::Input => task?.input.as_ref(),
        PayloadRole::Output => task?.output.as_ref(),
        PayloadRole::Checkpoint => task?.checkpoint.as_ref(),
        PayloadRole::Answer => None,
    };
    payload.map(|payload| payload.version)
}
