//! Webhooks.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use baton_domain::filter::{Filter, Schema};
use baton_domain::limits::DESCRIPTION_CHARS;
use baton_domain::webhook::{SECRETS, URL_BYTES, WebhookFormat, WebhookSecret};
use baton_domain::{EventType, Webhook, WebhookEdit, WebhookProgress, WebhookSpec};
use baton_egress::Secret;
use baton_proto::raw::v1 as raw;
use prost_types::FieldMask;

use super::mask::{Editable, Mask, Taken};
use super::{Draw, actor, time};
use crate::api::check;
use crate::api::violations::{Path, Rule, Violations};
use crate::engine::webhook_etag;

const EDITABLE: Editable = Editable {
    fields: &["description", "url", "filter", "event_types", "format", "secrets"],
    fixed: &[
        ("namespace", "never changes"),
        ("name", "never changes"),
        ("paused", "is changed by PauseWebhook and ResumeWebhook"),
        ("note", "is changed by PauseWebhook and ResumeWebhook"),
    ],
    output_only: &["status", "creator", "create_time", "update_time", "etag"],
};

/// Reads all that a new webhook is, but for its namespace and its name. Without a secret it gets one that is drawn.
pub(crate) fn read(
    v: &mut Violations,
    at: &Path<'_>,
    mut webhook: raw::Webhook,
    draw: &Draw<'_>,
) -> Option<WebhookSpec> {
    if webhook.secrets.is_empty() {
        let secret = STANDARD.encode(draw.ids.bytes::<32>());
        webhook.secrets.push(format!("whsec_{secret}"));
    }
    let WebhookEdit {
        description,
        url,
        filter,
        types,
        format,
        secrets,
    } = read_fields(v, at, webhook, &Mask::All)?;
    Some(WebhookSpec {
        description: description?,
        url: url?,
        filter: filter?,
        types: types?,
        format: format?,
        secrets: secrets?,
    })
}

/// Reads an update. A field that is named and empty gets the value that a new webhook has.
pub(crate) fn read_edit(
    v: &mut Violations,
    webhook: raw::Webhook,
    mask: Option<FieldMask>,
) -> Option<Box<WebhookEdit>> {
    let mask = EDITABLE.read(v, mask)?;
    let at = &Path::REQUEST.field("webhook");
    let given = [false, false, webhook.paused, !webhook.note.is_empty()];
    EDITABLE.check_fixed((v, at), &mask, &given);
    let edit = read_fields(v, at, webhook, &mask)?;
    if edit == WebhookEdit::default() {
        v.add(at, "must have at least one field to change");
        return None;
    }
    Some(Box::new(edit))
}

fn read_fields(v: &mut Violations, at: &Path<'_>, webhook: raw::Webhook, mask: &Mask) -> Option<WebhookEdit> {
    let raw::Webhook {
        namespace: _,
        name: _,
        description,
        url,
        filter,
        event_types,
        format,
        secrets,
        paused: _,
        note: _,
        status: _,
        creator: _,
        create_time: _,
        update_time: _,
        etag: _,
    } = webhook;
    let mut field = Taken { mask, v, at };
    let description = field.take("description", !description.is_empty(), |v, at| {
        check::text(v, at, description, DESCRIPTION_CHARS)
    });
    let url = field.take("url", !url.is_empty(), |v, at| read_url(v, at, url));
    let filter = field.take("filter", !filter.is_empty(), |v, at| read_filter(v, at, filter));
    let types = field.take("event_types", !event_types.is_empty(), |v, at| {
        read_types(v, at, &event_types)
    });
    let format = field.take("format", format != 0, |v, at| {
        let known = WebhookFormat::from_number;
        check::member(v, at, format, known, WebhookFormat::Standard)
    });
    let secrets = field.take("secrets", !secrets.is_empty(), |v, at| {
        read_secrets(v, at, secrets)
    });
    Some(WebhookEdit {
        description: description?,
        url: url?,
        filter: filter?,
        types: types?,
        format: format?,
        secrets: secrets?,
    })
}

/// Whether it may be sent to is judged by the server's settings, once the request is read.
fn read_url(v: &mut Violations, at: &Path<'_>, url: String) -> Option<String> {
    if url.is_empty() || url.len() > URL_BYTES {
        v.add(at, format!("must be a URL of at most {URL_BYTES} bytes"));
        return None;
    }
    Some(url)
}

fn read_filter(v: &mut Violations, at: &Path<'_>, filter: String) -> Option<String> {
    match Filter::parse(&filter, Schema::EVENTS) {
        Ok(_) => Some(filter),
        Err(error) => {
            let rule = Rule::Filter {
                position: error.position,
            };
            v.add_rule(at, error.message, rule);
            None
        }
    }
}

fn read_types(v: &mut Violations, at: &Path<'_>, numbers: &[i32]) -> Option<Vec<EventType>> {
    // The domain knows more than the contract has.
    let known = |number| {
        raw::TaskEventType::try_from(number)
            .ok()
            .and_then(|_| EventType::from_number(number))
    };
    let mut types = Vec::new();
    for (index, number) in numbers.iter().enumerate() {
        types.push(check::required_member(v, &at.index(index), *number, known));
    }
    let mut types = types.into_iter().collect::<Option<Vec<_>>>()?;
    types.sort_unstable();
    types.dedup();
    Some(types)
}

/// What is wrong with one is said without it.
fn read_secrets(v: &mut Violations, at: &Path<'_>, secrets: Vec<String>) -> Option<Vec<WebhookSecret>> {
    if secrets.is_empty() || secrets.len() > SECRETS {
        v.add(at, format!("must be one secret, or {SECRETS}"));
        return None;
    }
    let mut fine = true;
    for (index, secret) in secrets.iter().enumerate() {
        if let Err(error) = Secret::parse(secret) {
            v.add(&at.index(index), format!("{error}"));
            fine = false;
        }
    }
    fine.then(|| secrets.into_iter().map(WebhookSecret).collect())
}

/// Writes a webhook, without what signs. `head`: where the log of its namespace ends.
pub(crate) fn write(webhook: &Webhook, head: i64) -> raw::Webhook {
    let Webhook {
        id: _,
        namespace,
        name,
        spec,
        paused,
        note,
        progress,
        creator,
        create_time,
        update_time,
        revision: _,
    } = webhook;
    let WebhookSpec {
        description,
        url,
        filter,
        types,
        format,
        secrets: _,
    } = spec;
    raw::Webhook {
        namespace: namespace.clone(),
        name: name.clone(),
        description: description.clone(),
        url: url.clone(),
        filter: filter.clone(),
        event_types: types.iter().map(|kind| kind.number()).collect(),
        format: format.number(),
        secrets: Vec::new(),
        paused: *paused,
        note: note.clone(),
        status: Some(write_status(progress, head)),
        creator: Some(actor::write(creator)),
        create_time: Some(time::write(*create_time)),
        update_time: Some(time::write(*update_time)),
        etag: webhook_etag(webhook),
    }
}

fn write_status(progress: &WebhookProgress, head: i64) -> raw::WebhookStatus {
    let WebhookProgress {
        position,
        delivered,
        given_up,
        delivery_time,
        error,
        error_time,
    } = progress;
    raw::WebhookStatus {
        position: *position,
        lag_count: (head - position).max(0),
        delivered_count: *delivered,
        given_up_count: *given_up,
        last_delivery_time: delivery_time.map(time::write),
        last_error: error.clone(),
        last_error_time: error_time.map(time::write),
    }
}
