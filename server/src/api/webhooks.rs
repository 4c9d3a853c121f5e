//! WebhookService.

use std::sync::Arc;

use baton_domain::{Span, Timestamp, Webhook};
use baton_proto::raw::v1 as raw;
use baton_proto::raw::v1::webhook_service_server::WebhookService;
use tonic::{Request, Response, Status};

use super::convert::{Draw, notice, time, webhook};
use super::moves::{Again, answered};
use super::page::{Listing, other_list};
use super::requests::named::Key;
use super::requests::webhooks::{self, Asked, WebhookCall};
use super::status::{Reason, Refusal};
use super::{failed, judge};
use crate::engine::{Engine, Error, WebhookAction, WebhookDone};
use crate::seams::monotonic_now;
use crate::webhooks::{Courier, NotSent};

/// Creates, changes, shows and tries webhooks.
#[derive(Clone)]
pub(crate) struct WebhookApi {
    engine: Engine,
    courier: Courier,
}

/// Refuses what the server's settings do not let through, as far as that can be said before anything is sent.
pub(super) fn check_url(courier: &Courier, url: &str) -> Result<(), Refusal> {
    courier.check(url).map_err(|error| match error {
        NotSent::Send(error) => {
            let why = error.to_string();
            Refusal::new(Reason::InvalidField, format!("webhook.url: {why}")).field("webhook.url", why)
        }
        NotSent::Unsigned | NotSent::Setup(_) => Refusal::bug(&error),
    })
}

impl WebhookApi {
    /// Serves the webhooks of `engine`, which `courier` brings.
    pub(crate) const fn new(engine: Engine, courier: Courier) -> Self {
        Self { engine, courier }
    }

    /// Reads a request, makes its change and answers what it did.
    async fn change<R: WebhookCall>(&self, request: Request<R>) -> Result<WebhookDone, Status> {
        let mut request = request.into_inner();
        let again = Again::of(&mut request);
        let draw = Draw {
            ids: self.engine.ids(),
            now_micros: self.engine.clock().now_micros(),
        };
        let Asked { change, request_id } = judge::read(|v| request.read(v, &draw))?;
        let url = match &change.action {
            WebhookAction::Create(new) => Some(&new.spec.url),
            WebhookAction::Update(edit) => edit.url.as_ref(),
            _ => None,
        };
        if let Some(url) = url {
            check_url(&self.courier, url)?;
        }
        let key = again.zip(request_id).map(|(again, id)| again.key(id));
        let done = self.engine.change_webhook(change, key).await;
        done.map_err(failed::failed)
    }

    async fn changed<R: WebhookCall>(
        &self,
        request: Request<R>,
    ) -> Result<(Option<raw::Webhook>, bool), Status> {
        let done = self.change(request).await?;
        Ok((done.webhook.map(|found| self.write(&found)), done.replayed))
    }

    fn write(&self, found: &Webhook) -> raw::Webhook {
        webhook::write(found, self.engine.feed().head(&found.namespace))
    }

    fn known(&self, (namespace, name): Key) -> Result<Arc<Webhook>, Status> {
        let found = self.engine.webhook(&namespace, &name);
        found.ok_or_else(|| failed::failed(Error::WebhookNotFound { name }))
    }

    fn list(&self, request: raw::ListWebhooksRequest) -> Result<raw::ListWebhooksResponse, Status> {
        let (namespace, page) = judge::read(|v| webhooks::read_list(v, request))?;
        let listing = Listing {
            method: "ListWebhooks",
            scope: &namespace,
            filter: String::new(),
            order: String::new(),
        };
        let keyring = self.engine.store().keyring();
        let mut after = match listing.open(keyring, &page.token)? {
            Some(key) => String::from_utf8(key).map_err(|_| other_list())?,
            None => String::new(),
        };
        let mut answer = raw::ListWebhooksResponse::default();
        // One more than is shown tells whether there is another. All there may be fit in one answer.
        for found in self.engine.list_webhooks(&namespace, &after, page.size + 1) {
            if answer.webhooks.len() == page.size {
                answer.next_page_token = listing.next(keyring, after.into_bytes());
                break;
            }
            after.clone_from(&found.name);
            answer.webhooks.push(self.write(&found));
        }
        Ok(answer)
    }

    async fn test(&self, request: raw::TestWebhookRequest) -> Result<raw::TestWebhookResponse, Status> {
        let key = judge::read(|v| webhooks::read_test(v, request))?;
        let found = self.known(key)?;
        let now = self.engine.clock().now_micros();
        let body = notice::write_test(&found, Timestamp::from_micros(now));
        let id = format!("test_{}", self.engine.ids().uuid_v7(now));
        let began = monotonic_now();
        let sent = self.courier.post(&found.spec, &id, body).await;
        let took = Span::from_micros(i64::try_from(began.elapsed().as_micros()).unwrap_or(i64::MAX));
        let (status, error) = match &sent {
            Ok(reply) => (Some(reply.status), String::new()),
            Err(error) => (error.status(), error.to_string()),
        };
        Ok(raw::TestWebhookResponse {
            delivered: sent.is_ok(),
            status_code: status.map_or(0, |status| i32::from(status.as_u16())),
            duration: Some(time::write_span(took)),
            error,
        })
    }
}

#[tonic::async_trait]
impl WebhookService for WebhookApi {
    async fn create_webhook(
        &self,
        request: Request<raw::CreateWebhookRequest>,
    ) -> Result<Response<raw::CreateWebhookResponse>, Status> {
        let given = request.get_ref().webhook.as_ref();
        let drawn = given.is_some_and(|webhook| webhook.secrets.is_empty());
        let done = self.change(request).await?;
        let webhook = done.webhook.map(|found| {
            let mut written = self.write(&found);
            if drawn && found.revision == 1 {
                written.secrets = found.spec.secrets.iter().map(|secret| secret.0.clone()).collect();
            }
            written
        });
        Ok(answered(raw::CreateWebhookResponse { webhook }, done.replayed))
    }

    async fn get_webhook(
        &self,
        request: Request<raw::GetWebhookRequest>,
    ) -> Result<Response<raw::GetWebhookResponse>, Status> {
        let key = judge::read(|v| webhooks::read_get(v, request.into_inner()))?;
        let found = self.known(key)?;
        Ok(Response::new(raw::GetWebhookResponse {
            webhook: Some(self.write(&found)),
        }))
    }

    async fn list_webhooks(
        &self,
        request: Request<raw::ListWebhooksRequest>,
    ) -> Result<Response<raw::ListWebhooksResponse>, Status> {
        self.list(request.into_inner()).map(Response::new)
    }

    async fn update_webhook(
        &self,
        request: Request<raw::UpdateWebhookRequest>,
    ) -> Result<Response<raw::UpdateWebhookResponse>, Status> {
        let (webhook, replayed) = self.changed(request).await?;
        Ok(answered(raw::UpdateWebhookResponse { webhook }, replayed))
    }

    async fn delete_webhook(
        &self,
        request: Request<raw::DeleteWebhookRequest>,
    ) -> Result<Response<raw::DeleteWebhookResponse>, Status> {
        let done = self.change(request).await?;
        Ok(answered(raw::DeleteWebhookResponse {}, done.replayed))
    }

    async fn pause_webhook(
        &self,
        request: Request<raw::PauseWebhookRequest>,
    ) -> Result<Response<raw::PauseWebhookResponse>, Status> {
        let (webhook, replayed) = self.changed(request).await?;
        Ok(answered(raw::PauseWebhookResponse { webhook }, replayed))
    }

    async fn resume_webhook(
        &self,
        request: Request<raw::ResumeWebhookRequest>,
    ) -> Result<Response<raw::ResumeWebhookResponse>, Status> {
        let (webhook, replayed) = self.changed(request).await?;
        Ok(answered(raw::ResumeWebhookResponse { webhook }, replayed))
    }

    async fn test_webhook(
        &self,
        request: Request<raw::TestWebhookRequest>,
    ) -> Result<Response<raw::TestWebhookResponse>, Status> {
        self.test(request.into_inner()).await.map(Response::new)
    }
}
