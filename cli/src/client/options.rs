//! What every client command can be told, and the connection that comes of it.

use std::time::Duration;

use baton_client::proto::Actor;
use baton_client::{Client, ClientBuilder, DEFAULT_ENDPOINT, RetrySettings, actor};
use clap::{Args, ValueEnum};

use super::exit::Failure;
use super::parse;
use super::show::Screen;

const HEADING: &str = "Server and output";

/// In the help of every command under a heading of its own.
#[derive(Args)]
pub(crate) struct Options {
    /// Address of the server; several, separated by commas, are tried in turn
    #[arg(long, global = true, help_heading = HEADING, env = "BATON_SERVER", value_name = "ADDRESS", value_delimiter = ',',
          default_value = DEFAULT_ENDPOINT)]
    pub(super) server: Vec<String>,
    /// Key to show to the server; better kept in the environment, where other users of the machine do not see it
    #[arg(
        long,
        global = true,
        help_heading = HEADING,
        env = "BATON_API_KEY",
        value_name = "KEY",
        hide_env_values = true
    )]
    api_key: Option<String>,
    /// Namespace of creates, lists, stats, watches and filters [default: "default"]
    #[arg(long, global = true, help_heading = HEADING, env = "BATON_NAMESPACE", value_name = "NAME")]
    namespace: Option<String>,
    /// Who acts: human:ID, agent:ID or service:ID [default: human: and the name of the user]
    #[arg(long, global = true, help_heading = HEADING, env = "BATON_ACTOR", value_name = "WHO", value_parser = parse::actor)]
    actor: Option<Actor>,
    /// How results are written; json is one object a line, the contract's messages in canonical protobuf JSON
    #[arg(long, short, global = true, help_heading = HEADING, env = "BATON_OUTPUT", value_name = "FORMAT")]
    pub(super) output: Option<Format>,
    /// How long a call may take, with its repeats, such as 10s
    #[arg(long = "call-timeout", global = true, help_heading = HEADING, value_name = "TIME", value_parser = parse::span, default_value = "10s")]
    timeout: Duration,
}

/// How results are written: for people, or for programs. (No help text a value: they would spread every help over pages.)
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    Table,
    Json,
}

impl Options {
    /// Tables, unless told otherwise.
    pub(super) fn format(&self) -> Format {
        self.output.unwrap_or(Format::Table)
    }

    /// The namespace that was named, if one was.
    pub(super) fn namespace(&self) -> String {
        self.namespace.clone().unwrap_or_default()
    }

    /// A client that is to be told who acts.
    pub(super) fn client(&self) -> ClientBuilder {
        let mut builder = Client::builder()
            .user_agent(concat!("baton-cli/", env!("CARGO_PKG_VERSION")))
            .timeout(self.timeout)
            .namespace(self.namespace());
        for server in &self.server {
            builder = builder.endpoint(server);
        }
        // A variable that is empty says nothing: compose files and unit files leave such behind.
        match &self.api_key {
            Some(key) if !key.is_empty() => builder.api_key(key),
            Some(_) | None => builder,
        }
    }
}

/// Long enough for a server that restarts, short enough for somebody who forgot to start one: 2 s at most.
const RETRY: RetrySettings = RetrySettings {
    max_attempts: 5,
    initial_backoff: Duration::from_millis(50),
    max_backoff: Duration::from_secs(1),
    budget: 100,
};

/// What a command works with.
pub(crate) struct Session {
    pub(super) client: Client,
    pub(super) screen: Screen,
    /// The format that was asked for, where one was.
    pub(super) asked: Option<Format>,
}

impl Session {
    pub(super) fn open(options: &Options) -> Result<Self, Failure> {
        let mut builder = options.client().retry(RETRY);
        if let Some(actor) = options.actor.clone().or_else(user) {
            builder = builder.actor(actor);
        }
        Ok(Session {
            client: builder.build()?,
            screen: Screen::new(options.format()),
            asked: options.output,
        })
    }
}

/// The one who sits at the terminal, as far as the environment tells.
fn user() -> Option<Actor> {
    let name = std::env::var("USER").ok().filter(|name| !name.is_empty());
    name.map(actor::human)
}
