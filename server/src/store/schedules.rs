//! Reads of schedules.

use baton_domain::{Schedule, ScheduleId, Timestamp};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use uuid::Uuid;

use super::entity::schedule::{Column, Entity};
use super::rows::read_schedule;
use super::{Store, StoreError};

/// As the index says it: a parameter in its place would not find the index.
const WAITS: &str = "waiting > 0";

impl Store {
    /// The schedule of that name in `namespace`.
    ///
    /// # Errors
    /// What the database may do.
    pub async fn schedule(&self, namespace: &str, name: &str) -> Result<Option<Schedule>, StoreError> {
        let row = Entity::find()
            .filter(Column::Namespace.eq(namespace))
            .filter(Column::Name.eq(name))
            .one(self.readers())
            .await?;
        row.map(read_schedule).transpose()
    }

    /// The schedules with those ids that exist, in no particular order.
    ///
    /// # Errors
    /// What the database may do.
    pub async fn schedules(&self, ids: &[ScheduleId]) -> Result<Vec<Schedule>, StoreError> {
        let rows = Entity::find()
            .filter(super::read::one_of(
                self.dialect(),
                super::dialect::ID_IN,
                ids.iter().map(|id| id.0),
            ))
            .all(self.readers())
            .await?;
        rows.into_iter().map(read_schedule).collect()
    }

    /// At most `limit` schedules of `namespace` whose names come after `after`, by their names.
    ///
    /// # Errors
    /// What the database may do.
    pub async fn list_schedules(
        &self,
        namespace: &str,
        after: &str,
        limit: u32,
    ) -> Result<Vec<Schedule>, StoreError> {
        let rows = Entity::find()
            .filter(Column::Namespace.eq(namespace))
            .filter(Column::Name.gt(after))
            .order_by_asc(Column::Name)
            .limit(u64::from(limit))
            .all(self.readers())
            .await?;
        rows.into_iter().map(read_schedule).collect()
    }

    /// At most `limit` schedules of all namespaces whose ids come after `after`, by their ids.
    ///
    /// # Errors
    /// What the database may do.
    pub async fn all_schedules(
        &self,
        after: Option<ScheduleId>,
        limit: u32,
    ) -> Result<Vec<Schedule>, StoreError> {
        let mut found = Entity::find().order_by_asc(Column::Id).limit(u64::from(limit));
        if let Some(after) = after {
            found = found.filter(Column::Id.gt(after.0));
        }
        let rows = found.all(self.readers()).await?;
        rows.into_iter().map(read_schedule).collect()
    }

    /// At most `limit` schedules with a tick that is to be acted on at `until` or before, the longest overdue first.
    ///
    /// # Errors
    /// What the database may do.
    pub async fn due_schedules(&self, until: Timestamp, limit: u32) -> Result<Vec<ScheduleId>, StoreError> {
        let ids: Vec<Uuid> = Entity::find()
            .select_only()
            .column(Column::Id)
            .filter(Column::NextTime.lte(until.as_micros()))
            .order_by_asc(Column::NextTime)
            .limit(u64::from(limit))
            .into_tuple()
            .all(self.readers())
            .await?;
        Ok(ids.into_iter().map(ScheduleId).collect())
    }

    /// When the first tick is to be acted on; `None` where none is.
    ///
    /// # Errors
    /// What the database may do.
    pub async fn next_schedule_time(&self) -> Result<Option<Timestamp>, StoreError> {
        let first: Option<i64> = Entity::find()
            .select_only()
            .column(Column::NextTime)
            .filter(Column::NextTime.is_not_null())
            .order_by_asc(Column::NextTime)
            .limit(1)
            .into_tuple()
            .one(self.readers())
            .await?;
        Ok(first.map(Timestamp::from_micros))
    }

    /// At most `limit` schedules with ticks that wait for a task to settle, whose ids come after `after`.
    ///
    /// # Errors
    /// What the database may do.
    pub async fn waiting_schedules(
        &self,
        after: Option<ScheduleId>,
        limit: u32,
    ) -> Result<Vec<ScheduleId>, StoreError> {
        let mut found = Entity::find()
            .select_only()
            .column(Column::Id)
            .filter(Expr::cust(WAITS))
            .order_by_asc(Column::Id)
            .limit(u64::from(limit));
        if let Some(after) = after {
            found = found.filter(Column::Id.gt(after.0));
        }
        let ids: Vec<Uuid> = found.into_tuple().all(self.readers()).await?;
        Ok(ids.into_iter().map(ScheduleId).collect())
    }
}
