//! Scans: the rows of a path in the order of a list, at most so many, and the matches among them.

use std::collections::BTreeSet;

use baton_domain::TaskId;
use sea_orm::sea_query::{Condition, Expr, ExprTrait as _, JoinType, Order, Query, SelectStatement};
use sea_orm::{ConnectionTrait as _, DatabaseTransaction, QueryResult};

use super::merge::Find;
use super::{ListField, ListQuery, SortKey};
use crate::store::dialect::{self, Dialect};
use crate::store::entity::{event, task};
use crate::store::rows::read_integer;
use crate::store::{StoreError, filter};

/// The parts of a place in the list, as the scans name them.
const VALUE: &str = "sort_value";
const NUMBER: &str = "sort_number";

/// What the rows of a scan are ordered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sort {
    Id,
    /// The order in which tasks were created, which is the table's own. All rows have this value.
    Created(Option<i64>),
    /// The order of the tasks' last events, which is the log's.
    Changed,
    /// This column, then the order of creation.
    Column(&'static str),
}

impl Sort {
    pub(super) const fn of(field: ListField) -> Self {
        match field {
            ListField::Id => Self::Id,
            ListField::CreateTime => Self::Created(None),
            ListField::UpdateTime => Self::Changed,
            ListField::Priority => Self::Column(PRIORITY),
            ListField::ScheduleTime => Self::Column(SCHEDULE_TIME),
        }
    }
}

pub(super) const PRIORITY: &str = "priority";
pub(super) const SCHEDULE_TIME: &str = "schedule_time";

/// One scan of a list.
#[derive(Debug)]
pub(super) struct Scan {
    pub(super) dialect: Dialect,
    /// What an index knows of the rows.
    pub(super) pins: Vec<Expr>,
    /// Conditions beside the filter that no index knows.
    pub(super) checks: Vec<Expr>,
    pub(super) sort: Sort,
    /// The rows are read whole and sorted; otherwise they are read in order until there are enough.
    pub(super) sorts: bool,
    pub(super) rows: u32,
}

impl Scan {
    /// Looks for one match more than `query` asks for, which tells whether there are more.
    pub(super) async fn run(
        &self,
        snapshot: &DatabaseTransaction,
        query: &ListQuery,
    ) -> Result<Find, StoreError> {
        let found = snapshot.query_all(&self.matches(query)).await?;
        let keys: Vec<SortKey> = found.iter().map(key).collect::<Result<_, _>>()?;
        let end = if keys.len() > query.limit as usize {
            keys.last().copied()
        } else if self.sorts {
            None
        } else {
            snapshot
                .query_one(&self.last_row(query))
                .await?
                .as_ref()
                .map(key)
                .transpose()?
        };
        Ok(Find { keys, end })
    }

    /// The matches among the rows. Where they are not sorted here, they come in the order of the inner select, which
    /// is read only until there are enough.
    pub(super) fn matches(&self, query: &ListQuery) -> SelectStatement {
        let mut columns = BTreeSet::new();
        if !self.checks.is_empty() {
            columns.extend(["namespace", PRIORITY, SCHEDULE_TIME]);
        }
        filter::columns(&query.filter, &mut columns);
        // Else the id is looked up for the matches alone: what the index has not, costs a row of the table.
        if self.sorts || matches!(self.sort, Sort::Id | Sort::Changed) {
            columns.insert(ID);
        }
        let mut matches = Query::select();
        matches.columns([VALUE, NUMBER]);
        if columns.contains(ID) {
            matches.column(ID);
        } else {
            matches.expr_as(Expr::cust(dialect::ID_OF_ROW), ID);
        }
        matches
            .from_subquery(self.rows(query, columns), "r")
            .and_where(filter::condition(self.dialect, &query.filter));
        for check in &self.checks {
            matches.and_where(check.clone());
        }
        if self.sorts {
            matches.and_where(self.after_sorted(query));
            matches.order_by_expr(Expr::col(VALUE).is_null(), Order::Asc);
            for part in [VALUE, NUMBER, ID] {
                matches.order_by(part, direction(query));
            }
        } else if self.dialect == Dialect::Postgres {
            // The order of an inner select is nobody's promise there. All of it has one value, or is in the order of its.
            let parts: &[&str] = match self.sort {
                Sort::Id => &[ID],
                Sort::Created(_) | Sort::Changed => &[NUMBER],
                Sort::Column(_) => &[VALUE, NUMBER],
            };
            for part in parts.iter().copied() {
                matches.order_by(part, direction(query));
            }
        }
        matches.limit(u64::from(query.limit) + 1);
        matches
    }

    /// The last row that [`Scan::matches`] looks at; none where it looks at all there are.
    fn last_row(&self, query: &ListQuery) -> SelectStatement {
        let mut rows = if self.sort == Sort::Changed {
            events(
                self.dialect,
                query,
                [Expr::val(None::<i64>), Expr::col("id"), Expr::col("task_id")],
            )
        } else {
            self.tasks(query, BTreeSet::from([ID]))
        };
        rows.limit(1).offset(u64::from(self.rows) - 1).to_owned()
    }

    /// The rows that are looked at, with these columns.
    fn rows(&self, query: &ListQuery, columns: BTreeSet<&'static str>) -> SelectStatement {
        if self.sort == Sort::Changed && !self.sorts {
            return self.last_events(query, columns);
        }
        let mut rows = self.tasks(query, columns);
        rows.limit(u64::from(self.rows));
        rows
    }

    /// The tasks whose last events are among those that are looked at.
    fn last_events(&self, query: &ListQuery, columns: BTreeSet<&'static str>) -> SelectStatement {
        let mut last = events(
            self.dialect,
            query,
            [
                Expr::cust(dialect::LAST_SEQUENCE),
                Expr::col("id"),
                Expr::col("task_id"),
            ],
        );
        last.limit(u64::from(self.rows));
        let mut rows = Query::select();
        rows.expr_as(Expr::val(None::<i64>), VALUE)
            .column(("e", NUMBER))
            .from_subquery(last, "e");
        for column in columns {
            rows.column(("task", column));
        }
        let is_last = Expr::col(("task", ID))
            .equals(("e", ID))
            .and(Expr::col(("task", "revision")).equals(("e", VALUE)));
        // In this order, and in no other: the rows come as the events do.
        rows.join(JoinType::CrossJoin, task::Entity, Condition::all())
            .and_where(is_last);
        rows
    }

    fn tasks(&self, query: &ListQuery, columns: BTreeSet<&'static str>) -> SelectStatement {
        let mut rows = Query::select();
        let (value, number) = match self.sort {
            Sort::Id => (Expr::val(None::<i64>), Expr::val(0_i64)),
            Sort::Created(value) => (Expr::val(value), Expr::col(CREATED)),
            Sort::Changed => (Expr::val(None::<i64>), Expr::cust(dialect::LAST_EVENT)),
            Sort::Column(column) => (Expr::col(column), Expr::col(CREATED)),
        };
        rows.expr_as(value, VALUE)
            .expr_as(number, NUMBER)
            .from(task::Entity);
        for column in columns {
            rows.column(column);
        }
        // The place first: of two bounds of the same side, SQLite begins at the one that is named first, and looks at every
        // row between them.
        if !self.sorts {
            self.in_order(query, &mut rows);
        }
        for pin in &self.pins {
            rows.and_where(pin.clone());
        }
        rows
    }

    fn in_order(&self, query: &ListQuery, rows: &mut SelectStatement) {
        match (self.sort, query.after) {
            (Sort::Id, Some(after)) => {
                rows.and_where(beyond(query, Expr::col(ID), Expr::val(after.id.0)));
            }
            (Sort::Created(value), Some(after)) if after.value == value => {
                rows.and_where(beyond(query, Expr::col(CREATED), Expr::val(after.number)));
            }
            (Sort::Column(column), Some(after)) => {
                let row = Expr::tuple([Expr::col(column), Expr::col(CREATED)]);
                let last = Expr::tuple([Expr::val(after.value), Expr::val(after.number)]);
                rows.and_where(beyond(query, row, last));
            }
            (Sort::Created(_) | Sort::Changed, _) | (_, None) => {}
        }
        let parts: &[&str] = match self.sort {
            Sort::Id => &[ID],
            Sort::Created(_) | Sort::Changed => &[CREATED],
            Sort::Column(column) => &[column, CREATED],
        };
        for part in parts.iter().copied() {
            rows.order_by(part, direction(query));
        }
    }

    /// The condition that a row stands after the page before, where all rows are read.
    fn after_sorted(&self, query: &ListQuery) -> Expr {
        let Some(after) = query.after else {
            return Expr::val(true);
        };
        let place = Expr::tuple([Expr::col(NUMBER), Expr::col(ID)]);
        let last = Expr::tuple([Expr::val(after.number), Expr::val(after.id.0)]);
        let ties = beyond(query, place, last);
        let value = || Expr::col(VALUE);
        match after.value {
            None => value().is_null().and(ties),
            Some(last) => beyond(query, value(), Expr::val(last))
                .or(value().eq(last).and(ties))
                .or(value().is_null()),
        }
    }
}

const ID: &str = "id";
const CREATED: &str = "number";

/// Three columns of the namespace's events, in the order of the log: as value, number and id.
fn events(dialect: Dialect, query: &ListQuery, columns: [Expr; 3]) -> SelectStatement {
    let mut events = Query::select();
    for (column, name) in columns.into_iter().zip([VALUE, NUMBER, ID]) {
        events.expr_as(column, name);
    }
    let name = query.namespace.as_str();
    let of_namespace = dialect.holds(dialect::EVENTS_FROM, [name.into(), 0_i64.into(), name.into()]);
    events.from(event::Entity);
    // First, as in [`Scan::tasks`].
    if let Some(after) = query.after {
        events.and_where(beyond(query, Expr::col(("event", "id")), Expr::val(after.number)));
    }
    events.and_where(of_namespace);
    events.order_by(("event", "id"), direction(query));
    events
}

fn beyond(query: &ListQuery, row: Expr, last: Expr) -> Expr {
    if query.order.descending {
        row.lt(last)
    } else {
        row.gt(last)
    }
}

fn direction(query: &ListQuery) -> Order {
    if query.order.descending {
        Order::Desc
    } else {
        Order::Asc
    }
}

fn key(row: &QueryResult) -> Result<SortKey, StoreError> {
    Ok(SortKey {
        value: read_integer(row, VALUE)?,
        number: row.try_get("", NUMBER)?,
        id: TaskId(row.try_get("", ID)?),
    })
}
