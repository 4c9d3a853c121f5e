//! Brings signed messages to where a webhook says.

use std::fmt;
use std::sync::{Arc, OnceLock};

use baton_domain::WebhookSpec;
use baton_egress::{EgressPolicy, Message, Reply, Secret, SendError, Sender};
use bytes::Bytes;

use crate::config::WebhookRules;
use crate::seams::Clock;

/// Sends where the settings of the server let it. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Courier {
    policy: EgressPolicy,
    /// Made for the first that needs it: it reads whom this machine trusts, and most servers have no webhook.
    sender: Arc<OnceLock<Result<Sender, String>>>,
    clock: Clock,
}

impl fmt::Debug for Courier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Courier").finish_non_exhaustive()
    }
}

/// Why a message was not taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotSent {
    /// It was sent, or could not be.
    #[error(transparent)]
    Send(#[from] SendError),
    /// Nothing is sent without a signature.
    #[error("the message cannot be signed")]
    Unsigned,
    /// This machine cannot secure connections.
    #[error("nothing can be sent from this machine: {0}")]
    Setup(String),
}

impl NotSent {
    /// The status of the answer, where there was one.
    pub(crate) fn status(&self) -> Option<http::StatusCode> {
        match self {
            Self::Send(SendError::Status(reply)) => Some(reply.status),
            Self::Send(_) | Self::Unsigned | Self::Setup(_) => None,
        }
    }
}

impl Courier {
    /// A courier that keeps to `rules`.
    pub(crate) fn new(rules: WebhookRules, clock: Clock) -> Self {
        Courier {
            policy: EgressPolicy::open_to(rules.allow_private_networks, rules.allow_http),
            sender: Arc::default(),
            clock,
        }
    }

    fn sender(&self) -> Result<&Sender, NotSent> {
        let make = || Sender::new(self.policy.clone()).map_err(|error| error.to_string());
        let made = self.sender.get_or_init(make).as_ref();
        made.map_err(|why| NotSent::Setup(why.clone()))
    }

    /// As [`Sender::check`].
    pub(crate) fn check(&self, url: &str) -> Result<(), NotSent> {
        Ok(self.sender()?.check(url)?)
    }

    /// Signs a message and sends it.
    pub(crate) async fn post(&self, spec: &WebhookSpec, id: &str, body: Bytes) -> Result<Reply, NotSent> {
        let secrets = spec.secrets.iter().map(|secret| Secret::parse(&secret.0));
        let secrets: Vec<_> = secrets.collect::<Result<_, _>>().map_err(|_| NotSent::Unsigned)?;
        let message = Message {
            id,
            timestamp: u64::try_from(self.clock.now_micros() / 1_000_000).unwrap_or_default(),
            body: &body,
        };
        let headers = message.headers(&secrets).map_err(|_| NotSent::Unsigned)?;
        Ok(self.sender()?.post(&spec.url, headers, body).await?)
    }
}
