//! Webhooks whose messages do not arrive.

use baton_client::proto::Webhook;

use super::{Finding, Level, clean, found};

/// What is wrong with a webhook, if anything is.
pub(super) fn webhook(webhook: &Webhook) -> Option<Finding> {
    let name = clean(&webhook.name);
    let status = webhook.status.clone().unwrap_or_default();
    let behind = match status.lag_count {
        1 => "1 event is behind it".to_owned(),
        count => format!("{count} events are behind it"),
    };
    if webhook.paused {
        let why = match webhook.note.as_str() {
            "" => String::new(),
            note => format!(" ({})", clean(note)),
        };
        let next = format!("`baton webhook resume {name}`: it goes on where it was");
        return Some(found(
            "webhooks",
            Level::Look,
            format!("`{name}` is paused{why}; {behind}"),
            next,
        ));
    }
    if status.last_error.is_empty() {
        return None;
    }
    let message = format!("`{name}` is not taken: {}; {behind}", clean(&status.last_error));
    let next = format!(
        "mend the other side; it is tried again by itself, and `baton webhook test {name}` tries at once"
    );
    Some(found("webhooks", Level::Look, message, next))
}
