//! The runs that begin and end in a batch.

use std::collections::{BTreeMap, HashMap};

use baton_domain::run::changes;
use baton_domain::{Event, Run, RunChange, RunEnd, Task, TaskId};

use crate::store::{EndedRun, WriteBatch};

/// Task and number.
type Named = (TaskId, i32);

/// What the decisions so far did to runs: one row each, whatever happened to it.
#[derive(Default)]
pub(super) struct Runs {
    begun: Vec<Run>,
    /// Where they stand in `begun`.
    places: HashMap<Named, usize>,
    ended: BTreeMap<Named, RunEnd>,
}

impl Runs {
    /// Takes in the events of one decision on the task that stood as `before`.
    pub(super) fn push(&mut self, before: &Task, events: &[Event]) {
        for change in changes(before, events) {
            match change {
                RunChange::Begin(run) => {
                    self.places.insert((run.task_id, run.number), self.begun.len());
                    self.begun.push(*run);
                }
                RunChange::End { task_id, number, end } => {
                    let named = (task_id, number);
                    let begun = self
                        .places
                        .get(&named)
                        .and_then(|place| self.begun.get_mut(*place));
                    match begun {
                        Some(run) => run.end = Some(*end),
                        None => {
                            self.ended.insert(named, *end);
                        }
                    }
                }
            }
        }
    }

    /// Moves the rows into `batch`, but for those of tasks that are gone by now.
    pub(super) fn write_into(self, batch: &mut WriteBatch, is_gone: impl Fn(TaskId) -> bool) {
        let begun = self.begun.into_iter().filter(|run| !is_gone(run.task_id));
        batch.runs_begun.extend(begun);
        let ended = self.ended.into_iter().filter(|((id, _), _)| !is_gone(*id));
        batch
            .runs_ended
            .extend(ended.map(|((task_id, number), end)| EndedRun { task_id, number, end }));
    }
}
