//! What workers look for: the ready tasks of queues, in the order in which they are given out.

use baton_domain::{TaskId, Timestamp};
use sea_orm::{ConnectionTrait as _, DbBackend, Statement};

use super::{Store, StoreError, dialect};

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

impl Store {
    /// Ready tasks, the most urgent first, then those that wait longest. Of each queue, type and priority at most
    /// `limit`, and always the one that waits longest.
    ///
    /// # Errors
    /// What the database may do.
    pub async fn ready(&self, demand: &Demand, limit: u32) -> Result<Vec<Ready>, StoreError> {
        let list = |names: &[String]| serde_json::to_string(names).expect("a list of strings is JSON");
        let values = [
            demand.namespace.clone().into(),
            list(&demand.queues).into(),
            demand.types.as_deref().map(list).into(),
            i64::from(limit).into(),
        ];
        let asked = Statement::from_sql_and_values(DbBackend::Sqlite, dialect::FIND_READY, values);
        let rows = self.readers().query_all_raw(asked).await?;
        let read = |row: &sea_orm::QueryResult| -> Result<Ready, sea_orm::DbErr> {
            Ok(Ready {
                id: TaskId(row.try_get_by_index(0)?),
                priority: row.try_get_by_index(1)?,
                since: Timestamp::from_micros(row.try_get_by_index(2)?),
                queue: row.try_get_by_index(3)?,
                task_type: row.try_get_by_index(4)?,
            })
        };
        let mut ready = rows.iter().map(read).collect::<Result<Vec<_>, _>>()?;
        ready.sort_unstable_by_key(|task| (std::cmp::Reverse(task.priority), task.since, task.id));
        Ok(ready)
    }
}
