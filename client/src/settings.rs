//! How a client is set up.

use std::sync::Arc;
use std::time::Duration;

use baton_proto::v1::Actor;
use tonic::metadata::{Ascii, MetadataValue};

use crate::Error;
use crate::channel::Channels;
use crate::client::{Client, Inner};
use crate::retry::{Budget, RetrySettings};

/// Where a server listens unless told otherwise.
pub const DEFAULT_ENDPOINT: &str = "http://127.0.0.1:50051";

/// Sets a [`Client`] up; made by [`Client::builder`].
#[derive(Clone, Debug)]
#[must_use]
pub struct ClientBuilder {
    endpoints: Vec<String>,
    api_key: Option<String>,
    user_agent: String,
    timeout: Duration,
    connect_timeout: Duration,
    retry: RetrySettings,
    defaults: Defaults,
}

/// What requests get that do not say otherwise.
#[derive(Clone, Debug)]
pub struct Defaults {
    pub(crate) actor: Option<Actor>,
    pub(crate) namespace: String,
    pub(crate) request_ids: bool,
}

impl ClientBuilder {
    pub(crate) fn new() -> Self {
        ClientBuilder {
            endpoints: Vec::new(),
            api_key: None,
            user_agent: String::new(),
            timeout: Duration::from_secs(10),
            connect_timeout: Duration::from_secs(5),
            retry: RetrySettings::default(),
            defaults: Defaults {
                actor: None,
                namespace: String::new(),
                request_ids: true,
            },
        }
    }

    /// Adds a server: `http://host:port`, or `host:port`, or `host` at port 50051. The client talks to one at a time and
    /// goes on to the next when that one cannot be reached or refuses work. Default [`DEFAULT_ENDPOINT`].
    pub fn endpoint(mut self, url: impl Into<String>) -> Self {
        self.endpoints.push(url.into());
        self
    }

    /// Sends this key with every call, as `authorization: Bearer KEY`. Default none.
    pub fn api_key(mut self, key: impl Into<String>) -> Self {
        self.api_key = Some(key.into());
        self
    }

    /// Puts a name before the crate's own in the `user-agent` of every call. Default none.
    pub fn user_agent(mut self, name: impl Into<String>) -> Self {
        self.user_agent = name.into();
        self
    }

    /// How long a call may take, its repeats included. Default 10 s. WaitTask may take its own wait on top; bulk calls
    /// have 30 s more; watches have no end, only their opening has one.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// How long making a connection may take. Default 5 s.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// How failed calls are repeated. Default [`RetrySettings::default`].
    pub fn retry(mut self, settings: RetrySettings) -> Self {
        self.retry = settings;
        self
    }

    /// Who acts in every call that names no other. Default none: the server takes the SERVICE `anonymous`.
    pub fn actor(mut self, actor: Actor) -> Self {
        self.defaults.actor = Some(actor);
        self
    }

    /// The namespace of creates, lists, stats, watches and bulk calls that name no other. Default empty: the server
    /// takes `default`.
    pub fn namespace(mut self, namespace: impl Into<String>) -> Self {
        self.defaults.namespace = namespace.into();
        self
    }

    /// Whether changes get a `request_id` of their own, by which a repeat is known as one. Default true.
    ///
    /// Without it a change whose answer was lost is not repeated: the caller gets an error with
    /// [`outcome_unknown`](Error::outcome_unknown). A `request_id` costs the server a row for 24 hours. Creates do
    /// not need it: they always carry a `task_id`.
    pub fn request_ids(mut self, on: bool) -> Self {
        self.defaults.request_ids = on;
        self
    }

    /// Makes the client. It connects with its first call, so this does not fail where the server is down.
    ///
    /// Errors: [`Error::Settings`] where an endpoint or the API key is malformed, or outside a tokio runtime.
    pub fn build(mut self) -> Result<Client, Error> {
        if self.endpoints.is_empty() {
            self.endpoints.push(DEFAULT_ENDPOINT.to_owned());
        }
        let authorization = self.api_key.as_deref().map(bearer).transpose()?;
        let user_agent = format!("{} baton-client/{}", self.user_agent, env!("CARGO_PKG_VERSION"));
        let channels = |windows| {
            Channels::new(
                &self.endpoints,
                user_agent.trim_start(),
                self.connect_timeout,
                windows,
            )
        };
        Ok(Client {
            inner: Arc::new(Inner {
                calls: channels(crate::channel::CALL_WINDOWS)?,
                streams: channels(crate::channel::STREAM_WINDOWS)?,
                authorization,
                timeout: self.timeout,
                budget: Budget::new(self.retry.budget),
                retry: self.retry,
                defaults: self.defaults,
            }),
        })
    }
}

fn bearer(key: &str) -> Result<MetadataValue<Ascii>, Error> {
    let mut value = MetadataValue::try_from(format!("Bearer {}", key.trim()))
        .map_err(|_| Error::Settings("the API key has characters that a header cannot carry".to_owned()))?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn endpoints_are_taken_with_and_without_a_scheme() {
        for good in [
            "http://127.0.0.1:50051",
            "127.0.0.1:50051",
            "localhost:1",
            "http://[::1]:50051/",
        ] {
            Client::builder().endpoint(good).build().unwrap();
        }
        for bad in [
            "",
            "http://",
            "ftp://host:1",
            "https://host:1",
            "host name:1",
            "http://host:1/path",
        ] {
            let error = Client::builder().endpoint(bad).build().err();
            assert!(matches!(error, Some(Error::Settings(_))), "{bad}: {error:?}");
        }
    }

    #[tokio::test]
    async fn an_api_key_with_a_line_break_inside_is_refused() {
        let error = Client::builder().api_key("a\nb").build().err().unwrap();
        assert!(error.to_string().contains("API key"), "{error}");
        Client::builder().api_key("from-a-file\n").build().unwrap();
    }

    #[test]
    fn outside_a_runtime_building_is_an_error_and_no_panic() {
        let error = Client::builder().build().err().unwrap();
        assert!(error.to_string().contains("tokio"), "{error}");
    }
}
