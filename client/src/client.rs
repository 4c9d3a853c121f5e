//! The client itself, and how it carries a call out.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::{Instant, sleep, timeout_at};
use tonic::metadata::{Ascii, MetadataValue};

use crate::Error;
use crate::call::Call;
use crate::channel::{Channels, Slot};
use crate::retry::{Budget, Repeats, RetrySettings, Verdict, verdict};
use crate::rpc::Rpc;
use crate::settings::{ClientBuilder, Defaults};
use crate::wire::{self, Encoded};

/// A client of Baton. Cheap to clone; all clones share their connections and their retry budget.
#[derive(Clone, Debug)]
pub struct Client {
    pub(crate) inner: Arc<Inner>,
}

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) calls: Channels,
    pub(crate) streams: Channels,
    pub(crate) authorization: Option<MetadataValue<Ascii>>,
    pub(crate) timeout: Duration,
    pub(crate) retry: RetrySettings,
    pub(crate) budget: Budget,
    pub(crate) defaults: Defaults,
}

impl Client {
    /// Begins setting a client up.
    pub fn builder() -> ClientBuilder {
        ClientBuilder::new()
    }

    /// Makes a client with default settings for one server, for example `http://127.0.0.1:50051`.
    ///
    /// Errors: [`Error::Settings`] where the address is malformed, or outside a tokio runtime.
    pub fn new(endpoint: impl Into<String>) -> Result<Self, Error> {
        Self::builder().endpoint(endpoint).build()
    }

    /// Makes a call of a whole request, for what the other methods do not say.
    pub fn call<R: Rpc>(&self, request: R) -> Call<R> {
        Call::new(self.clone(), request)
    }
}

impl Inner {
    /// The request as one attempt sends it.
    pub(crate) fn outgoing<R>(&self, request: R, remaining: Option<Duration>) -> tonic::Request<R> {
        let mut outgoing = tonic::Request::new(request);
        if let Some(value) = &self.authorization {
            outgoing.metadata_mut().insert("authorization", value.clone());
        }
        if let Some(remaining) = remaining {
            outgoing.set_timeout(remaining);
        }
        outgoing
    }

    /// Sends a request, and again where that is safe and promising, until it is answered or its time is over.
    pub(crate) async fn carry_out(
        &self,
        request: Encoded,
        within: Duration,
    ) -> Result<tonic::Response<Bytes>, Error> {
        let deadline = moment_after(within);
        let Encoded { method, .. } = request;
        let channels = if request.waits { &self.streams } else { &self.calls };
        let mut repeats = Repeats::new(&self.retry, &self.budget);
        loop {
            let (channel, slot) = channels.pick();
            let remaining = deadline.saturating_duration_since(Instant::now());
            let outcome = {
                let outgoing = self.outgoing(request.message.clone(), Some(remaining));
                // Pinned where it is made: timeout_at would move all of it.
                let attempt = pin!(wire::unary(channel, outgoing, request.path));
                timeout_at(deadline, attempt).await
            };
            let error = match outcome {
                Ok(Ok(response)) => {
                    self.budget.earn();
                    return Ok(response);
                }
                Ok(Err(status)) => Error::from_status(method, within, status),
                Err(_) => return Err(Error::DeadlineExceeded { method, within }),
            };
            let Some(wait) = repeats.wait_after(&error, request.repeatable) else {
                return Err(error);
            };
            leave_if_failing(channels, slot, &error);
            if Instant::now() + wait >= deadline {
                return Err(error);
            }
            tracing::debug!(method, wait_ms = wait.as_millis(), %error, "repeating a call");
            sleep(wait).await;
        }
    }
}

/// A server that is down or refuses work is left for the next one; a connection that only closed is not.
pub(crate) fn leave_if_failing(channels: &Channels, slot: Slot, error: &Error) {
    if verdict(error, true) == Verdict::Repeat {
        channels.avoid(slot);
    }
}

/// The end of a time that begins now. What no clock can tell is as good as never.
pub(crate) fn moment_after(within: Duration) -> Instant {
    const NEVER: Duration = Duration::from_secs(30 * 365 * 24 * 3_600);
    let now = Instant::now();
    now.checked_add(within).unwrap_or(now + NEVER)
}
