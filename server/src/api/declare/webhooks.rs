//! Webhooks of a file.

use std::fmt;

use baton_domain::webhook::NewWebhook;
use baton_domain::{WebhookEdit, WebhookSpec};
use baton_proto::{raw::v1 as raw, v1};
use tracing::info;

use super::{as_raw, draw, file};
use crate::api::requests::named::Key;
use crate::api::requests::webhooks::WebhookCall;
use crate::api::status::Refusal;
use crate::api::{failed, judge, webhooks};
use crate::config::WebhookRules;
use crate::engine::{Engine, WebhookAction, WebhookChange};
use crate::seams::Clock;
use crate::webhooks::Courier;

/// The note of a webhook that the file declares no more.
const GONE: &str = "paused at the start: baton.toml declares it no more";

/// A webhook of a file.
#[derive(Clone)]
pub struct DeclaredWebhook {
    /// All of it. Without a secret the one that is there stays, and a new one gets one that nobody is shown.
    pub webhook: v1::Webhook,
    /// Whether it is paused, where the file says so. Else whoever paused it has the say.
    pub paused: Option<bool>,
}

impl fmt::Debug for DeclaredWebhook {
    /// Its URL may be a secret as well as what signs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeclaredWebhook")
            .field("name", &self.webhook.name)
            .field("paused", &self.paused)
            .finish_non_exhaustive()
    }
}

/// Judges where a webhook goes by the settings of the server.
///
/// Errors: what CreateWebhook would be refused with for its URL.
pub fn judge_webhook(rules: WebhookRules, webhook: &v1::Webhook) -> Result<(), Refusal> {
    webhooks::check_url(&Courier::new(rules, Clock::system()), &webhook.url)
}

/// Answers namespace and name.
pub(super) async fn declare(engine: &Engine, declared: DeclaredWebhook) -> Result<Key, Refusal> {
    let DeclaredWebhook { webhook, paused } = declared;
    let keeps_secrets = webhook.secrets.is_empty();
    let request: raw::CreateWebhookRequest = as_raw(&v1::CreateWebhookRequest {
        webhook: Some(webhook),
        ..Default::default()
    })?;
    let change = judge::read(|v| request.read(v, &draw(engine)))?.change;
    let key = (change.namespace, change.name);
    let WebhookAction::Create(mut new) = change.action else {
        return Err(Refusal::opaque_bug());
    };
    new.creator = file();
    let Some(found) = engine.webhook(&key.0, &key.1) else {
        give(engine, &key, WebhookAction::Create(new)).await?;
        return Ok(key);
    };
    let NewWebhook { mut spec, note, .. } = *new;
    if keeps_secrets {
        spec.secrets.clone_from(&found.spec.secrets);
    }
    if found.spec != spec {
        let edit = whole(spec);
        give(engine, &key, WebhookAction::Update(Box::new(edit))).await?;
    }
    // What was paused because the file did not name it goes on when it does again.
    let wanted = paused.or((found.paused && found.note == GONE).then_some(false));
    match wanted {
        Some(true) if !found.paused => give(engine, &key, WebhookAction::Pause { note }).await?,
        Some(false) if found.paused => give(engine, &key, WebhookAction::Resume { note }).await?,
        Some(_) | None => {}
    }
    Ok(key)
}

/// An edit that leaves nothing as it was.
fn whole(spec: WebhookSpec) -> WebhookEdit {
    let WebhookSpec {
        description,
        url,
        filter,
        types,
        format,
        secrets,
    } = spec;
    WebhookEdit {
        description: Some(description),
        url: Some(url),
        filter: Some(filter),
        types: Some(types),
        format: Some(format),
        secrets: Some(secrets),
    }
}

pub(super) async fn pause_others(engine: &Engine, kept: &[Key]) -> Result<(), Refusal> {
    for found in engine.webhooks().all() {
        let key = (found.namespace.clone(), found.name.clone());
        if found.creator != file() || found.paused || kept.contains(&key) {
            continue;
        }
        let note = GONE.to_owned();
        give(engine, &key, WebhookAction::Pause { note }).await?;
        info!(
            namespace = found.namespace,
            webhook = found.name,
            "baton.toml declares this webhook no more: it is paused"
        );
    }
    Ok(())
}

async fn give(engine: &Engine, (namespace, name): &Key, action: WebhookAction) -> Result<(), Refusal> {
    let change = WebhookChange {
        namespace: namespace.clone(),
        name: name.clone(),
        etag: None,
        action,
    };
    let done = engine.change_webhook(change, None).await;
    done.map(drop).map_err(|error| failed::refuse_error(&error))
}
