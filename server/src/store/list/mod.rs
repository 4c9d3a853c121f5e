//! Lists of tasks: filtered, ordered, page by page, with bounded work for each page.
//!
//! A page is found in two steps within one snapshot: the keys ([`SortKey`]), from an index where one serves, then the rows. The keys come from one or more scans (see `scan`), each in the order of the list, which are merged. A scan
//! reads a bounded number of rows; where that ends before the page is full, the page is short and says where to go on.
//! Source: AIP-158.

mod merge;
mod path;
mod plan;
mod scan;

use std::collections::HashMap;

use baton_domain::filter::Filter;
use baton_domain::{Task, TaskId};
use sea_orm::{DatabaseConnection, DatabaseTransaction, TransactionTrait as _};
use uuid::Uuid;

use self::merge::merge;
use self::path::Path;
use super::dialect::Dialect;
use super::rows::read_task;
use super::{Store, StoreError, tasks};

/// Rows that one call looks at where no index serves: some 8 ms.
pub const SCAN_ROWS: u32 = 10_000;

/// Which tasks, in which order, and from where.
#[derive(Clone, Debug)]
pub struct ListQuery {
    /// Where they live.
    pub namespace: String,
    /// Which of them.
    pub filter: Filter,
    /// Ties are in the order in which the tasks were created, in the same direction.
    pub order: ListOrder,
    /// The key of the last task of the page before.
    pub after: Option<SortKey>,
    /// At most so many; at least 1.
    pub limit: u32,
    /// Rows that may be looked at, at least 1: [`SCAN_ROWS`].
    pub scan_limit: u32,
    /// With the bytes of inputs and outputs.
    pub payloads: bool,
}

/// The order of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListOrder {
    /// By what.
    pub field: ListField,
    /// The greatest first. Tasks without a value come last either way.
    pub descending: bool,
}

/// What a list can be ordered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListField {
    /// `id`
    Id,
    /// `create_time`: the order of the table
    CreateTime,
    /// `update_time`: the order of the log
    UpdateTime,
    /// `priority`
    Priority,
    /// `schedule_time`, which may be absent
    ScheduleTime,
}

/// The place of a task in a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SortKey {
    /// The priority, or the schedule time, where the list is ordered by it and the task has one.
    pub value: Option<i64>,
    /// Where the task, or in the order of updates its last event, stands in the store. 0 in the order by id.
    pub number: i64,
    /// The task.
    pub id: TaskId,
}

impl SortKey {
    /// The place in an order by id.
    #[must_use]
    pub const fn of_id(id: TaskId) -> Self {
        Self {
            value: None,
            number: 0,
            id,
        }
    }

    /// As tokens carry it: 24 or 32 bytes.
    #[must_use]
    pub fn to_bytes(self) -> Vec<u8> {
        let mut bytes = self.id.0.as_bytes().to_vec();
        bytes.extend(self.number.to_be_bytes());
        bytes.extend(self.value.into_iter().flat_map(i64::to_be_bytes));
        bytes
    }

    /// Reads [`SortKey::to_bytes`]; `None` for other bytes.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (id, rest) = bytes.split_first_chunk::<16>()?;
        let (number, value) = rest.split_first_chunk::<8>()?;
        let value = match value {
            [] => None,
            value => Some(i64::from_be_bytes(value.try_into().ok()?)),
        };
        Some(Self {
            value,
            number: i64::from_be_bytes(*number),
            id: TaskId(Uuid::from_bytes(*id)),
        })
    }
}

/// A page of a list.
#[derive(Clone, Debug, PartialEq)]
pub struct ListPage {
    /// In order; may be fewer than asked for though there are more.
    pub tasks: Vec<Task>,
    /// The place of each.
    pub keys: Vec<SortKey>,
    /// Where the next page begins; `None` on the last one.
    pub next: Option<SortKey>,
}

impl Store {
    /// A page of tasks.
    ///
    /// # Errors
    /// What the database may do.
    pub async fn list(&self, query: &ListQuery) -> Result<ListPage, StoreError> {
        // One snapshot: a task that moves between two scans is found by exactly one of them.
        let dialect = self.dialect();
        let unit = move |pool: DatabaseConnection, (query, store): (ListQuery, Self)| async move {
            let snapshot = pool.begin_with_options(dialect.snapshot()).await?;
            let path = Path::choose(&query.filter, &store.inner.indexed_labels);
            let page = page(&snapshot, dialect, (&query, &path)).await;
            snapshot.commit().await?;
            page
        };
        self.readers().asked((query.clone(), self.clone()), unit).await
    }
}

async fn page(
    snapshot: &DatabaseTransaction,
    dialect: Dialect,
    (query, path): (&ListQuery, &Path),
) -> Result<ListPage, StoreError> {
    let mut finds = Vec::new();
    for scan in plan::plan(snapshot, dialect, (query, path)).await? {
        finds.push(scan.run(snapshot, query).await?);
    }
    let (keys, next) = merge(finds, query.order.descending, query.limit as usize);
    let ids: Vec<TaskId> = keys.iter().map(|key| key.id).collect();
    let mut found = HashMap::with_capacity(ids.len());
    for row in tasks::rows(snapshot, dialect, (&ids, query.payloads)).await? {
        let task = read_task(row)?;
        found.insert(task.id, task);
    }
    let tasks = keys.iter().filter_map(|key| found.remove(&key.id)).collect();
    Ok(ListPage { tasks, keys, next })
}
