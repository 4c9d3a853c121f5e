//! Live leases, apart from their tasks.

use baton_domain::limits::ACKNOWLEDGE;
use baton_domain::{Actor, ActorType, TaskId, Timestamp};

use super::{Store, StoreError, Writer, dialect};

/// A live lease, and who holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldLease {
    /// On which task.
    pub task_id: TaskId,
    /// Where that lives.
    pub namespace: String,
    /// Of the grant.
    pub fence: i64,
    /// By whom.
    pub holder: Actor,
    /// When it ends unless it is renewed.
    pub expire_time: Timestamp,
}

impl Store {
    /// Every live lease.
    ///
    /// # Errors
    /// What the database may do.
    pub async fn leases(&self) -> Result<Vec<HeldLease>, StoreError> {
        let rows = self.asked(dialect::FIND_LEASES.of(self.dialect()), []).await?;
        let leases = rows.iter().map(|row| {
            let task_id = TaskId(row.try_get_by_index(0)?);
            let kind: i32 = row.try_get_by_index(3)?;
            let corrupt = || StoreError::corrupt("task", task_id, "its assignee is of no known type");
            Ok(HeldLease {
                task_id,
                namespace: row.try_get_by_index(1)?,
                fence: row.try_get_by_index(2)?,
                holder: Actor {
                    kind: ActorType::from_number(kind).ok_or_else(corrupt)?,
                    id: row.try_get_by_index(4)?,
                    name: row.try_get_by_index(5)?,
                },
                expire_time: Timestamp::from_micros(row.try_get_by_index(6)?),
            })
        });
        leases.collect()
    }
}

impl Writer {
    /// Lets no lease end before half of its duration has passed since `resumed`, or less where it was not started, as
    /// [`baton_domain::Lease::spared`] says.
    ///
    /// # Errors
    /// What the database may do; nothing was changed.
    pub async fn spare_leases(&mut self, resumed: Timestamp) -> Result<(), StoreError> {
        let values = [resumed.as_micros(), ACKNOWLEDGE.as_micros()];
        let spare = dialect::SPARE_LEASES.of(self.dialect());
        self.run(spare, &values).await.map(|_| ())
    }
}
