//! Rows as one array a column, which PostgreSQL reads with less work than any text.

use sqlx::Postgres;
use sqlx::postgres::PgArguments;
use sqlx::query::Query;
use uuid::Uuid;

use super::bulk::{Cell, Column, Kind};

/// The values of one column.
#[derive(Debug)]
pub(super) enum Array {
    Int(Vec<Option<i64>>),
    Flag(Vec<Option<bool>>),
    Text(Vec<Option<String>>),
    Id(Vec<Option<Uuid>>),
    Blob(Vec<Option<Vec<u8>>>),
}

impl Array {
    pub(super) fn new(column: &Column) -> Self {
        match column.kind {
            Kind::Int => Self::Int(Vec::new()),
            Kind::Flag => Self::Flag(Vec::new()),
            Kind::Text => Self::Text(Vec::new()),
            Kind::Id => Self::Id(Vec::new()),
            Kind::Blob => Self::Blob(Vec::new()),
        }
    }

    /// Adds the value of the next row.
    ///
    /// Panics: the column holds another kind of values.
    pub(super) fn push(&mut self, cell: &Cell<'_>) {
        match (self, cell) {
            (Self::Int(values), Cell::Int(value)) => values.push(Some(*value)),
            (Self::Flag(values), Cell::Int(value)) => values.push(Some(*value != 0)),
            (Self::Text(values), Cell::Text(text)) => values.push(Some(text.as_ref().to_owned())),
            (Self::Id(values), Cell::Id(id)) => values.push(Some(*id)),
            (Self::Blob(values), Cell::Blob(bytes)) => values.push(Some(bytes.as_ref().to_owned())),
            (Self::Int(values), Cell::Null) => values.push(None),
            (Self::Flag(values), Cell::Null) => values.push(None),
            (Self::Text(values), Cell::Null) => values.push(None),
            (Self::Id(values), Cell::Null) => values.push(None),
            (Self::Blob(values), Cell::Null) => values.push(None),
            (array, cell) => unreachable!("{cell:?} is no value of {array:?}"),
        }
    }

    pub(super) fn bind(self, query: Query<'_, Postgres, PgArguments>) -> Query<'_, Postgres, PgArguments> {
        match self {
            Self::Int(values) => query.bind(values),
            Self::Flag(values) => query.bind(values),
            Self::Text(values) => query.bind(values),
            Self::Id(values) => query.bind(values),
            Self::Blob(values) => query.bind(values),
        }
    }
}
