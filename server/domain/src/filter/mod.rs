//! The filter language of lists and watches: a subset of AIP-160, parsed, typed and evaluated.
//!
//! ```text
//! filter      = [ expression ]                            the empty filter matches everything
//! expression  = factor { [ "AND" ] factor }               side by side means AND
//! factor      = term { "OR" term }                        OR binds tighter than AND, as in AIP-160
//! term        = [ "NOT" | "-" ] ( restriction | "(" expression ")" )
//! restriction = field ( "=" | "!=" | "<" | "<=" | ">" | ">=" ) value
//!             | field ":" "*"                             the field is set
//!             | "labels." key ( "=" | ... | ":" ) value   here ":" means "="
//!             | "labels." key ":" "*" | "labels" ":" key  the label is set
//! key         = letters, digits and _, or a quoted string
//! value       = a quoted string, or letters, digits and any of _ - . : + / @ without quotes
//! ```
//!
//! Quoted strings stand in `"` or `'` and take the escapes of JSON and `\'`, so every JSON string is one. Keywords
//! are upper case. Times are RFC 3339, kept to the microsecond (further digits are dropped). Texts and label values
//! compare by bytes; enums and ids know `=` and `!=` only.
//!
//! **Absent values**: no comparison matches an absent value, except `!=`, which does. NOT is plain negation, so
//! `NOT assignee.id = "a"` and `assignee.id != "a"` mean the same.
//!
//! Source: AIP-160.

mod ast;
mod compile;
mod display;
mod fields;
mod matches;
mod parse;
mod scan;
#[cfg(test)]
mod tests;

use std::cmp::Ordering;

use crate::id::TaskId;
use crate::task::{AttemptOutcome, Priority, State};
use crate::time::Timestamp;

pub use fields::{Field, Kind, Schema};
pub use matches::{Record, Scalar};

/// A typed filter. Its `Display` is canonical: equal filters print the same text, which parses to an equal filter
/// (the text may be longer than [`limits::FILTER_BYTES`](crate::limits::FILTER_BYTES)). Tokens are bound to a hash of that text.
///
/// Every leaf is true or false, never unknown. In SQL that means: a leaf on a NULL column is false, except `!=`,
/// which is true (`IS NOT` or `IS DISTINCT FROM`); so negation, AND and OR carry over as they stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Filter {
    /// All of them. Without members it matches everything; that is the empty filter and never stands inside another.
    And(Vec<Filter>),
    /// At least one of them. At least two members.
    Or(Vec<Filter>),
    /// Plain negation.
    Not(Box<Filter>),
    /// `field op value`. The value has the type of the field's [`Kind`].
    Compare {
        /// The field.
        field: Field,
        /// The operator; only `Equal` and `NotEqual` for enums and ids.
        op: Op,
        /// What the field is compared with.
        value: Value,
    },
    /// `labels.key op value`.
    CompareLabel {
        /// A valid label key.
        key: String,
        /// The operator.
        op: Op,
        /// At most 256 characters, may be empty.
        value: String,
    },
    /// `field:*`: the field is set.
    Has(Field),
    /// `labels:key`: the task carries the label.
    HasLabel(String),
}

impl Filter {
    /// Parses and types `text` for `schema`.
    ///
    /// Errors: where and why, for the caller of the API: broken syntax, an unknown field, an operator or value that
    /// the field does not take, a limit.
    pub fn parse(text: &str, schema: Schema) -> Result<Self, FilterError> {
        match parse::parse(text)? {
            Some(node) => compile::compile(node, schema),
            None => Ok(Self::everything()),
        }
    }

    /// The empty filter.
    pub const fn everything() -> Self {
        Self::And(Vec::new())
    }

    /// Tells whether this is the empty filter.
    pub fn is_everything(&self) -> bool {
        matches!(self, Self::And(members) if members.is_empty())
    }
}

/// A comparison operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Op {
    /// `=`
    Equal,
    /// `!=`; the only one that matches an absent value.
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
}

impl Op {
    /// Returns the operator as it is written in a filter (and in SQL).
    pub const fn symbol(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
        }
    }

    /// Tells whether `left op right` holds, given how `left` compares with `right`; `None` is an absent `left`.
    pub const fn holds(self, comparison: Option<Ordering>) -> bool {
        let Some(ordering) = comparison else {
            return matches!(self, Self::NotEqual);
        };
        match self {
            Self::Equal => ordering.is_eq(),
            Self::NotEqual => ordering.is_ne(),
            Self::Less => ordering.is_lt(),
            Self::LessOrEqual => ordering.is_le(),
            Self::Greater => ordering.is_gt(),
            Self::GreaterOrEqual => ordering.is_ge(),
        }
    }
}

/// A literal, typed by the [`Kind`] of the field it is compared with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// Never empty.
    Text(String),
    /// A member of the enum.
    State(State),
    /// A member of the enum.
    Priority(Priority),
    /// A member of the enum.
    Outcome(AttemptOutcome),
    /// A moment.
    Time(Timestamp),
    /// A whole number.
    Int(i64),
    /// The id of a task.
    Id(TaskId),
}

/// Why a filter was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message} (at byte {position})")]
pub struct FilterError {
    /// Byte offset into the filter's text, at most its length.
    pub position: usize,
    /// What was found and what is allowed, for people. What it quotes of the filter is cut at 100 characters.
    pub message: String,
}

impl FilterError {
    fn new(position: usize, message: impl Into<String>) -> Self {
        Self {
            position,
            message: message.into(),
        }
    }
}
