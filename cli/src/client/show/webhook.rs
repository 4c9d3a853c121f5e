//! Webhooks.

use baton_client::proto::{TestWebhookResponse, Webhook, WebhookStatus};

use super::detail::{Sheet, actor};
use super::table::{self, drawn};
use super::text::{clean, short, time};
use crate::client::names;

/// Characters of a filter or an error in a table.
const SHORT: usize = 60;

pub(super) fn table(webhooks: &[Webhook]) -> String {
    let mut table = table::table(&[
        "NAME",
        "STATE",
        "EVENTS",
        "FILTER",
        "DELIVERED",
        "BEHIND",
        "LAST ERROR",
    ]);
    for webhook in webhooks {
        let status = status(webhook);
        table.add_row(vec![
            clean(&webhook.name),
            state(webhook).to_owned(),
            events(webhook),
            short(&webhook.filter, SHORT),
            status.delivered_count.to_string(),
            status.lag_count.to_string(),
            short(&status.last_error, SHORT),
        ]);
    }
    drawn(table)
}

pub(super) fn sheet(webhook: &Webhook) -> String {
    let status = status(webhook);
    let mut sheet = Sheet::default();
    sheet.put("name", clean(&webhook.name));
    sheet.put("namespace", clean(&webhook.namespace));
    sheet.put("description", clean(&webhook.description));
    sheet.put("url", clean(&webhook.url));
    for secret in &webhook.secrets {
        sheet.put("secret", clean(secret));
    }
    sheet.put("filter", clean(&webhook.filter));
    sheet.put("events", events(webhook));
    sheet.put("format", names::format(webhook.format()));
    sheet.put("state", state(webhook));
    sheet.put("note", clean(&webhook.note));
    sheet.put("position", status.position.to_string());
    sheet.put("behind", status.lag_count.to_string());
    sheet.put("delivered", status.delivered_count.to_string());
    sheet.put("given up", status.given_up_count.to_string());
    sheet.put("last delivery", time(status.last_delivery_time));
    sheet.put("last error", clean(&status.last_error));
    sheet.put("creator", actor(webhook.creator.as_ref()));
    sheet.put("created", time(webhook.create_time));
    sheet.put("updated", time(webhook.update_time));
    sheet.put("etag", clean(&webhook.etag));
    sheet.text()
}

pub(super) fn tested(tested: &TestWebhookResponse) -> String {
    let took = tested
        .duration
        .as_ref()
        .map(super::text::span)
        .unwrap_or_default();
    if tested.delivered {
        format!("delivered: {} in {took}", tested.status_code)
    } else {
        format!("not delivered: {}", clean(&tested.error))
    }
}

fn status(webhook: &Webhook) -> WebhookStatus {
    webhook.status.clone().unwrap_or_default()
}

fn state(webhook: &Webhook) -> &'static str {
    match (webhook.paused, status(webhook).last_error.is_empty()) {
        (true, _) => "paused",
        (false, true) => "delivers",
        (false, false) => "tries again",
    }
}

fn events(webhook: &Webhook) -> String {
    let named: Vec<_> = webhook.event_types().map(names::event_type).collect();
    if named.is_empty() {
        "all".to_owned()
    } else {
        named.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use baton_client::NewWebhook;
    use baton_client::proto::TaskEventType;

    use super::*;

    #[test]
    fn a_webhook_shows_what_it_tells_and_how_far_it_is() {
        let new = NewWebhook::new("dead", "https://example.com/h").event_types([TaskEventType::Dead]);
        let mut webhook: Webhook = new.filter("queue = \"a\"").into();
        webhook.status = Some(WebhookStatus {
            lag_count: 17,
            last_error: "the answer was 500".to_owned(),
            ..WebhookStatus::default()
        });
        let rows = table(std::slice::from_ref(&webhook));
        assert!(
            rows.contains("DEAD") && rows.contains("17") && rows.contains("tries again"),
            "{rows}"
        );
        assert!(!rows.contains("https"), "{rows}");
        let sheet = sheet(&webhook);
        assert!(
            sheet.contains("the answer was 500") && sheet.contains("https://example.com/h"),
            "{sheet}"
        );
    }
}
