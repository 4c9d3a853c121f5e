//! Every bound of a task, with its unit and its reason. The contract repeats them in its comments.

/// Events a task may have: keeps one task's history readable in one go and bounds a runaway client.
/// Moves that end a task are always let through.
pub const EVENTS_PER_TASK: i64 = 50_000;
/// Direct dependencies of one task: they stand on its row.
pub const DEPENDENCIES_PER_TASK: usize = 100;
/// Input requests that stand on a task; older ones are in its events.
pub const INPUT_REQUESTS_KEPT: usize = 8;
/// Bytes of an encoded payload.
pub const PAYLOAD_BYTES: usize = 1024 * 1024;
/// Bytes of metadata, a function, error details or an answer, each: so that a whole task fits one reply.
pub const SMALL_DOCUMENT_BYTES: usize = 64 * 1024;
/// Depth of a JSON document, tested through every message that can carry one.
pub const JSON_DEPTH: usize = 24;
/// Labels of one task.
pub const LABELS: usize = 64;
/// Characters of a label key.
pub const LABEL_KEY_CHARS: usize = 63;
/// Characters of a label value.
pub const LABEL_VALUE_CHARS: usize = 256;
/// Characters of a queue, type or namespace name.
pub const NAME_CHARS: usize = 64;
/// Characters of a title.
pub const TITLE_CHARS: usize = 256;
/// Characters of a description.
pub const DESCRIPTION_CHARS: usize = 16_384;
/// Characters of a comment, a reason or another message for people.
pub const MESSAGE_CHARS: usize = 8_192;
/// Bytes of a filter's text: what a person or program writes, not a list of ids.
pub const FILTER_BYTES: usize = 4_096;
/// Parentheses open at once in a filter: bounds the recursion of everything that walks one.
pub const FILTER_DEPTH: usize = 24;
/// Comparisons in one filter: bounds the SQL and the work for each event.
pub const FILTER_TERMS: usize = 64;
/// Tasks of one atomic batch.
pub const BATCH_TASKS: usize = 1_000;
/// Tasks one bulk call may name.
pub const BULK_IDS: usize = 1_000;
