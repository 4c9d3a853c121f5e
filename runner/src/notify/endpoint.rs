//! Where notifications go: read once, when the worker starts.

use std::path::Path;

use baton_egress::{Secret, Sender};
use secrecy::{ExposeSecret as _, SecretString};

use crate::config::EndpointConfig;

/// A URL and the secrets that sign what goes there.
pub(crate) struct Endpoint {
    /// None where its variable is not set.
    pub(crate) url: Option<SecretString>,
    pub(crate) secrets: Vec<Secret>,
}

impl Endpoint {
    /// Reads what the configuration names. A variable that is not set is no mistake: without a URL nothing is sent.
    ///
    /// Errors: files that cannot be read, secrets of another form, a URL that the policy refuses. None says the URL.
    pub(crate) fn read(config: &EndpointConfig, sender: &Sender) -> Result<Self, String> {
        let url = match (&config.url, &config.url_env, &config.url_file) {
            (Some(url), _, _) => Some(url.expose_secret().to_owned()),
            (None, Some(name), _) => variable(name),
            (None, None, Some(path)) => Some(file(path)?),
            (None, None, None) => None,
        };
        let url = url.map(|url| url.trim().to_owned()).filter(|url| !url.is_empty());
        if let Some(url) = &url {
            sender.check(url).map_err(|error| error.to_string())?;
        }
        let secrets = match (&config.secrets_env, &config.secrets_file) {
            // Unlike a URL: what is to be signed is never sent unsigned.
            (Some(name), _) => variable(name).ok_or_else(|| format!("the variable {name} is not set"))?,
            (None, Some(path)) => file(path)?,
            (None, None) => String::new(),
        };
        let secrets: Result<Vec<_>, _> = secrets.split_whitespace().map(Secret::parse).collect();
        Ok(Endpoint {
            url: url.map(SecretString::from),
            secrets: secrets.map_err(|error| error.to_string())?,
        })
    }
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.trim().is_empty())
}

fn file(path: &Path) -> Result<String, String> {
    std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
}
