//! The schedules of one batch: as the store has them, and as the jobs decided so far leave them.

use std::collections::BTreeMap;
use std::sync::Arc;

use baton_domain::{Schedule, ScheduleId};

use crate::store::WriteBatch;

#[derive(Default)]
struct Slot {
    before: Option<Arc<Schedule>>,
    now: Option<Arc<Schedule>>,
}

/// Every schedule that a batch names.
#[derive(Default)]
pub(in crate::engine) struct Schedules {
    slots: BTreeMap<ScheduleId, Slot>,
}

impl Schedules {
    pub(super) fn add_loaded(&mut self, schedule: Arc<Schedule>) {
        self.slots.entry(schedule.id).or_insert_with(|| Slot {
            before: Some(Arc::clone(&schedule)),
            now: Some(schedule),
        });
    }

    /// All of them as they stand within the batch.
    pub(super) fn all(&self) -> impl Iterator<Item = &Arc<Schedule>> {
        self.slots.values().filter_map(|slot| slot.now.as_ref())
    }

    /// The schedule as it stands within the batch.
    pub(super) fn get(&self, id: ScheduleId) -> Option<&Arc<Schedule>> {
        self.slots.get(&id)?.now.as_ref()
    }

    /// As [`Self::get`], by its name.
    pub(super) fn named(&self, namespace: &str, name: &str) -> Option<&Arc<Schedule>> {
        self.all()
            .find(|schedule| schedule.name == name && schedule.namespace == namespace)
    }

    pub(super) fn put(&mut self, schedule: Arc<Schedule>) {
        let slot = self.slots.entry(schedule.id).or_default();
        slot.now = Some(schedule);
    }

    pub(super) fn remove(&mut self, id: ScheduleId) {
        self.slots.entry(id).or_default().now = None;
    }

    /// Fills the rows of `batch`. However often a schedule was changed, its row is written once: its revision rises by one.
    pub(in crate::engine) fn write_into(&self, batch: &mut WriteBatch) {
        for slot in self.slots.values() {
            match (&slot.before, &slot.now) {
                (None, Some(now)) => batch.schedules_added.push(Arc::clone(now)),
                (Some(before), Some(now)) if before != now => {
                    let next = Schedule {
                        revision: before.revision + 1,
                        ..(**now).clone()
                    };
                    batch.schedules_updated.push((Arc::clone(before), Arc::new(next)));
                }
                (Some(before), None) => batch.schedules_removed.push(Arc::clone(before)),
                (Some(_), Some(_)) | (None, None) => {}
            }
        }
    }
}
