//! Reads of tasks by key, and of what the committer and the timers look for.

use std::collections::HashSet;

use baton_domain::{Payload, PayloadRole, Task, TaskId, Timestamp};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QueryResult, QuerySelect, Statement,
    Value,
};
use uuid::Uuid;

use super::batch::{FollowUp, HeldKey, RequestRecord};
use super::dialect::{self, Dialect, Sql};
use super::entity::{dedup, edge, follow_up, lease, namespace, payload, request, task};
use super::rows::{read_follow_up, read_key, read_replaced, read_request, read_task};
use super::{Store, StoreError, tasks};

/// Before all times that are stored.
pub const BEGINNING: Timestamp = Timestamp::from_micros(i64::MIN);

impl Store {
    /// The rows that a text of [`dialect`] finds.
    pub(super) async fn asked(
        &self,
        text: &str,
        values: impl IntoIterator<Item = Value>,
    ) -> Result<Vec<QueryResult>, StoreError> {
        let asked = Statement::from_sql_and_values(self.dialect().backend(), text, values);
        Ok(self.readers().query_all_raw(asked).await?)
    }

    /// The version of the database's library.
    ///
    /// # Errors
    /// What the database may do.
    pub async fn version(&self) -> Result<String, StoreError> {
        let rows = self.asked(dialect::VERSION.of(self.dialect()), []).await?;
        let version = rows.first().map(|row| row.try_get_by_index(0)).transpose()?;
        Ok(version.unwrap_or_default())
    }

    /// The task with that id, with its payloads.
    ///
    /// # Errors
    /// What the database may do.
    pub async fn task(&self, id: TaskId) -> Result<Option<Task>, StoreError> {
        self.inner.tasks.task(id).await
    }

    /// The tasks with those ids that exist, with their payloads, in no particular order.
    ///
    /// # Errors
    /// What the database may do.
    pub async fn tasks(&self, ids: &[TaskId]) -> Result<Vec<Task>, StoreError> {
        let rows = tasks::rows(self.readers(), self.dialect(), (ids, true)).await?;
        rows.into_iter().map(read_task).collect()
    }

    /// A payload of a task by its version, whether it still stands on the task or was replaced. Answers have no
    /// versions: they stand in their events.
    ///
    /// # Errors
    /// What the database may do.
    pub async fn payload(
        &self,
        id: TaskId,
        role: PayloadRole,
        version: i32,
    ) -> Result<Option<Payload>, StoreError> {
        let replaced = payload::Entity::find_by_id((id.0, role.number(), version))
            .one(self.readers())
            .await?;
        if let Some(row) = replaced {
            return read_replaced(row).map(Some);
        }
        let task = self.task(id).await?;
        let standing = task.and_then(|task| match role {
            PayloadRole::Input => task.input,
            PayloadRole::Output => task.output,
            PayloadRole::Checkpoint => task.checkpoint,
            PayloadRole::Answer => None,
        });
        Ok(standing.filter(|payload| payload.version == version))
    }

    /// What is remembered for those request ids, in all namespaces.
    ///
    /// # Errors
    /// What the database may do.
    pub async fn requests(&self, request_ids: &[Uuid]) -> Result<Vec<RequestRecord>, StoreError> {
        let rows = request::Entity::find()
            .filter(one_of(
                self.dialect(),
                dialect::REQUEST_ID_IN,
                request_ids.iter().copied(),
            ))
            .all(self.readers())
            .await?;
        rows.into_iter().map(read_request).collect()
    }

    /// Who holds those keys, each with its namespace; also where the hold is over and nobody has removed it yet.
    ///
    /// # Errors
    /// What the database may do.
    pub async fn held_keys(&self, keys: &[(&str, &str)]) -> Result<Vec<HeldKey>, StoreError> {
        // A list of strings has nothing that JSON cannot say.
        let wanted = serde_json::to_string(keys).expect("a list of strings is JSON");
        let text = dialect::FIND_KEYS.of(self.dialect());
        let asked = Statement::from_sql_and_values(self.dialect().backend(), text, [wanted.into()]);
        let rows = dedup::Entity::find()
            .from_raw_sql(asked)
            .all(self.readers())
            .await?;
        Ok(rows.into_iter().map(read_key).collect())
    }

    /// Of those ids the ones that belonged to tasks that are deleted, as long as the log knows of them.
    ///
    /// # Errors
    /// What the database may do.
    pub async fn deleted(&self, ids: &[TaskId]) -> Result<Vec<TaskId>, StoreError> {
        let text = dialect::FIND_DELETED.of(self.dialect());
        let rows = self.asked(text, [id_list(ids).into()]).await?;
        let ids = rows.iter().map(|row| row.try_get_by_index(0).map(TaskId));
        Ok(ids.collect::<Result<_, _>>()?)
    }

    /// At most `limit` tasks that wait for `of`, of those whose dependency was made when it had `revision` or less.
    ///
    /// # Errors
    /// What the database may do.
    pub async fn dependants(&self, of: TaskId, revision: i64, limit: u32) -> Result<Vec<TaskId>, StoreError> {
        let ids: Vec<Uuid> = edge::Entity::find()
            .select_only()
            .column(edge::Column::TaskId)
            .filter(edge::Column::DependsOn.eq(of.0))
            .filter(edge::Column::Revision.lte(revision))
            .order_by_asc(edge::Column::TaskId)
            .limit(u64::from(limit))
            .into_tuple()
            .all(self.readers())
            .await?;
        Ok(ids.into_iter().map(TaskId).collect())
    }

    /// At most `limit` open tasks that belong to `of`.
    ///
    /// # Errors
    /// What the database may do.
    pub async fn open_children(&self, of: TaskId, limit: u32) -> Result<Vec<TaskId>, StoreError> {
        let found = task::Entity::find()
            .filter(task::Column::ParentId.eq(of.0))
            .filter(task::Column::EndTime.is_null())
            .limit(u64::from(limit));
        let ids: Vec<Uuid> = found
            .select_only()
            .column(task::Column::Id)
            .into_tuple()
            .all(self.readers())
            .await?;
        Ok(ids.into_iter().map(TaskId).collect())
    }

    /// At most `limit` tasks that must move by themselves between these times, be it that their lease ends; the longest
    /// overdue first.
    ///
    /// # Errors
    /// What the database may do.
    pub async fn due(
        &self,
        (from, until): (Timestamp, Timestamp),
        limit: u32,
    ) -> Result<Vec<TaskId>, StoreError> {
        let mut due: Vec<(i64, Uuid)> = task::Entity::find()
            .select_only()
            .columns([task::Column::WakeTime, task::Column::Id])
            .filter(task::Column::WakeTime.gte(from.as_micros()))
            .filter(task::Column::WakeTime.lte(until.as_micros()))
            .order_by_asc(task::Column::WakeTime)
            .limit(u64::from(limit))
            .into_tuple()
            .all(self.readers())
            .await?;
        let leases: Vec<(i64, Uuid)> = lease::Entity::find()
            .select_only()
            .columns([lease::Column::ExpireTime, lease::Column::TaskId])
            .filter(lease::Column::ExpireTime.gte(from.as_micros()))
            .filter(lease::Column::ExpireTime.lte(until.as_micros()))
            .order_by_asc(lease::Column::ExpireTime)
            .limit(u64::from(limit))
            .into_tuple()
            .all(self.readers())
            .await?;
        due.extend(leases);
        due.sort_unstable();
        let mut seen = HashSet::new();
        due.retain(|(_, id)| seen.insert(*id));
        let due = due.into_iter().take(limit as usize);
        Ok(due.map(|(_, id)| TaskId(id)).collect())
    }

    /// When the first task must move by itself, at `from` or later, be it that its lease ends; `None` where none must.
    ///
    /// # Errors
    /// What the database may do.
    pub async fn next_wake(&self, from: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        let first: Option<i64> = task::Entity::find()
            .select_only()
            .column(task::Column::WakeTime)
            .filter(task::Column::WakeTime.gte(from.as_micros()))
            .order_by_asc(task::Column::WakeTime)
            .limit(1)
            .into_tuple()
            .one(self.readers())
            .await?;
        let lease: Option<i64> = lease::Entity::find()
            .select_only()
            .column(lease::Column::ExpireTime)
            .filter(lease::Column::ExpireTime.gte(from.as_micros()))
            .order_by_asc(lease::Column::ExpireTime)
            .limit(1)
            .into_tuple()
            .one(self.readers())
            .await?;
        Ok(first.into_iter().chain(lease).min().map(Timestamp::from_micros))
    }

    /// At most `limit` follow-ups, the oldest first.
    ///
    /// # Errors
    /// What the database may do.
    pub async fn follow_ups(&self, limit: u32) -> Result<Vec<FollowUp>, StoreError> {
        let found = follow_up::Entity::find()
            .order_by_asc(follow_up::Column::Id)
            .limit(u64::from(limit));
        found
            .all(self.readers())
            .await?
            .into_iter()
            .map(read_follow_up)
            .collect()
    }

    /// Every namespace that ever had a task.
    ///
    /// # Errors
    /// What the database may do.
    pub async fn namespaces(&self) -> Result<Vec<String>, StoreError> {
        let rows = namespace::Entity::find()
            .order_by_asc(namespace::Column::Name)
            .all(self.readers())
            .await?;
        Ok(rows.into_iter().map(|row| row.name).collect())
    }
}

/// The condition that the column `id` is one of `ids`.
pub(super) fn id_in(dialect: Dialect, ids: &[TaskId]) -> Expr {
    one_of(dialect, dialect::ID_IN, ids.iter().map(|id| id.0))
}

/// One parameter whatever the number of ids, so that the statement stays prepared.
pub(super) fn one_of(dialect: Dialect, condition: Sql, ids: impl Iterator<Item = Uuid>) -> Expr {
    dialect.holds(condition.of(dialect), [hex_list(ids).into()])
}

/// Ids as the parameter of [`dialect::ID_IN`].
pub(super) fn id_list(ids: &[TaskId]) -> String {
    hex_list(ids.iter().map(|id| id.0))
}

fn hex_list(ids: impl Iterator<Item = Uuid>) -> String {
    let ids: Vec<String> = ids.map(|id| id.simple().to_string()).collect();
    // A list of strings has nothing that JSON cannot say.
    serde_json::to_string(&ids).expect("a list of strings is JSON")
}
