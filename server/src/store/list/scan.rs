//! Scans: the rows of a path in the order of a list, at most so many, and the matches among them.

use std::collections::BTreeSet;

use baton_domain::{State, TaskId};
use sea_orm::sea_query::{Expr, ExprTrait as _, Order, Query, SelectStatement};
use sea_orm::{ConnectionTrait as _, DatabaseTransaction, QueryResult};

use super::merge::Find;
use super::path::Path;
use super::{ListField, ListQuery, SortKey};
use crate::store::entity::task::Entity;
use crate::store::read::id_in;
use crate::store::{StoreError, dialect, filter};

/// What the rows are ordered by, as the scans name it.
const VALUE: &str = "sort_value";

/// One scan of a list.
#[derive(Debug)]
pub(super) struct Scan {
    /// What an index knows of the rows.
    pins: Vec<Expr>,
    /// Conditions beside the filter that no index knows.
    checks: Vec<Expr>,
    /// What the rows are ordered by; `None`: by id alone.
    value: Option<&'static str>,
    /// The rows are read whole and sorted; otherwise they are read in order until there are enough.
    sorts: bool,
    rows: u32,
}

/// The scans that a list takes. Their rows have nothing in common.
pub(super) async fn plan(
    snapshot: &DatabaseTransaction,
    query: &ListQuery,
    path: &Path,
) -> Result<Vec<Scan>, StoreError> {
    let namespace = || Expr::col("namespace").eq(query.namespace.as_str());
    let rows = query.scan_limit;
    let by_create_time = query.order.field == ListField::CreateTime;
    let scan = |pins: Vec<Expr>| Scan {
        pins,
        checks: Vec::new(),
        value: value(query.order.field),
        sorts: false,
        rows,
    };
    if let Path::States(states) = path
        && by_create_time
    {
        let of_state = |state: &State| Scan {
            rows: rows.div_ceil(u32::try_from(states.len()).unwrap_or(1)),
            ..scan(vec![namespace(), Expr::col("state").eq(state.name())])
        };
        return Ok(states.iter().map(of_state).collect());
    }
    if let Some(pins) = pins(path) {
        let pins: Vec<Expr> = std::iter::once(namespace()).chain(pins).collect();
        let is_ordered = by_create_time && !matches!(path, Path::Ids(_));
        if is_ordered {
            return Ok(vec![scan(pins)]);
        }
        if count(snapshot, &pins, rows).await? <= i64::from(rows) {
            return Ok(vec![Scan {
                sorts: true,
                ..scan(pins)
            }]);
        }
    }
    Ok(in_order(query, namespace, scan))
}

/// Scans over all tasks of the namespace, in the list's own order.
fn in_order(query: &ListQuery, namespace: impl Fn() -> Expr, scan: impl Fn(Vec<Expr>) -> Scan) -> Vec<Scan> {
    match query.order.field {
        // The key of the table is the id alone.
        ListField::Id => vec![Scan {
            checks: vec![namespace()],
            ..scan(Vec::new())
        }],
        ListField::CreateTime | ListField::UpdateTime | ListField::Priority => vec![scan(vec![namespace()])],
        ListField::ScheduleTime => {
            let with = scan(vec![namespace(), Expr::col("schedule_time").is_not_null()]);
            let checks = vec![namespace(), Expr::col("schedule_time").is_null()];
            let without = Scan {
                checks,
                value: None,
                ..scan(Vec::new())
            };
            match query.after {
                Some(SortKey { value: None, .. }) => vec![without],
                Some(SortKey { value: Some(_), .. }) | None => vec![with, without],
            }
        }
    }
}

fn value(field: ListField) -> Option<&'static str> {
    match field {
        ListField::Id => None,
        ListField::CreateTime => Some("create_time"),
        ListField::UpdateTime => Some("update_time"),
        ListField::Priority => Some("priority"),
        ListField::ScheduleTime => Some("schedule_time"),
    }
}

/// What the index of `path` knows; `None` where it knows no more than the namespace.
fn pins(path: &Path) -> Option<Vec<Expr>> {
    match path {
        Path::Ids(ids) => Some(vec![id_in(ids)]),
        Path::Parent(id) => Some(vec![Expr::col("parent_id").eq(id.0)]),
        Path::Label { key, value } => Some(vec![Expr::cust(dialect::label(key)).eq(value.as_str())]),
        Path::States(states) => Some(vec![
            Expr::col("state").is_in(states.iter().map(|state| state.name())),
        ]),
        Path::All => None,
    }
}

/// How many rows `pins` give, counted to one more than `most`.
async fn count(snapshot: &DatabaseTransaction, pins: &[Expr], most: u32) -> Result<i64, StoreError> {
    let mut some = Query::select();
    some.expr(Expr::val(1)).from(Entity).limit(u64::from(most) + 1);
    pins.iter().for_each(|pin| {
        some.and_where(pin.clone());
    });
    let counted = Query::select()
        .expr_as(Expr::cust("count(*)"), "rows")
        .from_subquery(some, "some")
        .to_owned();
    let row = snapshot.query_one(&counted).await?;
    Ok(row.map_or(Ok(0), |row| row.try_get("", "rows"))?)
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
        let mut columns = BTreeSet::from(["namespace", "schedule_time"]);
        if self.checks.is_empty() {
            columns.clear();
        }
        filter::columns(&query.filter, &mut columns);
        columns.remove("id");
        let mut rows = self.rows(query);
        for column in columns {
            rows.column(column);
        }
        rows.limit(u64::from(self.rows));
        let mut matches = Query::select();
        matches
            .columns([VALUE, "id"])
            .from_subquery(rows, "r")
            .and_where(filter::condition(&query.filter));
        for check in &self.checks {
            matches.and_where(check.clone());
        }
        if self.sorts {
            matches.and_where(after(query, VALUE));
            matches.order_by_expr(Expr::col(VALUE).is_null(), Order::Asc);
            order(&mut matches, query, VALUE);
        }
        matches.limit(u64::from(query.limit) + 1);
        matches
    }

    /// The last row that [`Scan::matches`] looks at; none where it looks at all there are.
    fn last_row(&self, query: &ListQuery) -> SelectStatement {
        self.rows(query)
            .limit(1)
            .offset(u64::from(self.rows) - 1)
            .to_owned()
    }

    fn rows(&self, query: &ListQuery) -> SelectStatement {
        let mut rows = Query::select();
        let value = self.value.map_or_else(|| Expr::cust("NULL"), Expr::col);
        rows.expr_as(value, VALUE).column("id").from(Entity);
        for pin in &self.pins {
            rows.and_where(pin.clone());
        }
        match self.value {
            _ if self.sorts => {}
            Some(value) => {
                rows.and_where(after(query, value));
                order(&mut rows, query, value);
            }
            None => {
                if let Some(SortKey { value: None, id }) = query.after {
                    rows.and_where(beyond(query, Expr::col("id"), Expr::val(id.0)));
                }
                rows.order_by("id", direction(query));
            }
        }
        rows
    }
}

/// The condition that a row stands after the page before, by `value` and id.
fn after(query: &ListQuery, value: &'static str) -> Expr {
    let id = |id: TaskId| beyond(query, Expr::col("id"), Expr::val(id.0));
    match query.after {
        None => Expr::val(true),
        Some(SortKey {
            value: None,
            id: last,
        }) => Expr::col(value).is_null().and(id(last)),
        Some(SortKey {
            value: Some(last_value),
            id: last,
        }) => {
            let row = Expr::tuple([Expr::col(value), Expr::col("id")]);
            let beyond = beyond(
                query,
                row,
                Expr::tuple([Expr::val(last_value), Expr::val(last.0)]),
            );
            // Written only where the value may be absent: it would keep the index from being used.
            if value == VALUE {
                beyond.or(Expr::col(value).is_null())
            } else {
                beyond
            }
        }
    }
}

fn beyond(query: &ListQuery, row: Expr, last: Expr) -> Expr {
    if query.order.descending {
        row.lt(last)
    } else {
        row.gt(last)
    }
}

fn order(select: &mut SelectStatement, query: &ListQuery, value: &'static str) {
    select
        .order_by(value, direction(query))
        .order_by("id", direction(query));
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
        value: row.try_get("", VALUE)?,
        id: TaskId(row.try_get("", "id")?),
    })
}
