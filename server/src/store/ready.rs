//! What workers look for: the ready tasks of queues, in the order in which they are given out.

use baton_domain::{TaskId, Timestamp};
use sea_orm::Value;

use super::dialect::Dialect;
use super::floors::{ByPriority, Floors};
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
        (limit, floors): (usize, &Floors),
    ) -> Result<Vec<(Ready, Option<String>)>, StoreError> {
        let types = demand.types.as_deref().unwrap_or_default();
        let text = self.dialect().find_ready_of_keys(types.len(), full.label);
        let keys = serde_json::to_string(&full.keys).expect("a list of strings is JSON");
        let queues = demand.queues.get(..1).unwrap_or_default();
        let values = self.sought(
            (&demand.namespace, queues, demand.types.as_deref()),
            LOOKED_AT,
            floors,
        );
        let last: [Value; 2] = [keys.into(), i64::try_from(limit).unwrap_or(i64::MAX).into()];
        let rows = self.asked(&text, values.into_iter().chain(last)).await?;
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
        self.ready_above(demand, limit, &Floors::default()).await
    }

    /// As [`Self::ready`], for whoever learned at `now`, and before, where ready tasks may stand, and goes on learning it.
    ///
    /// # Errors
    /// What the database may do.
    pub async fn look_for_ready(
        &self,
        demand: &Demand,
        limit: usize,
        (floors, now): (&mut Floors, Timestamp),
    ) -> Result<Vec<Ready>, StoreError> {
        floors.refresh(now);
        let ready = self.ready_above(demand, limit, floors).await?;
        // What was deleted from the index of a file is gone from it.
        if self.dialect() == Dialect::Postgres {
            floors.learn(demand, (&ready, ready.len() < limit), now);
        }
        Ok(ready)
    }

    async fn ready_above(
        &self,
        demand: &Demand,
        limit: usize,
        floors: &Floors,
    ) -> Result<Vec<Ready>, StoreError> {
        let Demand {
            namespace,
            queues,
            types,
        } = demand;
        let types = types.as_deref();
        let most = i64::try_from(limit).unwrap_or(i64::MAX);
        let text = self
            .dialect()
            .find_ready(queues.len(), types.map_or(0, <[String]>::len));
        let mut ready = self
            .find(text, self.sought((namespace, queues, types), most, floors))
            .await?;
        if ready.len() < limit {
            return Ok(ready);
        }
        let mut values: Vec<Value> = vec![namespace.clone().into()];
        match self.dialect() {
            Dialect::Sqlite => {
                values.push(list(queues).into());
                values.extend(types.map(|types| list(types).into()));
            }
            Dialect::Postgres => {
                let rows: Vec<_> = places(queues, types)
                    .flat_map(|(queue, named)| {
                        let floors = floors.of(namespace, queue, named);
                        (1..)
                            .zip(floors)
                            .map(move |(number, floor)| (queue, named, number, floor))
                    })
                    .collect::<Vec<(&str, Option<&str>, i32, i64)>>();
                values.push(
                    serde_json::to_string(&rows)
                        .expect("texts and numbers are JSON")
                        .into(),
                );
            }
        }
        let oldest = self
            .find(self.dialect().find_oldest_ready(types.is_some()), values)
            .await?;
        let is_new = |oldest: &Ready| ready.iter().all(|known| known.id != oldest.id);
        let oldest = oldest.into_iter().next().filter(is_new);
        ready.extend(oldest);
        Ok(ready)
    }

    /// The parameters of a look for ready tasks: see [`Dialect::find_ready`].
    fn sought(
        &self,
        (namespace, queues, types): (&str, &[String], Option<&[String]>),
        limit: i64,
        floors: &Floors,
    ) -> Vec<Value> {
        let mut values: Vec<Value> = vec![namespace.into(), limit.into()];
        if self
            .dialect()
            .has_floors(queues.len(), types.map_or(0, <[String]>::len))
        {
            let floors = places(queues, types).map(|(queue, named)| floors.of(namespace, queue, named));
            let numbers: Vec<String> = floors
                .flat_map(ByPriority::into_iter)
                .map(|floor| floor.to_string())
                .collect();
            values.push(numbers.join(",").into());
        }
        let named = queues.iter().chain(types.unwrap_or_default());
        values.extend(named.map(|name| Value::from(name.clone())));
        values
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

/// Each queue, or each queue and type, in the order in which texts name them.
fn places<'a>(
    queues: &'a [String],
    types: Option<&'a [String]>,
) -> impl Iterator<Item = (&'a str, Option<&'a str>)> {
    queues.iter().flat_map(move |queue| {
        let named = types.unwrap_or_default().iter().map(|name| Some(name.as_str()));
        let any = types.is_none().then_some(None);
        named.chain(any).map(move |named| (queue.as_str(), named))
    })
}

fn list(names: &[String]) -> String {
    serde_json::to_string(names).expect("a list of strings is JSON")
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
