//! Webhooks: events that are posted to a URL.

use baton_proto::v1::{
    CreateWebhookRequest, DeleteWebhookRequest, GetWebhookRequest, ListWebhooksRequest, PauseWebhookRequest,
    ResumeWebhookRequest, TaskEventType, TestWebhookRequest, UpdateWebhookRequest, Webhook, WebhookFormat,
};
use futures::stream::{Stream, TryStreamExt, iter, try_unfold};
use prost_types::FieldMask;

use crate::call::Call;
use crate::{Client, Error};

/// A webhook to be.
///
/// ```
/// use baton_client::NewWebhook;
/// use baton_client::proto::TaskEventType;
///
/// let dead = NewWebhook::new("dead", "https://hooks.example.com/baton")
///     .filter(r#"queue = "reports""#)
///     .event_types([TaskEventType::Dead]);
/// ```
#[derive(Clone, Debug, PartialEq)]
#[must_use]
pub struct NewWebhook {
    webhook: Webhook,
}

impl NewWebhook {
    /// A webhook of that name which posts to `url`: every event, signed with a secret that the server draws and answers.
    pub fn new(name: impl Into<String>, url: impl Into<String>) -> Self {
        Self {
            webhook: Webhook {
                name: name.into(),
                url: url.into(),
                ..Webhook::default()
            },
        }
    }

    /// For people: what it is for.
    pub fn description(self, text: impl Into<String>) -> Self {
        self.with(|webhook| webhook.description = text.into())
    }

    /// Only events of tasks that fit: a filter as of [`Client::watch`].
    pub fn filter(self, filter: impl Into<String>) -> Self {
        self.with(|webhook| webhook.filter = filter.into())
    }

    /// Only events of these types.
    pub fn event_types(self, types: impl IntoIterator<Item = TaskEventType>) -> Self {
        self.with(|webhook| webhook.event_types = types.into_iter().map(i32::from).collect())
    }

    /// One line of text for each event, as Slack's incoming webhooks take it.
    pub fn slack(self) -> Self {
        self.with(|webhook| webhook.set_format(WebhookFormat::Slack))
    }

    /// Signs with these, one or two, in place of a secret that the server draws: `whsec_` and then 24 to 64 bytes in base64.
    pub fn secrets<S: Into<String>>(self, secrets: impl IntoIterator<Item = S>) -> Self {
        self.with(|webhook| webhook.secrets = secrets.into_iter().map(Into::into).collect())
    }

    /// It sends nothing until it is resumed.
    pub fn paused(self) -> Self {
        self.with(|webhook| webhook.paused = true)
    }

    /// Changes any field.
    pub fn with(mut self, change: impl FnOnce(&mut Webhook)) -> Self {
        change(&mut self.webhook);
        self
    }
}

impl From<NewWebhook> for Webhook {
    fn from(new: NewWebhook) -> Self {
        new.webhook
    }
}

impl Client {
    /// Creates a webhook, from a [`NewWebhook`] or a whole message. Its answer has the secret, where the server drew it; no
    /// other answer does.
    pub fn create_webhook(&self, webhook: impl Into<Webhook>) -> Call<CreateWebhookRequest> {
        self.call(CreateWebhookRequest {
            webhook: Some(webhook.into()),
            ..Default::default()
        })
    }

    /// Answers a webhook and how far it is.
    pub fn get_webhook(&self, name: impl Into<String>) -> Call<GetWebhookRequest> {
        self.call(GetWebhookRequest {
            name: name.into(),
            ..Default::default()
        })
    }

    /// Answers webhooks by their names: by `.await` one page, by [`all`](Call::<ListWebhooksRequest>::all) everything as a
    /// stream.
    pub fn list_webhooks(&self) -> Call<ListWebhooksRequest> {
        self.call(ListWebhooksRequest::default())
    }

    /// Edits fields of the webhook that `webhook.name` names: those that `fields` names (`url`, `secrets`, ...), or every
    /// field of `webhook` that is not empty, where `fields` is empty.
    pub fn update_webhook<'a>(
        &self,
        webhook: impl Into<Webhook>,
        fields: impl IntoIterator<Item = &'a str>,
    ) -> Call<UpdateWebhookRequest> {
        let paths: Vec<_> = fields.into_iter().map(str::to_owned).collect();
        self.call(UpdateWebhookRequest {
            webhook: Some(webhook.into()),
            update_mask: (!paths.is_empty()).then_some(FieldMask { paths }),
            ..Default::default()
        })
    }

    /// Deletes a webhook; what it did not deliver is not sent any more.
    pub fn delete_webhook(&self, name: impl Into<String>) -> Call<DeleteWebhookRequest> {
        self.call(DeleteWebhookRequest {
            name: name.into(),
            ..Default::default()
        })
    }

    /// Stops a webhook for now.
    pub fn pause_webhook(&self, name: impl Into<String>) -> Call<PauseWebhookRequest> {
        self.call(PauseWebhookRequest {
            name: name.into(),
            ..Default::default()
        })
    }

    /// Lets a paused webhook go on where it was.
    pub fn resume_webhook(&self, name: impl Into<String>) -> Call<ResumeWebhookRequest> {
        self.call(ResumeWebhookRequest {
            name: name.into(),
            ..Default::default()
        })
    }

    /// Sends one message to try a webhook, and answers what came of it.
    pub fn test_webhook(&self, name: impl Into<String>) -> Call<TestWebhookRequest> {
        self.call(TestWebhookRequest {
            name: name.into(),
            ..Default::default()
        })
    }
}

/// What calls by name can be told.
macro_rules! by_name {
    ($($request:ident)+) => {$(
        impl Call<$request> {
            /// The namespace, in place of the client's.
            pub fn namespace(self, namespace: impl Into<String>) -> Self {
                self.with(|request| request.namespace = namespace.into())
            }
        }
    )+};
}

by_name! {
    GetWebhookRequest ListWebhooksRequest DeleteWebhookRequest PauseWebhookRequest ResumeWebhookRequest
    TestWebhookRequest
}

macro_rules! noted {
    ($($request:ident)+) => {$(
        impl Call<$request> {
            /// Why, for people.
            pub fn note(self, note: impl Into<String>) -> Self {
                self.with(|request| request.note = note.into())
            }
        }
    )+};
}

noted! { PauseWebhookRequest ResumeWebhookRequest }

impl Call<ListWebhooksRequest> {
    /// How many a page has at most, 1 to 1,000. Default 50.
    pub fn page_size(self, size: i32) -> Self {
        self.with(|request| request.page_size = size)
    }

    /// Where to go on: the `next_page_token` of the page before.
    pub fn page_token(self, token: impl Into<String>) -> Self {
        self.with(|request| request.page_token = token.into())
    }

    /// All pages as one stream; each page is asked for when it is needed.
    pub fn all(self) -> impl Stream<Item = Result<Webhook, Error>> + Send + 'static {
        let pages = try_unfold(Some(self), |call| async move {
            let Some(call) = call else { return Ok(None) };
            let page = call.clone().await?;
            let more = !page.next_page_token.is_empty();
            let next = more.then(|| call.page_token(page.next_page_token));
            Ok::<_, Error>(Some((iter(page.webhooks.into_iter().map(Ok)), next)))
        });
        pages.try_flatten()
    }
}
