//! Reads of queues.

use baton_domain::{QueueId, State, TaskId, Timestamp};
use sea_orm::{ColumnTrait, DbErr, EntityTrait, QueryFilter, QueryOrder, QueryResult, QuerySelect, Value};
use uuid::Uuid;

use super::batch::{KeyUse, StandingQueue};
use super::entity::queue::{Column, Entity};
use super::entity::queue_key;
use super::rows::read_queue;
use super::{Store, StoreError, dialect};

/// Settled tasks that one look passes at most: it reads an index, and holds a reader for no longer than that takes.
const SETTLED_LOOKED_AT: i64 = 10_000;

/// A task of a queue that is leased.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeasedTask {
    /// Which.
    pub id: TaskId,
    /// The value of the label that was asked for.
    pub key: Option<String>,
    /// When its lease ends unless it is renewed.
    pub expire_time: Timestamp,
}

/// Where a look at settled tasks goes on: behind the row with this number.
pub type SettledPlace = i64;

/// Which settled tasks are looked for.
#[derive(Clone, Debug)]
pub struct SettledQuery<'a> {
    /// Where they live.
    pub namespace: &'a str,
    /// The queue that they name.
    pub queue: &'a str,
    /// Their state.
    pub state: State,
    /// They settled then or before.
    pub until: Timestamp,
    /// Behind this place; `None`: all of them.
    pub after: Option<SettledPlace>,
}

impl Store {
    /// The queue of that name in `namespace`, if one was created.
    ///
    /// # Errors
    /// What the database may do.
    pub async fn queue(&self, namespace: &str, name: &str) -> Result<Option<StandingQueue>, StoreError> {
        let row = Entity::find()
            .filter(Column::Namespace.eq(namespace))
            .filter(Column::Name.eq(name))
            .one(self.readers())
            .await?;
        row.map(read_queue).transpose()
    }

    /// At most `limit` queues of `namespace` whose names come after `after`, by their names.
    ///
    /// # Errors
    /// What the database may do.
    pub async fn list_queues(
        &self,
        namespace: &str,
        after: &str,
        limit: u32,
    ) -> Result<Vec<StandingQueue>, StoreError> {
        let rows = Entity::find()
            .filter(Column::Namespace.eq(namespace))
            .filter(Column::Name.gt(after))
            .order_by_asc(Column::Name)
            .limit(u64::from(limit))
            .all(self.readers())
            .await?;
        rows.into_iter().map(read_queue).collect()
    }

    /// Every queue that was created, and every key in use, in no particular order.
    ///
    /// # Errors
    /// What the database may do.
    pub async fn all_queues(&self) -> Result<(Vec<StandingQueue>, Vec<KeyUse>), StoreError> {
        let rows = Entity::find().all(self.readers()).await?;
        let queues = rows.into_iter().map(read_queue).collect::<Result<_, _>>()?;
        let keys = queue_key::Entity::find().all(self.readers()).await?;
        Ok((queues, keys.into_iter().map(key_use).collect()))
    }

    /// The keys of a queue that are in use, at most `limit`, those with the most leases first.
    ///
    /// # Errors
    /// What the database may do.
    pub async fn keys_in_use(&self, id: QueueId, limit: u32) -> Result<Vec<KeyUse>, StoreError> {
        let rows = queue_key::Entity::find()
            .filter(queue_key::Column::QueueId.eq(id.0))
            .order_by_desc(queue_key::Column::Leased)
            .order_by_asc(queue_key::Column::Key)
            .limit(u64::from(limit))
            .all(self.readers())
            .await?;
        Ok(rows.into_iter().map(key_use).collect())
    }

    /// The tasks of a queue that are leased; `label`: of the key that is asked for.
    ///
    /// # Errors
    /// What the database may do.
    pub async fn leased_of(
        &self,
        (namespace, queue): (&str, &str),
        label: Option<&str>,
    ) -> Result<Vec<LeasedTask>, StoreError> {
        let values: [Value; 2] = [namespace.into(), queue.into()];
        let rows = self.asked(&self.dialect().find_leased(label), values).await?;
        let read = |row: &sea_orm::QueryResult| -> Result<LeasedTask, sea_orm::DbErr> {
            Ok(LeasedTask {
                id: TaskId(row.try_get_by_index(0)?),
                key: row.try_get_by_index(1)?,
                expire_time: Timestamp::from_micros(row.try_get_by_index(2)?),
            })
        };
        Ok(rows.iter().map(read).collect::<Result<_, _>>()?)
    }

    /// At most `limit` tasks of a queue that settled long enough ago, in the order of their creation, and where to go on;
    /// `None` where all were looked at, or what follows was created too late.
    ///
    /// # Errors
    /// What the database may do.
    pub async fn settled_of(
        &self,
        query: &SettledQuery<'_>,
        limit: u32,
    ) -> Result<(Vec<TaskId>, Option<SettledPlace>), StoreError> {
        let SettledQuery {
            namespace,
            queue,
            state,
            until,
            after,
        } = query;
        let after = after.unwrap_or(i64::MIN);
        let of: [Value; 3] = [(*namespace).into(), state.name().into(), after.into()];
        let passed: Value = (SETTLED_LOOKED_AT - 1).into();
        let stop = self
            .asked(
                dialect::SETTLED_STOP.of(self.dialect()),
                of.iter().cloned().chain([passed]),
            )
            .await?;
        let stop = stop.first();
        let stop = stop.map(|row| Ok::<_, DbErr>((row.try_get_by_index(0)?, row.try_get_by_index(1)?)));
        let stop: Option<(SettledPlace, i64)> = stop.transpose()?;
        let last = stop.map_or(i64::MAX, |(number, _)| number);
        let which: [Value; 4] = [
            last.into(),
            (*queue).into(),
            until.as_micros().into(),
            i64::from(limit).into(),
        ];
        let rows = self
            .asked(dialect::SETTLED.of(self.dialect()), of.into_iter().chain(which))
            .await?;
        let read = |row: &QueryResult| Ok::<_, DbErr>((row.try_get_by_index(0)?, row.try_get_by_index(1)?));
        let found: Vec<(SettledPlace, Uuid)> = rows.iter().map(read).collect::<Result<_, _>>()?;
        let is_full = found.len() >= usize::try_from(limit).unwrap_or(usize::MAX);
        let on = stop.filter(|(_, create_time)| *create_time <= until.as_micros());
        let next = if is_full {
            found.last().map(|(number, _)| *number)
        } else {
            on.map(|(number, _)| number)
        };
        Ok((found.into_iter().map(|(_, id)| TaskId(id)).collect(), next))
    }
}

fn key_use(row: queue_key::Model) -> KeyUse {
    let queue_key::Model {
        queue_id,
        key,
        leased,
    } = row;
    KeyUse {
        queue: QueueId(queue_id),
        key,
        leased,
    }
}
