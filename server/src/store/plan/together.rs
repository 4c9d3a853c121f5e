//! PostgreSQL answers a statement before it is sent the next one: ten statements are ten ways there and back. Parts that
//! have nothing to do with one another go together, as terms of one WITH.
//!
//! The terms of a WITH all see the rows as they were before it, so no two parts of a statement may touch the same row.
//! There are two such statements, and not one, because each set of parts is another text, to be parsed and planned anew:
//! the sets of two halves are fewer than those of the whole. Where tasks are created and nothing else, the sets are few: that is one.

use super::tables::TASK_COUNT;
use super::{Parameter, Part};
use crate::store::dialect::{self, Dialect, push};

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

/// The statements of a batch, in order. What goes alone comes first, as that reads and removes what stood before.
pub(in crate::store) fn groups(parts: Vec<Part>, parameters: Vec<Parameter>) -> Vec<Group> {
    let mut groups = Vec::new();
    let (mut tasks, mut rows) = (Group::default(), Group::default());
    for (part, parameter) in parts.into_iter().zip(parameters) {
        match part {
            Part::InsertTasks(_) | Part::UpdateTasks(_) => tasks.add(part, parameter),
            Part::BeginRuns(_)
            | Part::EndRuns
            | Part::Leases
            | Part::EndLeases
            | Part::Counts
            | Part::Requests
            | Part::Events(_) => rows.add(part, parameter),
            _ => {
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
    let (mut terms, mut counts) = (String::from("WITH "), String::new());
    let mut parameters = 0;
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
        let (text, of_part) = shifted(&text, parameters);
        parameters += of_part;
        terms.push_str(&text);
        if part.is_guarded() {
            terms.push_str(" RETURNING 1");
            let comma = if counts.is_empty() { "" } else { ", " };
            push(
                &mut counts,
                format_args!("{comma}(SELECT count(*) FROM p{place})"),
            );
        }
        terms.push(')');
    }
    format!("{terms} SELECT {counts}")
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
