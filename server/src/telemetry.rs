//! The log: one subscriber for the process, to stderr, for people or for machines.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::util::SubscriberInitExt;

use crate::config::{Config, LogFormat};

/// Starts the log of this process as `config` asks and routes panics into it.
///
/// Errors: `log_filter` does not parse, or the process has a log already.
pub fn init(config: &Config) -> Result<(), TelemetryError> {
    let filter: EnvFilter = config.log_filter.parse().map_err(TelemetryError::Filter)?;
    let terminal = std::io::stderr().is_terminal();
    let human = match config.log_format {
        LogFormat::Auto => terminal,
        LogFormat::Human => true,
        LogFormat::Json => false,
    };
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    if human {
        let colours = terminal && std::env::var_os("NO_COLOR").is_none();
        lines
            .compact()
            .with_target(false)
            .with_ansi(colours)
            .finish()
            .try_init()
    } else {
        lines.json().flatten_event(true).finish().try_init()
    }
    .map_err(|_| TelemetryError::Twice)?;
    crate::panics::log_panics();
    Ok(())
}

/// Why the log could not start.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The filter of the settings is none.
    #[error("log_filter is no tracing filter")]
    Filter(#[source] tracing_subscriber::filter::ParseError),
    /// Somebody else has started a log in this process.
    #[error("the process has a log already")]
    Twice,
}
