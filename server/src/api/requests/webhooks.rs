//! The calls of WebhookService.

use baton_domain::WebhookId;
use baton_domain::limits::MESSAGE_CHARS;
use baton_domain::webhook::NewWebhook;
use baton_proto::raw::v1 as raw;
use uuid::Uuid;

use super::lists::{Page, read_page_of};
use super::named::{Key, given, read_common, read_key, read_note};
use crate::api::check;
use crate::api::convert::{Draw, webhook};
use crate::api::repeat::Repeatable;
use crate::api::violations::{Path, Violations};
use crate::engine::{WebhookAction, WebhookChange};

/// What is asked of one webhook.
#[derive(Clone, Debug)]
pub(in crate::api) struct Asked {
    pub(in crate::api) change: WebhookChange,
    pub(in crate::api) request_id: Option<Uuid>,
}

/// A call that changes a webhook.
pub(in crate::api) trait WebhookCall: Repeatable {
    /// Reads the request whole.
    fn read(self, v: &mut Violations, draw: &Draw<'_>) -> Option<Asked>;
}

fn asked(
    (namespace, name): Key,
    etag: String,
    request_id: Option<Uuid>,
    action: WebhookAction,
) -> Option<Asked> {
    let change = WebhookChange {
        namespace,
        name,
        etag: given(etag),
        action,
    };
    Some(Asked { change, request_id })
}

impl WebhookCall for raw::CreateWebhookRequest {
    fn read(self, v: &mut Violations, draw: &Draw<'_>) -> Option<Asked> {
        let Self {
            webhook,
            request_id,
            actor,
        } = self;
        let common = read_common(v, &request_id, actor);
        let at = Path::REQUEST.field("webhook");
        let webhook = check::present(v, &at, webhook)?;
        let key = read_key(v, &at, (webhook.namespace.clone(), webhook.name.clone()));
        let paused = webhook.paused;
        let note = check::text(v, &at.field("note"), webhook.note.clone(), MESSAGE_CHARS);
        let spec = webhook::read(v, &at, webhook, draw);
        let ((namespace, name), (request_id, creator)) = (key?, common?);
        let new = NewWebhook {
            id: WebhookId(draw.task_id().0),
            namespace: namespace.clone(),
            name: name.clone(),
            spec: spec?,
            paused,
            note: note?,
            creator,
        };
        let action = WebhookAction::Create(Box::new(new));
        asked((namespace, name), String::new(), request_id, action)
    }
}

impl WebhookCall for raw::UpdateWebhookRequest {
    fn read(self, v: &mut Violations, _: &Draw<'_>) -> Option<Asked> {
        let Self {
            webhook,
            request_id,
            actor,
            update_mask,
        } = self;
        let common = read_common(v, &request_id, actor);
        let at = Path::REQUEST.field("webhook");
        let webhook = check::present(v, &at, webhook)?;
        let key = read_key(v, &at, (webhook.namespace.clone(), webhook.name.clone()));
        let etag = webhook.etag.clone();
        let edit = webhook::read_edit(v, webhook, update_mask);
        let (request_id, _) = common?;
        asked(key?, etag, request_id, WebhookAction::Update(edit?))
    }
}

impl WebhookCall for raw::DeleteWebhookRequest {
    fn read(self, v: &mut Violations, _: &Draw<'_>) -> Option<Asked> {
        let Self {
            namespace,
            request_id,
            etag,
            actor,
            name,
        } = self;
        let common = read_common(v, &request_id, actor);
        let key = read_key(v, &Path::REQUEST, (namespace, name));
        let (request_id, _) = common?;
        asked(key?, etag, request_id, WebhookAction::Delete)
    }
}

impl WebhookCall for raw::PauseWebhookRequest {
    fn read(self, v: &mut Violations, _: &Draw<'_>) -> Option<Asked> {
        let Self {
            namespace,
            request_id,
            etag,
            actor,
            name,
            note,
        } = self;
        let common = read_common(v, &request_id, actor);
        let key = read_key(v, &Path::REQUEST, (namespace, name));
        let note = read_note(v, note)?;
        let (request_id, _) = common?;
        asked(key?, etag, request_id, WebhookAction::Pause { note })
    }
}

impl WebhookCall for raw::ResumeWebhookRequest {
    fn read(self, v: &mut Violations, _: &Draw<'_>) -> Option<Asked> {
        let Self {
            namespace,
            request_id,
            etag,
            actor,
            name,
            note,
        } = self;
        let common = read_common(v, &request_id, actor);
        let key = read_key(v, &Path::REQUEST, (namespace, name));
        let note = read_note(v, note)?;
        let (request_id, _) = common?;
        asked(key?, etag, request_id, WebhookAction::Resume { note })
    }
}

/// Reads which webhook GetWebhook answers.
pub(in crate::api) fn read_get(v: &mut Violations, request: raw::GetWebhookRequest) -> Option<Key> {
    let raw::GetWebhookRequest { namespace, name } = request;
    read_key(v, &Path::REQUEST, (namespace, name))
}

/// Reads which webhook TestWebhook tries.
pub(in crate::api) fn read_test(v: &mut Violations, request: raw::TestWebhookRequest) -> Option<Key> {
    let raw::TestWebhookRequest { namespace, name } = request;
    read_key(v, &Path::REQUEST, (namespace, name))
}

/// Reads which webhooks ListWebhooks answers.
pub(in crate::api) fn read_list(
    v: &mut Violations,
    request: raw::ListWebhooksRequest,
) -> Option<(String, Page)> {
    let raw::ListWebhooksRequest {
        namespace,
        page_size,
        page_token,
    } = request;
    read_page_of(v, namespace, (page_size, page_token))
}
