//! What workers look for: the ready tasks of queues, in the order in which they are given out.

use baton_domain::{TaskId, Timestamp};
use sea_orm::Value;

use super::{Store, StoreError};

/// Which ready tasks a worker takes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Demand {
    /// Where they live.
    pub namespace: String,
    /// The queues they wait in.
    pub queues: Vec<String>,
    /// Their types; `None`: whatever they are.
    pub types: Option<Vec<String>>,
}

impl Demand {
    /// Whether a task of that place and type is among them.
    #[must_use]
    pub fn takes(&self, (namespace, queue, task_type): (&str, &str, &str)) -> bool {
        let named = |names: &[String], name: &str| names.iter().any(|known| known == name);
        self.namespace == namespace
            && named(&self.queues, queue)
            && self.types.as_ref().is_none_or(|types| named(types, task_type))
    }
}

/// A task that waits to be taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ready {
    /// Which.
    pub id: TaskId,
    /// The number of its priority: the higher goes first.
    pub priority: i32,
    /// Since when it waits.
    pub since: Timestamp,
    /// Its queue.
    pub queue: String,
    /// Its type.
    pub task_type: String,
}

/// Keys of a queue of which no more tasks may be leased.
#[derive(Clone, Debug)]
pub struct FullKeys<'a> {
    /// The label whose values are the keys.
    pub label: &'a str,
    /// These.
    pub keys: Vec<&'a str>,
}

/// Ready tasks of a queue among which one is looked for whose key is not full.
const LOOKED_AT: i64 = 10_000;

impl Store {
    /// As [`Self::ready`] of the one queue of `demand`, of tasks whose keys are not full, each with its key.
    ///
    /// # Errors
    /// What the database may do.
    pub async fn ready_of_keys(
        &self,
        demand: &Demand,
        full: &FullKeys<'_>,
        limit: usize,
    ) -> Result<Vec<(Ready, Option<String>)>, StoreError> {
        let types = demand.types.as_deref().unwrap_or_default();
        let text = self.dialect().find_ready_of_keys(types.len(), full.label);
        let keys = serde_json::to_string(&full.keys).expect("a list of strings is JSON");
        let names = demand.queues.iter().take(1).chain(types);
        let values: [Value; 2] = [demand.namespace.clone().into(), LOOKED_AT.into()];
        let values = values.into_iter().chain(names.map(|name| name.clone().into()));
        let last: [Value; 2] = [keys.into(), i64::try_from(limit).unwrap_or(i64::MAX).into()];
        let rows = self.asked(&text, values.chain(last)).await?;
        let read = |row: &sea_orm::QueryResult| -> Result<_, sea_orm::DbErr> {
            Ok((read_ready(row)?, row.try_get_by_index(5)?))
        };
        Ok(rows.iter().map(read).collect::<Result<_, _>>()?)
    }

    /// The first `limit` ready tasks in the order in which they are given out: the most urgent first, then those that wait
    /// longest. Behind them, where there are more, the one of all that waits longest.
    ///
    /// # Errors
    /// What the database may do.
    pub async fn ready(&self, demand: &Demand, limit: usize) -> Result<Vec<Ready>, StoreError> {
        let Demand {
            namespace,
            queues,
            types,
        } = demand;
        let types = types.as_deref();
        let named = queues.iter().chain(types.unwrap_or_default());
        let most = i64::try_from(limit).unwrap_or(i64::MAX);
        let values = [namespace.clone().into(), most.into()].into_iter();
        let text = self
            .dialect()
            .find_ready(queues.len(), types.map_or(0, <[String]>::len));
        let mut ready = self
            .find(text, values.chain(named.map(|name| name.clone().into())))
            .await?;
        if ready.len() < limit {
            return Ok(ready);
        }
        let list = |names: &[String]| serde_json::to_string(names).expect("a list of strings is JSON");
        let values: [Value; 2] = [namespace.clone().into(), list(queues).into()];
        let values = values.into_iter().chain(types.map(|types| list(types).into()));
        let oldest = self
            .find(self.dialect().find_oldest_ready(types.is_some()), values)
            .await?;
        let is_new = |oldest: &Ready| ready.iter().all(|known| known.id != oldest.id);
        let oldest = oldest.into_iter().next().filter(is_new);
        ready.extend(oldest);
        Ok(ready)
    }

    async fn find(
        &self,
        text: String,
        values: impl IntoIterator<Item = Value>,
    ) -> Result<Vec<Ready>, StoreError> {
        let rows = self.asked(&text, values).await?;
        Ok(rows.iter().map(read_ready).collect::<Result<_, _>>()?)
    }
}

fn read_ready(row: &sea_orm::QueryResult) -> Result<Ready, sea_orm::DbErr> {
    Ok(Ready {
        id: TaskId(row.try_get_by_index(0)?),
        priority: row.try_get_by_index(1)?,
        since: Timestamp::from_micros(row.try_get_by_index(2)?),
        queue: row.try_get_by_index(3)?,
        task_type: row.try_get_by_index(4)?,
    })
}
