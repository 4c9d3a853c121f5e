//! Every bound of a task, with its unit and its reason. The contract repeats them in its comments.

use crate::time::Span;

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
/// Depth of a JSON document, counted in arrays and objects that enclose each other; tested through every message
/// that can carry one, because protobuf runtimes read at most 100 messages inside each other.
pub const JSON_DEPTH: usize = 24;
/// Labels of one task.
pub const LABELS: usize = 64;
/// Characters of a label key.
pub const LABEL_KEY_CHARS: usize = 63;

/// Whether a label may have this key: 1 to [`LABEL_KEY_CHARS`] characters of `A-Z a-z 0-9 . _ / -`.
#[must_use]
pub fn is_label_key(key: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'/' | b'-');
    (1..=LABEL_KEY_CHARS).contains(&key.len()) && key.bytes().all(allowed)
}

/// Characters of a label value.
pub const LABEL_VALUE_CHARS: usize = 256;
/// Characters of a name that programs compare: queue, namespace, type, function, error code, key of an input
/// request, `ref` in a batch.
pub const NAME_CHARS: usize = 64;
/// Characters of one line for people or of a foreign name: id and name of an actor, step of a progress, choice of an
/// input request, media type.
pub const LINE_CHARS: usize = 256;
/// Characters of a title.
pub const TITLE_CHARS: usize = 256;
/// Characters of a description, of a task or a function, and of a prompt template.
pub const DESCRIPTION_CHARS: usize = 16_384;
/// Characters of a comment, a reason or another message for people.
pub const MESSAGE_CHARS: usize = 8_192;
/// Bytes of a filter's text: what a person or program writes, not a list of ids.
pub const FILTER_BYTES: usize = 4_096;
/// Parentheses open at once in a filter: bounds the recursion of everything that walks one.
pub const FILTER_DEPTH: usize = 24;
/// Comparisons in one filter: bounds the SQL and the work for each event.
pub const FILTER_TERMS: usize = 64;
/// Choices of an input request, and error codes of a retry policy.
pub const WORDS: usize = 64;
/// Blockers, artifacts and ways to verify that a receipt may have, each.
pub const RECEIPT_ENTRIES: usize = 64;
/// Bytes of one chunk of output: it stands in its event, and watchers get many at once.
pub const OUTPUT_CHUNK_BYTES: usize = 64 * 1024;
/// The shortest lease: a worker that is slow for a moment must not lose its work.
pub const LEASE_MIN: Span = Span::from_secs(5);
/// The longest lease: so long may pass before the work of a worker that died is taken up.
pub const LEASE_MAX: Span = Span::from_secs(3_600);
/// A lease where the worker does not say.
pub const LEASE_DEFAULT: Span = Span::from_secs(30);
/// Within this a worker starts what it leased.
pub const ACKNOWLEDGE: Span = Span::from_secs(10);
/// Attempts that a retry policy may allow.
pub const ATTEMPTS: i32 = 100;
/// The largest factor between one backoff and the next.
pub const BACKOFF_MULTIPLIER: f64 = 10.0;
/// The longest backoff, and the longest `retry_after`.
pub const BACKOFF: Span = Span::from_secs(7 * 24 * 3_600);
/// The longest delay of a task, and the longest hold of a key: ten years, so that a wrong unit is noticed.
pub const DELAY: Span = Span::from_secs(3_650 * 24 * 3_600);
/// Characters of a key that tells a task from others: a foreign name, or a hash.
pub const DEDUP_KEY_CHARS: usize = LINE_CHARS;
/// Tasks of one atomic batch, and of one BatchGetTasks.
pub const BATCH_TASKS: usize = 1_000;
/// Tasks one bulk call may name.
pub const BULK_IDS: usize = 1_000;
/// Tasks one bulk call by filter may touch.
pub const BULK_COUNT: i32 = 10_000;
/// Tasks one bulk call by filter touches where it does not say, and results that a bulk call lists.
pub const BULK_COUNT_DEFAULT: i32 = 1_000;
/// Entries of a page; where more are asked for it is taken as this.
pub const PAGE_SIZE: i32 = 1_000;
/// Entries of a page where the caller does not say.
pub const PAGE_SIZE_DEFAULT: i32 = 50;
/// Newest events that GetTask answers with its task.
pub const NEWEST_EVENTS: i32 = 100;
/// Bytes of one reply: clients read 4 MiB unless told otherwise.
pub const REPLY_BYTES: usize = 3 * 1024 * 1024;
