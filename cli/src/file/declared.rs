//! The tables that declare things: each entry is a message of the contract, under its name, with the contract's own fields.
//!
//! So whatever the contract says of a field holds here: the file is turned into the request that would make the same thing,
//! and judged by the code that judges the request. Only how values are written is TOML's: spans as `5m`, enums by their short
//! names, an input as a table, a schema as a table or the name of a file.

mod value;

use std::ops::Range;

use baton_client::proto::{Queue, Schedule, TaskType};
use baton_server::api::{Declarations, DeclaredQueue, DeclaredSchedule, judge};
use prost::Message;
use prost_reflect::{DescriptorPool, DynamicMessage};
use serde_json::{Map, Value};
use std::sync::LazyLock;
use toml::de::{DeTable, DeValue};

use super::mistakes::Mistake;
use super::tree::{self, Place};
use super::words;

static CONTRACT: LazyLock<DescriptorPool> = LazyLock::new(|| {
    DescriptorPool::decode(baton_proto::DESCRIPTOR_SET).expect("the contract describes itself")
});

/// A table of declarations.
struct Kind {
    table: &'static str,
    /// The message of an entry.
    message: &'static str,
    /// The call that makes one, and its field that holds it.
    call: &'static str,
    field: &'static str,
}

const QUEUES: Kind = Kind {
    table: "queues",
    message: "baton.v1.Queue",
    call: "CreateQueue",
    field: "queue",
};
const TYPES: Kind = Kind {
    table: "types",
    message: "baton.v1.TaskType",
    call: "RegisterTaskType",
    field: "task_type",
};
const SCHEDULES: Kind = Kind {
    table: "schedules",
    message: "baton.v1.Schedule",
    call: "CreateSchedule",
    field: "schedule",
};

/// The names of the tables.
pub(super) const TABLES: [&str; 3] = [QUEUES.table, TYPES.table, SCHEDULES.table];

/// Reads all declarations; what is wrong is added to `found`.
pub(super) fn read(root: &DeTable<'_>, found: &mut Vec<Mistake>) -> Declarations {
    let mut declared = Declarations::default();
    for (entry, queue) in entries::<Queue>(&QUEUES, root, found) {
        let paused = paused(entry);
        declared.queues.push(DeclaredQueue { queue, paused });
    }
    for (_, task_type) in entries::<TaskType>(&TYPES, root, found) {
        declared.task_types.push(task_type);
    }
    for (entry, schedule) in entries::<Schedule>(&SCHEDULES, root, found) {
        let paused = paused(entry);
        declared.schedules.push(DeclaredSchedule { schedule, paused });
    }
    declared
}

/// Whether it is paused, where it says so.
fn paused(entry: &DeTable<'_>) -> Option<bool> {
    let (_, value) = tree::entry(entry, "paused")?;
    value.get_ref().as_bool()
}

/// The entries of a table that can be used, each as its message.
fn entries<'a, M: Message + Default>(
    kind: &Kind,
    root: &'a DeTable<'_>,
    found: &mut Vec<Mistake>,
) -> Vec<(&'a DeTable<'a>, M)> {
    let Some((at, table)) = tree::entry(root, kind.table) else {
        return Vec::new();
    };
    let DeValue::Table(table) = table.get_ref() else {
        let what = format!("must be tables: [{}.NAME]", kind.table);
        found.push(Mistake::new(Some(at), kind.table, what));
        return Vec::new();
    };
    let mut read = Vec::new();
    for (name, value) in table {
        let place = (name.span(), value);
        let path = format!("{}.{}", kind.table, name.get_ref());
        match value.get_ref() {
            DeValue::Table(entry) => {
                if let Some(message) = one(kind, (name.get_ref(), &path), (entry, place), found) {
                    read.push((entry, message));
                }
            }
            _ => found.push(Mistake::new(Some(name.span()), path, "must be a table")),
        }
    }
    read
}

fn one<M: Message + Default>(
    kind: &Kind,
    (name, path): (&str, &str),
    (entry, place): (&DeTable<'_>, (Range<usize>, Place<'_, '_>)),
    found: &mut Vec<Mistake>,
) -> Option<M> {
    let before = found.len();
    let message = CONTRACT.get_message_by_name(kind.message)?;
    let mut fields = value::Reader { found: &mut *found }.message(&message, entry, path);
    fields.insert("name".to_owned(), Value::String(name.to_owned()));
    if found.len() > before {
        return None;
    }
    let mut refuse = |what: String| found.push(Mistake::new(Some(place.0.clone()), path, what));
    let request = Map::from_iter([(kind.field.to_owned(), Value::Object(fields.clone()))]);
    let input = format!("baton.v1.{}Request", kind.call);
    let input = CONTRACT.get_message_by_name(&input)?;
    let request = match DynamicMessage::deserialize(input, Value::Object(request)) {
        Ok(request) => request.encode_to_vec(),
        Err(error) => {
            refuse(error.to_string());
            return None;
        }
    };
    if let Some(Err(refusal)) = judge(kind.call, &request) {
        let mut told = false;
        for (field, what) in refusal.violations() {
            let inner = field.strip_prefix(kind.field).unwrap_or(field);
            // Nothing in the file is called so.
            let inner = inner.replace(".json_text", "").replace(".json", "");
            let at = tree::find(place.clone(), &inner);
            found.push(Mistake::new(Some(at), format!("{path}{inner}"), what));
            told = true;
        }
        if !told {
            found.push(Mistake::new(Some(place.0), path, refusal.message()));
        }
        return None;
    }
    let message = DynamicMessage::deserialize(message, Value::Object(fields)).ok()?;
    message.transcode_to().ok()
}

/// What an entry may say: the fields of its message that clients give. A message that is not here is taken whole.
const GIVEN: [(&str, &[&str]); 4] = [
    (
        "baton.v1.Queue",
        &[
            "namespace",
            "description",
            "concurrency_limit",
            "rate_limit",
            "key_label",
            "key_concurrency_limit",
            "retry_policy",
            "retention",
            "paused",
            "note",
        ],
    ),
    (
        "baton.v1.TaskType",
        &[
            "namespace",
            "description",
            "input_schema",
            "output_schema",
            "exposure",
            "queue",
            "priority",
            "retry_policy",
            "timeouts",
        ],
    ),
    (
        "baton.v1.Schedule",
        &[
            "namespace",
            "description",
            "cron",
            "interval",
            "phase",
            "time_zone",
            "start_time",
            "end_time",
            "jitter",
            "overlap_policy",
            "catchup_window",
            "task",
            "paused",
            "note",
        ],
    ),
    (
        "baton.v1.Task",
        &[
            "queue",
            "type",
            "function",
            "title",
            "description",
            "input",
            "priority",
            "labels",
            "metadata",
            "assignee",
            "retry_policy",
            "timeouts",
            "verification",
        ],
    ),
];

/// The names that a message has in a file.
fn given(message: &prost_reflect::MessageDescriptor) -> Vec<String> {
    let listed = GIVEN.iter().find(|(name, _)| *name == message.full_name());
    match listed {
        Some((_, fields)) => fields.iter().map(|field| (*field).to_owned()).collect(),
        None => message.fields().map(|field| field.name().to_owned()).collect(),
    }
}

fn unknown(word: &str, known: &[String]) -> String {
    words::unknown(word, known.iter().map(String::as_str))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_file_may_say_is_in_the_contract() {
        for (name, fields) in GIVEN {
            let message = CONTRACT.get_message_by_name(name).unwrap();
            for field in fields {
                assert!(message.get_field_by_name(field).is_some(), "{name}.{field}");
            }
        }
    }
}
