//! Any text as a filter. Used by the fuzz target and by the tests of the server.

use baton_domain::filter::{Filter, FilterError, Schema};
use baton_domain::limits::FILTER_BYTES;

/// The details of an error are at most 4 KiB together, so the message has to stay well below.
const MAX_MESSAGE_BYTES: usize = 2_500;

/// Panics where a filter does not do what it must.
pub(crate) fn check(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let of_tasks = Filter::parse(text, Schema::TASKS);
    match &of_tasks {
        Ok(filter) => check_canonical(filter),
        Err(error) => check_error(text, error),
    }
    match Filter::parse(text, Schema::EVENTS) {
        Ok(filter) => assert_eq!(of_tasks, Ok(filter)),
        Err(error) => check_error(text, &error),
    }
}

/// The canonical text may be longer and have more parentheses than what was written: then it may be refused.
fn check_canonical(filter: &Filter) {
    let text = filter.to_string();
    match Filter::parse(&text, Schema::TASKS) {
        Ok(again) => assert_eq!(&again, filter, "through {text}"),
        Err(error) => {
            let is_limit = text.len() > FILTER_BYTES || error.message.starts_with("parentheses nest");
            assert!(is_limit, "{text}: {error}");
        }
    }
}

fn check_error(text: &str, error: &FilterError) {
    assert!(text.is_char_boundary(error.position), "{error}");
    assert!(error.message.len() <= MAX_MESSAGE_BYTES, "{error}");
    assert!(!error.message.chars().any(char::is_control), "{error:?}");
}
