//! `notify`: posts a text, or a digest of errors, to a webhook that takes `{"text": ..}`, as Slack's do.

mod digest;
mod endpoint;

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use baton_client::proto::Payload;
use baton_client::{Context, Failure, IntoOutcome as _, Outcome, value};
use baton_egress::{Message, Sender};
use bytes::Bytes;
use http::HeaderMap;
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use serde_json::{Value, json};

pub(crate) use endpoint::Endpoint;

use crate::config::NotifyConfig;
use crate::faults;

/// A handler that posts.
pub(crate) struct Notify {
    pub(crate) config: NotifyConfig,
    /// Where to; none where the configuration names none.
    pub(crate) endpoint: Option<Arc<Endpoint>>,
    pub(crate) sender: Sender,
}

/// What a task may say. A digest reads none of it.
#[derive(Deserialize, Default)]
struct Input {
    text: Option<String>,
    url: Option<String>,
}

impl Notify {
    pub(crate) async fn run(&self, context: &Context, input: Option<Payload>) -> Result<Outcome, Failure> {
        if self.config.digest {
            return self.digest(context).await;
        }
        let input: Option<Input> = match &input {
            Some(payload) => value::read_json(payload)
                .map_err(|error| faults::invalid_input(Failure::from(error).message()))?,
            None => None,
        };
        let Input { text, url } = input.unwrap_or_default();
        let text = text.ok_or_else(|| faults::config_missing("text"))?;
        if url.is_some() && !self.config.task_url {
            return Err(Failure::new("a task of this type may not name a URL")
                .code("EGRESS_REFUSED")
                .non_retryable());
        }
        let sent = self.send(context, &text, url.as_deref()).await?;
        sent.unwrap_or_else(|| json!({ "notificationsSent": 1 }))
            .into_outcome()
    }

    async fn digest(&self, context: &Context) -> Result<Outcome, Failure> {
        // The configuration is looked at first: that it is missing is told also while there are no errors.
        if self.endpoint.is_none() {
            return Err(faults::config_missing("endpoint"));
        }
        let errors = digest::errors(context, self.config.last).await?;
        if errors.is_empty() {
            return json!({ "notificationsSent": 0, "reason": "no errors" }).into_outcome();
        }
        let sent = self.send(context, &digest::text(&errors), None).await?;
        let output = match sent {
            Some(Value::Object(mut nothing)) => {
                nothing.insert("errorCount".to_owned(), errors.len().into());
                Value::Object(nothing)
            }
            Some(_) | None => json!({ "notificationsSent": 1, "errorCount": errors.len() }),
        };
        output.into_outcome()
    }

    /// Posts the text. Answers what to say where there is no URL to post it to.
    async fn send(&self, context: &Context, text: &str, url: Option<&str>) -> Result<Option<Value>, Failure> {
        let endpoint = match (url, &self.endpoint) {
            (Some(_), endpoint) => endpoint.as_deref(),
            (None, Some(endpoint)) => Some(&**endpoint),
            (None, None) => return Err(faults::config_missing("endpoint")),
        };
        let own = endpoint.and_then(|endpoint| endpoint.url.as_ref());
        let Some(target) = url.or(own.map(|url| url.expose_secret())) else {
            return Ok(Some(json!({ "notificationsSent": 0, "reason": "no webhook" })));
        };
        if !context.is_leased() {
            return Err(Failure::new("somebody else may be posting this by now"));
        }
        let body = Bytes::from(json!({ "text": text }).to_string());
        // What the endpoint's owner signs with is for the endpoint alone.
        let headers = match endpoint {
            Some(endpoint) if url.is_none() => signature(context, endpoint, &body)?,
            Some(_) | None => HeaderMap::new(),
        };
        let reply = self.sender.post(target, headers, body).await;
        reply.map(|_| None).map_err(|error| {
            tracing::debug!(task_id = context.id(), ?error, "a notification was not delivered");
            faults::not_sent(&error)
        })
    }
}

/// The id is the task's, so that whoever receives a second try can tell.
fn signature(context: &Context, endpoint: &Endpoint, body: &[u8]) -> Result<HeaderMap, Failure> {
    if endpoint.secrets.is_empty() {
        return Ok(HeaderMap::new());
    }
    let message = Message {
        id: context.id(),
        timestamp: SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs(),
        body,
    };
    Ok(message.headers(&endpoint.secrets)?)
}
