//! What is refused of webhooks.

use baton_domain::webhook::WEBHOOKS;

use crate::api::status::{Reason, Refusal};
use crate::engine::Error;

pub(super) fn refuse(error: &Error) -> Refusal {
    match error {
        Error::WebhookNotFound { name } => {
            let message = format!("webhook {name:?} does not exist in this namespace");
            Refusal::new(Reason::WebhookNotFound, message)
                .with("name", name)
                .resource("webhook", name)
        }
        Error::WebhookExists { name } => {
            let message = format!("webhook {name:?} exists: update it, or choose another name");
            Refusal::new(Reason::WebhookExists, message)
                .with("name", name)
                .resource("webhook", name)
        }
        Error::TooManyWebhooks => {
            let message = format!("there are {WEBHOOKS} webhooks, no more may be: delete some");
            Refusal::new(Reason::QuotaExceeded, &message).quota("webhooks", &message)
        }
        error => Refusal::bug(error),
    }
}
