//! Which scans a list takes: over what an index knows of the matches where that is little, else over all in the list's order.

use std::cmp::Ordering;

use baton_domain::{Priority, State};
use sea_orm::sea_query::{Expr, ExprTrait as _, Query};
use sea_orm::{ConnectionTrait as _, DatabaseTransaction};

use super::merge::compare_values;
use super::path::Path;
use super::scan::{PRIORITY, SCHEDULE_TIME, Scan, Sort};
use super::{ListField, ListQuery};
use crate::store::StoreError;
use crate::store::dialect::{self, Dialect};
use crate::store::entity::task;
use crate::store::read::id_in;

/// The scans that a list takes. Their rows have nothing in common.
pub(super) async fn plan(
    snapshot: &DatabaseTransaction,
    dialect: Dialect,
    (query, path): (&ListQuery, &Path),
) -> Result<Vec<Scan>, StoreError> {
    let rows = query.scan_limit;
    let by_create_time = query.order.field == ListField::CreateTime;
    let scan = |pins: Vec<Expr>| Scan {
        dialect,
        pins,
        checks: Vec::new(),
        sort: Sort::of(query.order.field),
        sorts: false,
        rows,
    };
    if let Path::States(states) = path
        && by_create_time
    {
        let of_state = |state: &State| Scan {
            rows: rows.div_ceil(u32::try_from(states.len()).unwrap_or(1)),
            ..scan(vec![namespace(query), Expr::col("state").eq(state.name())])
        };
        return Ok(states.iter().map(of_state).collect());
    }
    if let Some(pins) = pins(dialect, path) {
        let pins: Vec<Expr> = std::iter::once(namespace(query)).chain(pins).collect();
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
    Ok(in_order(dialect, query, scan))
}

fn namespace(query: &ListQuery) -> Expr {
    Expr::col("namespace").eq(query.namespace.as_str())
}

/// Scans over all tasks of the namespace, in the list's own order.
fn in_order(dialect: Dialect, query: &ListQuery, scan: impl Fn(Vec<Expr>) -> Scan) -> Vec<Scan> {
    let all = || {
        let name = query.namespace.as_str();
        dialect.holds(dialect::CREATED_IN, [name.into(), name.into()])
    };
    let among = |value, check| Scan {
        checks: vec![check],
        sort: Sort::Created(value),
        ..scan(vec![all()])
    };
    let after = query.after.map(|after| after.value);
    match query.order.field {
        // The key of that index is the id alone.
        ListField::Id => vec![Scan {
            checks: vec![namespace(query)],
            ..scan(Vec::new())
        }],
        ListField::CreateTime => vec![scan(vec![all()])],
        ListField::UpdateTime => vec![scan(Vec::new())],
        ListField::Priority => {
            let usual = i64::from(Priority::Normal.number());
            let usual_ones = among(Some(usual), Expr::col(PRIORITY).eq(usual));
            let others = scan(vec![namespace(query), Expr::cust(dialect::PRIORITY_UNUSUAL)]);
            match after.map(|after| compare_values(Some(usual), after, query.order.descending)) {
                Some(Ordering::Less) => vec![others],
                Some(Ordering::Equal | Ordering::Greater) | None => vec![others, usual_ones],
            }
        }
        ListField::ScheduleTime => {
            let with = scan(vec![namespace(query), Expr::col(SCHEDULE_TIME).is_not_null()]);
            let without = among(None, Expr::col(SCHEDULE_TIME).is_null());
            match after {
                Some(None) => vec![without],
                Some(Some(_)) | None => vec![with, without],
            }
        }
    }
}

/// What the index of `path` knows; `None` where it knows no more than the namespace.
fn pins(dialect: Dialect, path: &Path) -> Option<Vec<Expr>> {
    match path {
        Path::Ids(ids) => Some(vec![id_in(dialect, ids)]),
        Path::Parent(id) => Some(vec![Expr::col("parent_id").eq(id.0)]),
        Path::Label { key, value } => Some(vec![Expr::cust(dialect.label(key)).eq(value.as_str())]),
        Path::States(states) => Some(vec![
            Expr::col("state").is_in(states.iter().map(|state| state.name())),
        ]),
        Path::All => None,
    }
}

/// How many rows `pins` give, counted to one more than `most`.
async fn count(snapshot: &DatabaseTransaction, pins: &[Expr], most: u32) -> Result<i64, StoreError> {
    let mut some = Query::select();
    some.expr(Expr::val(1))
        .from(task::Entity)
        .limit(u64::from(most) + 1);
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
