//! The rows of webhooks.

use baton_domain::webhook::{WebhookFormat, WebhookSecret};
use baton_domain::{EventType, Timestamp, Webhook, WebhookId, WebhookProgress, WebhookSpec};
use prost::Message;

use super::parts::{self, Why};
use super::stored;
use crate::store::bulk::{Cell, Default, Table, blob, id, int, text};
use crate::store::entity::webhook::Model;
use crate::store::error::StoreError;

/// The columns of a webhook in the order of [`webhook_cells`].
pub(in crate::store) const WEBHOOK: Table = Table {
    name: "webhook",
    groups: &[
        &[id("id", Default::None)],
        &[int("revision", Default::None)],
        &[text("namespace", Default::None), text("name", Default::None)],
        &[blob("spec", Default::None)],
        &[blob("progress", Default::None)],
    ],
};

/// The cells of a webhook's row, in the order of [`WEBHOOK`].
pub(in crate::store) fn webhook_cells(webhook: &Webhook) -> Vec<Cell<'_>> {
    vec![
        Cell::Id(webhook.id.0),
        Cell::Int(webhook.revision),
        Cell::text(&webhook.namespace),
        Cell::text(&webhook.name),
        Cell::owned(Some(to_spec(webhook).encode_to_vec())),
        Cell::owned(Some(to_progress(&webhook.progress).encode_to_vec())),
    ]
}

pub(super) fn to_spec(webhook: &Webhook) -> stored::WebhookSpec {
    let WebhookSpec {
        description,
        url,
        filter,
        types,
        format,
        secrets,
    } = &webhook.spec;
    stored::WebhookSpec {
        description: description.clone(),
        url: url.clone(),
        filter: filter.clone(),
        types: types.iter().map(|kind| kind.number()).collect(),
        format: format.number(),
        secrets: secrets.iter().map(|secret| secret.0.clone()).collect(),
        paused: webhook.paused,
        note: webhook.note.clone(),
        creator: Some(parts::to_actor(&webhook.creator)),
        create_time: webhook.create_time.as_micros(),
        update_time: webhook.update_time.as_micros(),
    }
}

pub(super) fn to_progress(progress: &WebhookProgress) -> stored::WebhookProgress {
    let WebhookProgress {
        position,
        delivered,
        given_up,
        delivery_time,
        error,
        error_time,
    } = progress;
    stored::WebhookProgress {
        position: *position,
        delivered: *delivered,
        given_up: *given_up,
        delivery_time: delivery_time.map(Timestamp::as_micros),
        error: error.clone(),
        error_time: error_time.map(Timestamp::as_micros),
    }
}

/// The webhook of a row.
///
/// Errors: [`StoreError::Corrupt`].
pub(in crate::store) fn read_webhook(row: Model) -> Result<Webhook, StoreError> {
    let id = row.id;
    convert(row).map_err(|why| StoreError::corrupt("webhook", id, why))
}

pub(super) fn convert(row: Model) -> Result<Webhook, Why> {
    let Model {
        id,
        revision,
        namespace,
        name,
        spec,
        progress,
    } = row;
    let stored::WebhookSpec {
        description,
        url,
        filter,
        types,
        format,
        secrets,
        paused,
        note,
        creator,
        create_time,
        update_time,
    } = parts::decode(spec, "spec")?;
    let stored::WebhookProgress {
        position,
        delivered,
        given_up,
        delivery_time,
        error,
        error_time,
    } = parts::decode(progress, "progress")?;
    let kind = |kind| parts::number(kind, EventType::from_number, "event type");
    Ok(Webhook {
        id: WebhookId(id),
        namespace,
        name,
        spec: WebhookSpec {
            description,
            url,
            filter,
            types: parts::all(types, kind)?,
            format: parts::number(format, WebhookFormat::from_number, "format")?,
            secrets: secrets.into_iter().map(WebhookSecret).collect(),
        },
        paused,
        note,
        progress: WebhookProgress {
            position,
            delivered,
            given_up,
            delivery_time: delivery_time.map(Timestamp::from_micros),
            error,
            error_time: error_time.map(Timestamp::from_micros),
        },
        creator: parts::from_actor(creator.ok_or("a webhook has no creator")?)?,
        create_time: Timestamp::from_micros(create_time),
        update_time: Timestamp::from_micros(update_time),
        revision,
    })
}
