//! How many tasks there are, without counting them: every batch adds up what it changes.

use baton_domain::{State, Timestamp};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use super::entity::task_count::{Column, Entity};
use super::{Store, StoreError, dialect};

/// The tasks of one state, queue and type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskGroup {
    /// Their state.
    pub state: State,
    /// Their queue.
    pub queue: String,
    /// Their type.
    pub task_type: String,
    /// How many there are; at least 1.
    pub count: i64,
    /// Since when the longest waiting one is ready; only where the state is QUEUED.
    pub oldest_ready_time: Option<Timestamp>,
}

type Row = (String, String, String, i64, Option<i64>);

impl Store {
    /// Every group of `namespace` that has tasks: exact, as of the last commit, for open and settled tasks alike.
    ///
    /// # Errors
    /// What the database may do.
    pub async fn task_groups(&self, namespace: &str) -> Result<Vec<TaskGroup>, StoreError> {
        self.groups(namespace, None).await
    }

    /// As [`Self::task_groups`], of the tasks of one queue.
    ///
    /// # Errors
    /// What the database may do.
    pub async fn task_groups_of(&self, namespace: &str, queue: &str) -> Result<Vec<TaskGroup>, StoreError> {
        self.groups(namespace, Some(queue)).await
    }

    async fn groups(&self, namespace: &str, queue: Option<&str>) -> Result<Vec<TaskGroup>, StoreError> {
        let mut found = Entity::find()
            .select_only()
            .columns([Column::State, Column::Queue, Column::Type, Column::Count])
            .column_as(
                Expr::cust(dialect::OLDEST_READY.of(self.dialect())),
                "oldest_ready_time",
            )
            .filter(Column::Namespace.eq(namespace))
            .filter(Column::Count.ne(0))
            .order_by_asc(Column::State)
            .order_by_asc(Column::Queue)
            .order_by_asc(Column::Type);
        if let Some(queue) = queue {
            found = found.filter(Column::Queue.eq(queue));
        }
        let rows: Vec<Row> = found.into_tuple().all(self.readers()).await?;
        let group = |(state, queue, task_type, count, oldest): Row| {
            let corrupt =
                |why| StoreError::corrupt("task_count", format!("{namespace} {state} {queue}"), why);
            let known = State::from_name(&state).ok_or_else(|| corrupt("its state is not known"))?;
            if count < 0 {
                return Err(corrupt("it is less than nothing"));
            }
            let oldest_ready_time = oldest.map(Timestamp::from_micros);
            Ok(TaskGroup {
                state: known,
                queue,
                task_type,
                count,
                oldest_ready_time,
            })
        };
        rows.into_iter().map(group).collect()
    }
}
