//! A filter as a condition in SQL. It means what [`Filter::matches`] means: a property test holds the two together.

use std::collections::BTreeSet;

use baton_domain::filter::{Field, Filter, Op, Value};
use sea_orm::sea_query::{Expr, ExprTrait as _, Func};

use super::dialect::{self, Dialect};

/// The condition that a row matches `filter`: true or false, never NULL, so that NOT negates.
pub(super) fn condition(dialect: Dialect, filter: &Filter) -> Expr {
    let condition = |filter: &Filter| condition(dialect, filter);
    match filter {
        Filter::And(members) => members
            .iter()
            .map(condition)
            .reduce(Expr::and)
            .unwrap_or_else(|| Expr::val(true)),
        Filter::Or(members) => members
            .iter()
            .map(condition)
            .reduce(Expr::or)
            .unwrap_or_else(|| Expr::val(false)),
        Filter::Not(inner) => condition(inner).not(),
        Filter::Compare { field, op, value } => compare_field(*field, *op, value),
        Filter::CompareLabel {
            key,
            op: Op::Equal,
            value,
        } => {
            // Most rows fail the search of the text, which is far quicker than reading it as JSON.
            let found = dialect.holds(dialect::LABELS_HAVE.of(dialect), [member(key, value).into()]);
            found.and(absent_is(
                Op::Equal,
                compare(label(dialect, key), Op::Equal, value.as_str()),
            ))
        }
        Filter::CompareLabel { key, op, value } => {
            absent_is(*op, compare(label(dialect, key), *op, value.as_str()))
        }
        Filter::Has(field) => has(*field),
        Filter::HasLabel(key) => label(dialect, key).is_not_null(),
    }
}

/// The columns that [`condition`] reads.
pub(super) fn columns(filter: &Filter, into: &mut BTreeSet<&'static str>) {
    match filter {
        Filter::And(members) | Filter::Or(members) => members.iter().for_each(|member| columns(member, into)),
        Filter::Not(inner) => columns(inner, into),
        Filter::Compare { field, .. } | Filter::Has(field) => {
            into.insert(column(*field).0);
        }
        Filter::CompareLabel { .. } | Filter::HasLabel(_) => {
            into.insert(LABELS);
        }
    }
}

const LABELS: &str = "labels";

/// How a field may be absent.
#[derive(Clone, Copy)]
enum Absent {
    Never,
    Null,
    EmptyText,
    NullOrEmptyText,
}

/// The column of a field.
const fn column(field: Field) -> (&'static str, Absent) {
    match field {
        Field::Id => ("id", Absent::Never),
        Field::Queue => ("queue", Absent::EmptyText),
        Field::Type => ("type", Absent::EmptyText),
        Field::State => ("state", Absent::Never),
        Field::StateReason => ("state_reason", Absent::EmptyText),
        Field::Priority => ("priority", Absent::Never),
        Field::Title => ("title", Absent::EmptyText),
        Field::ParentId => ("parent_id", Absent::Null),
        Field::CreatorId => ("creator_id", Absent::EmptyText),
        Field::AssigneeId => ("assignee_id", Absent::NullOrEmptyText),
        Field::CreateTime => ("create_time", Absent::Never),
        Field::UpdateTime => ("update_time", Absent::Never),
        Field::ScheduleTime => ("schedule_time", Absent::Null),
        Field::StartTime => ("start_time", Absent::Null),
        Field::EndTime => ("end_time", Absent::Null),
        Field::Attempt => ("attempt", Absent::Never),
        Field::RetryCount => ("retry_count", Absent::Never),
        Field::TaskId => ("task_id", Absent::Never),
        Field::Outcome => ("outcome", Absent::Null),
    }
}

fn compare_field(field: Field, op: Op, value: &Value) -> Expr {
    let (name, absent) = column(field);
    let left = present(name, absent);
    let compared = match value {
        Value::Text(text) => compare(left, op, text.as_str()),
        Value::State(state) => compare(left, op, state.name()),
        Value::Priority(priority) => compare(left, op, priority.number()),
        Value::Outcome(outcome) => compare(left, op, outcome.name()),
        Value::Time(time) => compare(left, op, time.as_micros()),
        Value::Int(number) => compare(left, op, *number),
        Value::Id(id) => compare(left, op, id.0),
    };
    match absent {
        Absent::Never => compared,
        Absent::Null | Absent::EmptyText | Absent::NullOrEmptyText => absent_is(op, compared),
    }
}

/// The column; NULL where the field is absent.
fn present(name: &'static str, absent: Absent) -> Expr {
    match absent {
        Absent::Never | Absent::Null => Expr::col(name),
        Absent::EmptyText | Absent::NullOrEmptyText => {
            Func::cust("nullif").arg(Expr::col(name)).arg("").into()
        }
    }
}

fn compare(left: Expr, op: Op, right: impl Into<Expr>) -> Expr {
    match op {
        Op::Equal => left.eq(right),
        Op::NotEqual => left.ne(right),
        Op::Less => left.lt(right),
        Op::LessOrEqual => left.lte(right),
        Op::Greater => left.gt(right),
        Op::GreaterOrEqual => left.gte(right),
    }
}

/// What a comparison with an absent value is, where `compared` is NULL.
fn absent_is(op: Op, compared: Expr) -> Expr {
    Func::coalesce([compared, Expr::val(op.holds(None))]).into()
}

fn has(field: Field) -> Expr {
    let (name, absent) = column(field);
    match absent {
        Absent::Never => Expr::val(true),
        Absent::Null | Absent::EmptyText | Absent::NullOrEmptyText => present(name, absent).is_not_null(),
    }
}

/// A label as it stands in the text of the labels.
fn member(key: &str, value: &str) -> String {
    let json = |text: &str| serde_json::Value::from(text).to_string();
    format!("{}:{}", json(key), json(value))
}

fn label(dialect: Dialect, key: &str) -> Expr {
    Expr::cust(dialect.label(key))
}
