//! Statements and their parameters.

use super::{Query, text_of};
use crate::store::bulk::Packed;
use crate::store::plan::{Parameter, Part};

/// A statement with the rows of its parts, and how many of them each guarded part is to change.
pub(super) fn filled<'q>(
    mut query: Query<'q>,
    parts: &[Part],
    parameters: Vec<Parameter>,
) -> (Query<'q>, Vec<i64>) {
    let mut wanted = Vec::new();
    for (part, parameter) in parts.iter().zip(parameters) {
        query = match parameter.rows {
            Packed::One(rows) => query.bind(text_of(rows)),
            Packed::Columns(columns) => columns
                .into_iter()
                .fold(query, |query, column| column.bind(query)),
        };
        if part.is_guarded() {
            wanted.push(parameter.count);
        }
    }
    (query, wanted)
}
