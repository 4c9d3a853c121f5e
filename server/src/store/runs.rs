//! Lists of runs: the newest first, filtered, page by page, with bounded work for each page.

use std::collections::BTreeSet;

use baton_domain::filter::{Field, Filter, Op, Value};
use baton_domain::{PayloadRole, Run, TaskId};
use sea_orm::sea_query::{Expr, ExprTrait as _, Order, Query, SelectStatement};
use sea_orm::{
    ConnectionTrait as _, DatabaseConnection, DatabaseTransaction, FromQueryResult as _, Iterable as _,
    TransactionTrait as _,
};

use super::dialect::Dialect;
use super::entity::run::{Column, Entity, Model};
use super::rows::{read_integer, read_run};
use super::{Store, StoreError, filter};

/// Which runs, and from where. Those told of last come first.
#[derive(Clone, Debug)]
pub struct RunQuery {
    /// Where their tasks live.
    pub namespace: String,
    /// Which of them. An index serves the runs of a task and those of a type.
    pub filter: Filter,
    /// [`RunPage::next`] of the page before, which was asked with the same filter.
    pub after: Option<i64>,
    /// At most so many; at least 1.
    pub limit: u32,
    /// Rows that may be looked at, at least 1: [`super::SCAN_ROWS`].
    pub scan_limit: u32,
    /// With the bytes of outputs.
    pub payloads: bool,
}

/// A page of runs.
#[derive(Clone, Debug, PartialEq)]
pub struct RunPage {
    /// In order; may be fewer than asked for though there are more.
    pub runs: Vec<Run>,
    /// Where the next page begins; `None` on the last one.
    pub next: Option<i64>,
}

/// What an index knows of the rows.
enum Path<'a> {
    /// Those of one task, in the order of their numbers.
    Task(TaskId),
    /// Those of one type.
    Type(&'a str),
    /// All there are.
    All,
}

impl<'a> Path<'a> {
    fn choose(filter: &'a Filter) -> Self {
        let required = match filter {
            Filter::And(members) => members.as_slice(),
            other => std::slice::from_ref(other),
        };
        let mut path = Path::All;
        for member in required {
            let Filter::Compare {
                field,
                op: Op::Equal,
                value,
            } = member
            else {
                continue;
            };
            if let (Field::TaskId, Value::Id(id)) = (field, value) {
                return Path::Task(*id);
            }
            if let (Field::Type, Value::Text(name)) = (field, value) {
                path = Path::Type(name);
            }
        }
        path
    }

    /// What the rows are ordered by.
    const fn order(&self) -> Column {
        match self {
            Path::Task(_) => Column::Number,
            Path::Type(_) | Path::All => Column::Id,
        }
    }

    fn key(&self, row: &Model) -> i64 {
        match self {
            Path::Task(_) => row.number.into(),
            Path::Type(_) | Path::All => row.id,
        }
    }
}

impl Store {
    /// A page of runs.
    ///
    /// # Errors
    /// What the database may do.
    pub async fn runs(&self, query: &RunQuery) -> Result<RunPage, StoreError> {
        // One snapshot: or a run that ends in between would be neither a match nor looked at.
        let dialect = self.dialect();
        let unit = move |pool: DatabaseConnection, query: RunQuery| async move {
            let snapshot = pool.begin_with_options(dialect.snapshot()).await?;
            let page = page(&snapshot, dialect, &query).await;
            snapshot.commit().await?;
            page
        };
        let (rows, next) = self.readers().asked(query.clone(), unit).await?;
        let mut runs: Vec<Run> = rows.into_iter().map(read_run).collect::<Result<_, _>>()?;
        if query.payloads {
            self.fill_outputs(&mut runs).await?;
        }
        Ok(RunPage { runs, next })
    }

    async fn fill_outputs(&self, runs: &mut [Run]) -> Result<(), StoreError> {
        let key = |run: &Run| {
            let output = run.end.as_ref()?.output.as_ref()?;
            Some((run.task_id, PayloadRole::Output, output.version))
        };
        let named: BTreeSet<_> = runs.iter().filter_map(key).collect();
        if named.is_empty() {
            return Ok(());
        }
        let bodies = self.bodies(&named).await?;
        for run in runs {
            let body = key(run).and_then(|key| bodies.get(&key).cloned());
            if let Some(output) = run.end.as_mut().and_then(|end| end.output.as_mut()) {
                output.body = body;
            }
        }
        Ok(())
    }
}

/// The matches among the rows that may be looked at, and one more than are asked for.
/// The rows of a page, and where the next one begins.
async fn page(
    snapshot: &DatabaseTransaction,
    dialect: Dialect,
    query: &RunQuery,
) -> Result<(Vec<Model>, Option<i64>), StoreError> {
    let path = Path::choose(&query.filter);
    let found = snapshot.query_all(&matches(dialect, query, &path)).await?;
    let mut rows: Vec<Model> = found
        .iter()
        .map(|row| Model::from_query_result(row, ""))
        .collect::<Result<_, _>>()?;
    let next = if rows.len() > query.limit as usize {
        rows.truncate(query.limit as usize);
        rows.last().map(|row| path.key(row))
    } else {
        let last = snapshot.query_one(&last_row(dialect, query, &path)).await?;
        last.and_then(|row| read_integer(&row, 0).transpose())
            .transpose()?
    };
    Ok((rows, next))
}

fn matches(dialect: Dialect, query: &RunQuery, path: &Path<'_>) -> SelectStatement {
    let mut rows = rows(dialect, query, path);
    rows.columns(Column::iter()).limit(u64::from(query.scan_limit));
    Query::select()
        .columns(Column::iter())
        .from_subquery(rows, "r")
        .and_where(Expr::col("namespace").eq(query.namespace.as_str()))
        .and_where(filter::condition(dialect, &query.filter))
        .limit(u64::from(query.limit) + 1)
        .to_owned()
}

/// The key of the last row that [`matches()`] looks at; none where it looks at all there are.
fn last_row(dialect: Dialect, query: &RunQuery, path: &Path<'_>) -> SelectStatement {
    rows(dialect, query, path)
        .column(path.order())
        .limit(1)
        .offset(u64::from(query.scan_limit) - 1)
        .to_owned()
}

fn rows(dialect: Dialect, query: &RunQuery, path: &Path<'_>) -> SelectStatement {
    let mut rows = Query::select();
    rows.from(Entity);
    match path {
        Path::Task(id) => {
            rows.and_where(Expr::col(Column::TaskId).eq(id.0));
        }
        Path::Type(name) => {
            rows.and_where(Expr::col(Column::Namespace).eq(query.namespace.as_str()));
            if dialect == Dialect::Postgres {
                // A range of one type, in its order: asked for the type and the order of ids alone, the planner walks all runs
                // that there are in that order, for a type that one in a million has.
                let columns = [Column::Type, Column::Id].map(Expr::col);
                let place = [Expr::val(*name), Expr::val(query.after.unwrap_or(i64::MAX))];
                rows.and_where(Expr::tuple(columns).lt(Expr::tuple(place)));
                rows.and_where(Expr::col(Column::Type).gte(*name));
                rows.order_by(Column::Type, Order::Desc)
                    .order_by(Column::Id, Order::Desc);
                return rows;
            }
            rows.and_where(Expr::col(Column::Type).eq(*name));
        }
        Path::All => {}
    }
    if let Some(after) = query.after {
        rows.and_where(Expr::col(path.order()).lt(after));
    }
    rows.order_by(path.order(), Order::Desc);
    rows
}
