//! PostgreSQL answers a statement before it is sent the next one: ten statements are ten ways there and back. Parts that
//! have nothing to do with one another go together, as terms of one WITH.
//!
//! The terms of a WITH all see the rows as they were before it, so no two parts of a statement may touch the same row.
//! There are two such statements, and not one, because each set of parts is another text, to be parsed and planned anew:
//! the sets of two halves are fewer than those of the whole. Where tasks are created and nothing else, the sets are few: that is one.
//!
//! A batch of such parts alone may also be a statement that is a turn by itself.

use super::tables::TASK_COUNT;
use super::{Parameter, Part};
use crate::store::dialect::{self, Dialect, postgres, push};

/// Parts of which a task, a run, a lease is in one only, and their rows.
#[derive(Debug, Default)]
pub(in crate::store) struct Group {
    pub(in crate::store) parts: Vec<Part>,
    pub(in crate::store) parameters: Vec<Parameter>,
}

impl Group {
    fn add(&mut self, part: Part, parameter: Parameter) {
        self.parts.push(part);
        self.parameters.push(parameter);
    }
}

/// Where a part goes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Tasks,
    Rows,
    Alone,
}

const fn place(part: Part) -> Place {
    match part {
        Part::InsertTasks(_) | Part::UpdateTasks(_) => Place::Tasks,
        Part::BeginRuns(_)
        | Part::EndRuns
        | Part::Leases
        | Part::EndLeases
        | Part::Counts
        | Part::Requests
        | Part::Events(_) => Place::Rows,
        _ => Place::Alone,
    }
}

/// Whether all parts may be one statement.
pub(in crate::store) fn are_one(parts: &[Part]) -> bool {
    parts.iter().all(|part| place(*part) != Place::Alone)
}

/// The statements of a batch, in order. What goes alone comes first, as that reads and removes what stood before.
pub(in crate::store) fn groups(parts: Vec<Part>, parameters: Vec<Parameter>) -> Vec<Group> {
    let mut groups = Vec::new();
    let (mut tasks, mut rows) = (Group::default(), Group::default());
    for (part, parameter) in parts.into_iter().zip(parameters) {
        match place(part) {
            Place::Tasks => tasks.add(part, parameter),
            Place::Rows => rows.add(part, parameter),
            Place::Alone => {
                let mut alone = Group::default();
                alone.add(part, parameter);
                groups.push(alone);
            }
        }
    }
    if creates_alone(&tasks, &rows) {
        tasks.parts.append(&mut rows.parts);
        tasks.parameters.append(&mut rows.parameters);
    }
    groups.extend([tasks, rows].into_iter().filter(|group| !group.parts.is_empty()));
    groups
}

fn creates_alone(tasks: &Group, rows: &Group) -> bool {
    let creates = |part: &Part| matches!(part, Part::Counts | Part::Requests | Part::Events(_));
    matches!(tasks.parts[..], [Part::InsertTasks(_)]) && rows.parts.iter().all(creates)
}

/// The statement of a group; its parameters are the rows of each part, in their order. It answers how many rows each guarded part changed,
/// unless it is of one part, whose count the database tells anyway.
pub(in crate::store) fn text(parts: &[Part]) -> String {
    if let [part] = parts {
        return part.text(Dialect::Postgres);
    }
    let Terms { terms, .. } = Terms::of(parts, Part::is_guarded);
    let counted = (0..).zip(parts).filter(|(_, part)| part.is_guarded());
    let counts: Vec<_> = counted.map(|(place, _)| count(place)).collect();
    format!("WITH {terms} SELECT {}", counts.join(", "))
}

/// As [`text`], of a statement that is a turn. Behind the rows its parameters are the number of the turn before it and how many
/// rows each guarded part is to change; it answers its own number. It writes nothing where another turn came between, or a
/// guarded part changes other rows.
///
/// The lock is taken before all else, as there is no number without it; nothing is written before that number is
/// compared, as what is behind THEN is computed once the condition holds; and the next number is taken when every part is
/// written, as all of them are counted: a number that is taken stays so, whatever becomes of the statement.
pub(in crate::store) fn turn(parts: &[Part]) -> String {
    let Terms { terms, parameters } = Terms::of(parts, |_| true);
    let last = parameters + 1;
    let mut wanted = last;
    let conditions = parts.iter().enumerate().map(|(place, part)| {
        let count = count(place);
        if part.is_guarded() {
            wanted += 1;
            format!("{count} = ${wanted}")
        } else {
            format!("{count} >= 0")
        }
    });
    let conditions: Vec<_> = conditions.collect();
    format!(
        "WITH {}, {terms} SELECT CASE WHEN before.turn IS DISTINCT FROM ${last} THEN {} WHEN {} THEN {} ELSE {} END FROM before",
        postgres::took_turn(),
        postgres::OTHERS_WROTE,
        conditions.join(" AND "),
        postgres::TAKE_NUMBER,
        postgres::OTHER_ROWS,
    )
}

fn count(place: usize) -> String {
    format!("(SELECT count(*) FROM p{place})")
}

/// Parts as terms of a WITH.
#[derive(Default)]
struct Terms {
    terms: String,
    /// How many there are.
    parameters: usize,
}

impl Terms {
    /// `is_counted`: the rows of which parts can be counted.
    fn of(parts: &[Part], is_counted: impl Fn(Part) -> bool) -> Self {
        let mut all = Self::default();
        for (place, part) in parts.iter().enumerate() {
            let comma = if place > 0 { ", " } else { "" };
            // Terms that write stand at the top alone.
            let (terms_of_part, text) = match part {
                Part::Counts => (
                    format!("{}, ", dialect::counted(&TASK_COUNT)),
                    dialect::ADD_COUNTED.to_owned(),
                ),
                part => (String::new(), part.text(Dialect::Postgres)),
            };
            let text = text.trim_end_matches(';');
            let text = format!("{comma}{terms_of_part}p{place} AS ({text}");
            let (text, of_part) = shifted(&text, all.parameters);
            all.parameters += of_part;
            all.terms.push_str(&text);
            if is_counted(*part) {
                all.terms.push_str(" RETURNING 1");
            }
            all.terms.push(')');
        }
        all
    }
}

/// The text with the numbers of its parameters raised by so many, and how many parameters it has.
fn shifted(text: &str, by: usize) -> (String, usize) {
    let mut pieces = text.split('$');
    let mut shifted = pieces.next().unwrap_or_default().to_owned();
    let mut most = 0;
    for piece in pieces {
        let digits = piece.bytes().take_while(u8::is_ascii_digit).count();
        let (number, rest) = piece.split_at(digits);
        let number: usize = number.parse().unwrap_or_default();
        most = most.max(number);
        push(&mut shifted, format_args!("${}{rest}", number + by));
    }
    (shifted, most)
}
