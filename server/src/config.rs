//! Every setting of the server in one typed struct, checked once, with all violations at once.

#[cfg(test)]
mod tests;

use std::fmt;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::PathBuf;

use baton_domain::limits::is_label_key;
use serde::{Deserialize, Serialize};

/// The largest message that the server reads, in bytes: what clients in every language send by default.
pub const MESSAGE_MAX_BYTES: usize = 4 * 1024 * 1024;

/// Every one is an index that each create writes: some 20 us.
const INDEXED_LABELS: usize = 8;

/// The settings of a server. The names are those of the file, of the flags (with dashes) and of the environment
/// (`BATON_` in front, `__` between the parts).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Address of the gRPC port. Beyond loopback it needs `api_key_file` or `insecure`.
    pub listen: SocketAddr,
    /// Where tasks are kept: `sqlite:<path>`, a file of this process alone, or `postgres://<user>@<host>/<database>`, which
    /// any number of processes share. Tables are created and migrated where needed.
    pub database: String,
    /// File of bearer keys, `name:key` a line; with it every call but health needs one of them.
    pub api_key_file: Option<PathBuf>,
    /// Lets everybody in, also beyond loopback.
    pub insecure: bool,
    /// Folder of this machine into which BackupStore copies the database, by names that callers choose; without it the call
    /// is refused.
    pub backup_folder: Option<PathBuf>,
    /// Allows AdvanceClock: the server's time can be moved forward.
    pub test_mode: bool,
    /// Address that serves metrics as Prometheus text; none without it.
    pub metrics_listen: Option<SocketAddr>,
    /// What the log looks like.
    pub log_format: LogFormat,
    /// What is logged, as a tracing filter: `info`, `debug`, `baton_server=debug,info`.
    pub log_filter: String,
    /// How long calls may go on after SIGTERM, in milliseconds.
    pub drain_grace_ms: u64,
    /// Pause after which a quiet watch gets a bookmark, in milliseconds.
    pub watch_bookmark_interval_ms: u64,
    /// How long the feed can be read back, in seconds. A task's own history stays with the task.
    pub feed_retention_secs: u64,
    /// Pause between two rounds of upkeep (trimming the feed, forgetting request ids), in milliseconds.
    pub upkeep_interval_ms: u64,
    /// Keys of labels by which ListTasks finds tasks through an index, at most 8. Each makes creates dearer; a change is
    /// made at the next start, which takes seconds where there are many tasks.
    pub indexed_labels: Vec<String>,
    /// What becomes of a task whose type is not registered.
    pub unknown_types: UnknownTypes,
    /// Where webhooks may be sent.
    pub webhook_rules: WebhookRules,
    /// What one server takes on.
    pub limits: Limits,
}

/// Limits of the network side of a server.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Connections open at once; more are closed as they come.
    pub max_connections: u32,
    /// Calls open at once on one HTTP/2 connection; clients queue what is more.
    pub max_streams_per_connection: u32,
    /// Server streams (watches) open at once; more are refused with QUOTA_EXCEEDED.
    pub max_watches: u32,
    /// How long a new connection may take to say what it speaks, in milliseconds.
    pub handshake_timeout_ms: u64,
    /// Pause after which a quiet HTTP/2 connection is probed, in milliseconds.
    pub keepalive_interval_ms: u64,
    /// How long the answer to a probe may take, in milliseconds.
    pub keepalive_timeout_ms: u64,
    /// Age at which a connection is asked to reconnect, in milliseconds, give or take a tenth; never without it.
    pub max_connection_age_ms: Option<u64>,
    /// The longest that a unary call may take, in milliseconds; WaitTask waits up to 60 s.
    pub max_unary_ms: u64,
}

/// Where webhooks may be sent: by default to public addresses alone, by `https` at port 443.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WebhookRules {
    /// Also to addresses that are not public, this machine's among them, and at any port.
    pub allow_private_networks: bool,
    /// Also by `http`: what is sent can be read on the way.
    pub allow_http: bool,
}

/// What becomes of a task whose type is not registered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum UnknownTypes {
    /// It is created, and nothing of it is checked.
    Allow,
    /// It is not.
    Refuse,
}

/// The two forms of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// Human on a terminal, JSON otherwise.
    Auto,
    /// Lines for people.
    Human,
    /// One JSON object a line.
    Json,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            listen: SocketAddr::from(([127, 0, 0, 1], 50_051)),
            database: "sqlite:baton.db".to_owned(),
            api_key_file: None,
            insecure: false,
            backup_folder: None,
            test_mode: false,
            metrics_listen: None,
            log_format: LogFormat::Auto,
            log_filter: "info".to_owned(),
            drain_grace_ms: 10_000,
            watch_bookmark_interval_ms: 15_000,
            feed_retention_secs: 7 * 24 * 60 * 60,
            upkeep_interval_ms: 60_000,
            indexed_labels: Vec::new(),
            unknown_types: UnknownTypes::Allow,
            webhook_rules: WebhookRules::default(),
            limits: Limits::default(),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            max_connections: 4_096,
            max_streams_per_connection: 1_024,
            max_watches: 10_000,
            handshake_timeout_ms: 10_000,
            keepalive_interval_ms: 20_000,
            keepalive_timeout_ms: 20_000,
            max_connection_age_ms: None,
            max_unary_ms: 70_000,
        }
    }
}

impl Config {
    /// Checks every setting and the settings against each other; answers all violations at once.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let mut violations = Vec::new();
        match self.database.split_once(':') {
            Some(("sqlite", path)) if !path.is_empty() => {}
            Some(("postgres" | "postgresql", rest)) if rest.starts_with("//") => {}
            Some(_) | None => violate(
                &mut violations,
                "database",
                "must be sqlite:<path>, such as sqlite:baton.db, or postgres://<user>@<host>/<database>",
            ),
        }
        if let Err(message) = check_exposure(self, self.listen) {
            violate(&mut violations, "listen", message);
        }
        if self.insecure && self.api_key_file.is_some() {
            violate(
                &mut violations,
                "insecure",
                "excludes api_key_file: choose one of the two",
            );
        }
        if self.metrics_listen == Some(self.listen) && self.listen.port() != 0 {
            violate(&mut violations, "metrics_listen", "must differ from listen");
        }
        if let Err(error) = self.log_filter.parse::<tracing_subscriber::EnvFilter>() {
            violate(
                &mut violations,
                "log_filter",
                format!("is no tracing filter: {error}"),
            );
        }
        self.check_labels(&mut violations);
        self.check_ranges(&mut violations);
        if violations.is_empty() {
            Ok(())
        } else {
            Err(ConfigError { violations })
        }
    }

    fn check_labels(&self, violations: &mut Vec<Violation>) {
        let keys = &self.indexed_labels;
        if keys.len() > INDEXED_LABELS {
            let message = format!("has {} keys, may have {INDEXED_LABELS}", keys.len());
            violate(violations, "indexed_labels", message);
        }
        for key in keys.iter().filter(|key| !is_label_key(key)) {
            let message = format!("has {key:?}, which cannot be the key of a label");
            violate(violations, "indexed_labels", message);
        }
    }

    fn check_ranges(&self, violations: &mut Vec<Violation>) {
        const DAY_MS: u64 = 86_400_000;
        let limits = &self.limits;
        let mut check = |setting, value: u64, range: RangeInclusive<u64>| {
            if !range.contains(&value) {
                let message = format!("is {value}, must be from {} to {}", range.start(), range.end());
                violate(violations, setting, message);
            }
        };
        check("drain_grace_ms", self.drain_grace_ms, 0..=3_600_000);
        check(
            "watch_bookmark_interval_ms",
            self.watch_bookmark_interval_ms,
            10..=3_600_000,
        );
        check(
            "feed_retention_secs",
            self.feed_retention_secs,
            1..=10 * 365 * 24 * 60 * 60,
        );
        check("upkeep_interval_ms", self.upkeep_interval_ms, 10..=86_400_000);
        check(
            "limits.max_connections",
            limits.max_connections.into(),
            1..=1_000_000,
        );
        check(
            "limits.max_streams_per_connection",
            limits.max_streams_per_connection.into(),
            1..=100_000,
        );
        check("limits.max_watches", limits.max_watches.into(), 1..=1_000_000);
        check(
            "limits.handshake_timeout_ms",
            limits.handshake_timeout_ms,
            10..=300_000,
        );
        check(
            "limits.keepalive_interval_ms",
            limits.keepalive_interval_ms,
            10..=DAY_MS,
        );
        check(
            "limits.keepalive_timeout_ms",
            limits.keepalive_timeout_ms,
            10..=300_000,
        );
        check("limits.max_unary_ms", limits.max_unary_ms, 10..=DAY_MS);
        if let Some(age_ms) = limits.max_connection_age_ms {
            check("limits.max_connection_age_ms", age_ms, 10..=30 * DAY_MS);
        }
    }

    /// The settings as they may be shown: the password in a database URL is hidden.
    #[must_use]
    pub fn redacted(&self) -> Config {
        let mut shown = self.clone();
        shown.database = without_password(&self.database);
        shown
    }
}

/// A URL may hold its password in two places.
fn without_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return url.to_owned();
    };
    let (credentials, place) = rest.rsplit_once('@').unwrap_or(("", rest));
    let user = match credentials.split_once(':') {
        // Either a password with that sign in it, or parameters with an @: what is what cannot be told.
        _ if credentials.contains('?') => "***@".to_owned(),
        Some((user, _)) => format!("{user}:***@"),
        None if credentials.is_empty() => String::new(),
        None => format!("{credentials}@"),
    };
    let (place, query) = place.split_once('?').unwrap_or((place, ""));
    let shown: Vec<_> = query
        .split('&')
        .map(|pair| match pair.split_once('=') {
            Some(("password", _)) => "password=***",
            _ => pair,
        })
        .collect();
    let mark = if query.is_empty() { "" } else { "?" };
    format!("{scheme}://{user}{place}{mark}{}", shown.join("&"))
}

/// Refuses an address that others can reach while nobody has said that they may.
pub(crate) fn check_exposure(config: &Config, address: SocketAddr) -> Result<(), String> {
    if address.ip().to_canonical().is_loopback() || config.insecure || config.api_key_file.is_some() {
        return Ok(());
    }
    Err(format!(
        "{address} can be reached from other machines: give callers keys with --api-key-file <file> \
         (one name:key a line), or let everybody in with --insecure"
    ))
}

fn violate(violations: &mut Vec<Violation>, setting: &'static str, message: impl Into<String>) {
    violations.push(Violation {
        setting,
        message: message.into(),
    });
}

/// One setting that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Name of the setting, as in the file.
    pub setting: &'static str,
    /// What is wrong and what would be right.
    pub message: String,
}

/// All settings that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    /// At least one.
    pub violations: Vec<Violation>,
}

impl std::error::Error for ConfigError {}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the settings cannot be used:")?;
        for Violation { setting, message } in &self.violations {
            write!(f, "\n  {setting} {message}")?;
        }
        Ok(())
    }
}
