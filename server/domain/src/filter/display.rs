//! The canonical text of a filter.

use std::fmt::{self, Display, Formatter, Write};

use super::scan::is_name;
use super::{Filter, Value};

impl Display for Filter {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::And(members) => write_joined(f, members, " AND "),
            Self::Or(members) => write_joined(f, members, " OR "),
            Self::Not(inner) => {
                f.write_str("NOT ")?;
                // The grammar takes one NOT a term.
                if matches!(**inner, Self::Not(_)) {
                    write!(f, "({inner})")
                } else {
                    write_member(f, inner)
                }
            }
            Self::Compare { field, op, value } => write!(f, "{} {} {value}", field.name(), op.symbol()),
            Self::CompareLabel { key, op, value } => {
                f.write_str("labels.")?;
                if key.chars().all(is_name) {
                    f.write_str(key)?;
                } else {
                    write_string(f, key)?;
                }
                write!(f, " {} ", op.symbol())?;
                write_string(f, value)
            }
            Self::Has(field) => write!(f, "{}:*", field.name()),
            Self::HasLabel(key) => {
                f.write_str("labels:")?;
                write_string(f, key)
            }
        }
    }
}

impl Display for Value {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write_string(f, text),
            Self::State(state) => write!(f, "{state}"),
            Self::Priority(priority) => write!(f, "{priority}"),
            Self::Outcome(outcome) => write!(f, "{outcome}"),
            Self::Time(time) => match jiff::Timestamp::from_microsecond(time.as_micros()) {
                Ok(time) => write!(f, "{time}"),
                // Out of the years that RFC 3339 can write: no parsed filter holds such a time.
                Err(_) => write!(f, "{}us", time.as_micros()),
            },
            Self::Int(number) => write!(f, "{number}"),
            Self::Id(id) => write!(f, "{id}"),
        }
    }
}

fn write_joined(f: &mut Formatter<'_>, members: &[Filter], separator: &str) -> fmt::Result {
    for (index, member) in members.iter().enumerate() {
        if index > 0 {
            f.write_str(separator)?;
        }
        write_member(f, member)?;
    }
    Ok(())
}

/// Writes a part of a larger filter: in parentheses where it is itself a list of parts.
fn write_member(f: &mut Formatter<'_>, member: &Filter) -> fmt::Result {
    match member {
        Filter::And(_) | Filter::Or(_) => write!(f, "({member})"),
        Filter::Not(_)
        | Filter::Compare { .. }
        | Filter::CompareLabel { .. }
        | Filter::Has(_)
        | Filter::HasLabel(_) => {
            write!(f, "{member}")
        }
    }
}

fn write_string(f: &mut Formatter<'_>, text: &str) -> fmt::Result {
    f.write_char('"')?;
    for c in text.chars() {
        match c {
            '"' | '\\' => write!(f, "\\{c}")?,
            c if c.is_control() => write!(f, "\\u{:04x}", u32::from(c))?,
            c => f.write_char(c)?,
        }
    }
    f.write_char('"')
}
