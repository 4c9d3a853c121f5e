//! Which of the contract's fields a file may give.

use prost_reflect::MessageDescriptor;

use super::super::words;
use super::webhooks;

/// What an entry may say: the fields of its message that clients give. A message that is not here is taken whole.
const GIVEN: [(&str, &[&str]); 5] = [
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
        webhooks::MESSAGE,
        &[
            "namespace",
            "description",
            "url",
            "filter",
            "event_types",
            "format",
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
pub(super) fn given(message: &MessageDescriptor) -> Vec<String> {
    let beside = if message.full_name() == webhooks::MESSAGE {
        &webhooks::BESIDE[..]
    } else {
        &[]
    };
    let listed = GIVEN.iter().find(|(name, _)| *name == message.full_name());
    match listed {
        Some((_, fields)) => fields
            .iter()
            .chain(beside)
            .map(|field| (*field).to_owned())
            .collect(),
        None => message.fields().map(|field| field.name().to_owned()).collect(),
    }
}

pub(super) fn unknown(word: &str, known: &[String]) -> String {
    words::unknown(word, known.iter().map(String::as_str))
}

#[cfg(test)]
mod tests {
    use super::super::CONTRACT;
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
