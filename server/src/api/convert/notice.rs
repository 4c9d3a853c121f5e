//! What webhooks send: JSON, by the contract's own description.

use std::sync::LazyLock;

use baton_domain::webhook::WebhookFormat;
use baton_domain::{Event, Timestamp, Webhook};
use bytes::Bytes;
use prost::Message as _;
use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor};
use serde_json::json;

use super::{event, time};

static EVENT: LazyLock<MessageDescriptor> = LazyLock::new(|| {
    let contract = DescriptorPool::decode(baton_proto::DESCRIPTOR_SET);
    let contract = contract.expect("the contract describes itself");
    let event = contract.get_message_by_name("baton.v1.TaskEvent");
    event.expect("the contract has events")
});

/// The body of the message that tells of an event: the same for every try.
pub(crate) fn write(event: &Event, format: WebhookFormat) -> Bytes {
    match format {
        WebhookFormat::Standard => {
            let kind = format!("task.{}", event.kind.name().to_lowercase());
            let time = time::write(event.time).to_string();
            let message = event::write(event, false).encode_to_vec();
            let message = DynamicMessage::decode(EVENT.clone(), message.as_slice());
            json!({
                "type": kind,
                "timestamp": time,
                "data": message.expect("it was just encoded"),
            })
            .to_string()
            .into()
        }
        WebhookFormat::Slack => text(&line(event)),
    }
}

/// The body of a message that tells of nothing.
pub(crate) fn write_test(webhook: &Webhook, now: Timestamp) -> Bytes {
    let Webhook { namespace, name, .. } = webhook;
    match webhook.spec.format {
        WebhookFormat::Standard => json!({
            "type": "webhook.test",
            "timestamp": time::write(now).to_string(),
            "data": { "namespace": namespace, "name": name },
        })
        .to_string()
        .into(),
        WebhookFormat::Slack => text(&format!("Baton's webhook {name} can be heard.")),
    }
}

fn text(text: &str) -> Bytes {
    // What Slack reads as markup in a text.
    let text = text
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;");
    json!({ "text": text }).to_string().into()
}

fn line(event: &Event) -> String {
    let Event {
        task_id,
        kind,
        queue,
        task_type,
        attempt,
        state_reason,
        message,
        ..
    } = event;
    let kind = kind.name();
    let what = if task_type.is_empty() { "a task" } else { task_type };
    let said = if message.is_empty() { "" } else { ": " };
    format!("{kind}: {what} in queue {queue}, attempt {attempt}, {state_reason} ({task_id}){said}{message}")
}
