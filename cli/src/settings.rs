//! Where the server's settings come from: a file, the environment, flags; the later wins.

mod variables;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::Context;
use baton_server::Config;
use clap::Args;
use config::{File, FileFormat};

use crate::file::BatonFile;

/// The settings that have a flag; all of them have a place in the file and a variable in the environment.
#[derive(Args, Debug, Default)]
pub(crate) struct Flags {
    /// File of settings [default: baton.toml, where there is one]
    #[arg(long, env = "BATON_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// Address of the gRPC port [default: 127.0.0.1:50051]
    #[arg(long, value_name = "ADDRESS", value_parser = address)]
    listen: Option<SocketAddr>,
    /// Where tasks are kept: sqlite:FILE or postgres://USER@HOST/DATABASE [default: sqlite:baton.db]
    #[arg(long, value_name = "URL")]
    database: Option<String>,
    /// File of bearer keys, name:key a line, that calls must carry
    #[arg(long, value_name = "FILE")]
    api_key_file: Option<PathBuf>,
    /// Let everybody in, also from other machines
    #[arg(long)]
    insecure: bool,
    /// Folder into which callers may let the database be copied
    #[arg(long, value_name = "FOLDER")]
    backup_folder: Option<PathBuf>,
    /// Allow AdvanceClock
    #[arg(long)]
    test_mode: bool,
    /// Address that serves metrics as Prometheus text
    #[arg(long, value_name = "ADDRESS", value_parser = address)]
    metrics_listen: Option<SocketAddr>,
    /// auto, human or json [default: auto]
    #[arg(long, value_name = "FORMAT", value_parser = ["auto", "human", "json"], hide_possible_values = true)]
    log_format: Option<String>,
    /// What is logged, such as info or debug [default: info]
    #[arg(long, value_name = "FILTER")]
    log_filter: Option<String>,
    /// Whether tasks may be of a type that is not registered: allow or refuse [default: allow]
    #[arg(long, value_name = "RULE", value_parser = ["allow", "refuse"], hide_possible_values = true)]
    unknown_types: Option<String>,
    #[command(flatten)]
    webhooks: WebhookFlags,
    /// How long calls may go on after SIGTERM, in milliseconds [default: 10000]
    #[arg(long, value_name = "MS")]
    drain_grace_ms: Option<u64>,
}

/// Where webhooks may be sent.
#[derive(Args, Debug, Default)]
struct WebhookFlags {
    /// Let webhooks be sent to addresses that are not public too, and to any port
    #[arg(long)]
    webhook_allow_private_networks: bool,
    /// Let webhooks be sent by http too
    #[arg(long)]
    webhook_allow_http: bool,
}

/// For the help of whoever takes flags.
pub(crate) const OTHER_WAYS: &str = "\
Each flag has a variable too: BATON_LISTEN for --listen, BATON_DRAIN_GRACE_MS for --drain-grace-ms. What has no flag has a \
place in the file, and a variable: docs/configuration.md. `baton config` prints what counts.";

fn address(text: &str) -> Result<SocketAddr, String> {
    let expected = "expected an IP address and a port, such as 127.0.0.1:50051, [::1]:50051 or 0.0.0.0:50051";
    text.parse().map_err(|_| expected.to_owned())
}

impl Flags {
    /// No flag but the file's.
    pub(crate) fn of_file(config: Option<PathBuf>) -> Self {
        Flags {
            config,
            ..Flags::default()
        }
    }
}

/// Merges all sources into the settings. They are not yet validated.
pub(crate) fn load(flags: &Flags) -> anyhow::Result<Config> {
    load_all(flags).map(|(config, _)| config)
}

/// As [`load`], with all else that the file says.
pub(crate) fn load_all(flags: &Flags) -> anyhow::Result<(Config, BatonFile)> {
    let environment: HashMap<_, _> = std::env::vars().collect();
    for doubt in variables::misspelt(environment.keys())? {
        eprintln!("warning: {doubt}");
    }
    merge(flags, environment)
}

fn merge(flags: &Flags, environment: HashMap<String, String>) -> anyhow::Result<(Config, BatonFile)> {
    let file = BatonFile::read(flags.config.as_deref())?;
    let path = |path: &Option<PathBuf>| path.as_ref().map(|path| path.display().to_string());
    let address = |address: Option<SocketAddr>| address.map(|address| address.to_string());
    let merged = config::Config::builder()
        .add_source(File::from_str(&file.server, FileFormat::Toml))
        .add_source(variables::known(environment)?)
        .set_override_option("listen", address(flags.listen))?
        .set_override_option("database", flags.database.clone())?
        .set_override_option("api_key_file", path(&flags.api_key_file))?
        .set_override_option("backup_folder", path(&flags.backup_folder))?
        .set_override_option("insecure", flags.insecure.then_some(true))?
        .set_override_option("test_mode", flags.test_mode.then_some(true))?
        .set_override_option("metrics_listen", address(flags.metrics_listen))?
        .set_override_option("log_format", flags.log_format.clone())?
        .set_override_option("log_filter", flags.log_filter.clone())?
        .set_override_option("unknown_types", flags.unknown_types.clone())?
        .set_override_option(
            "webhook_rules.allow_private_networks",
            flags.webhooks.webhook_allow_private_networks.then_some(true),
        )?
        .set_override_option(
            "webhook_rules.allow_http",
            flags.webhooks.webhook_allow_http.then_some(true),
        )?
        .set_override_option("drain_grace_ms", flags.drain_grace_ms)?
        .build()
        .context("cannot read the settings")?;
    let config: Config = merged
        .try_deserialize()
        .context("cannot understand the settings")?;
    file.judge(&config)?;
    Ok((config, file))
}

/// Prints the effective settings to stdout, then fails if they cannot be used.
pub(crate) fn print(flags: &Flags) -> anyhow::Result<()> {
    let config = load(flags)?;
    crate::write_out(toml::to_string(&config.redacted())?.as_bytes())?;
    Ok(config.validate()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use baton_server::config::{Limits, LogFormat, UnknownTypes};
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        flags: Flags,
    }

    fn flags(line: &[&str]) -> Flags {
        Line::try_parse_from(["baton"].iter().chain(line)).unwrap().flags
    }

    fn server(flags: &Flags, environment: HashMap<String, String>) -> anyhow::Result<Config> {
        merge(flags, environment).map(|(config, _)| config)
    }

    fn environment(variables: &[(&str, &str)]) -> HashMap<String, String> {
        variables
            .iter()
            .map(|&(name, value)| (name.to_owned(), value.to_owned()))
            .collect()
    }

    fn file(text: &str) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        file
    }

    #[test]
    fn without_sources_the_defaults_stand() {
        assert_eq!(
            server(&Flags::default(), HashMap::new()).unwrap(),
            Config::default()
        );
    }

    #[test]
    fn the_environment_wins_over_the_file_and_flags_over_both() {
        let file = file(
            "database = 'sqlite:file'\ndrain_grace_ms = 1\nlog_filter = 'warn'\n\
             [limits]\nmax_watches = 7\nmax_connections = 8\n",
        );
        let path = file.path().display().to_string();
        let flags = flags(&["--config", &path, "--database", "sqlite:flag", "--test-mode"]);
        let variables = [
            ("BATON_DATABASE", "sqlite:variable"),
            ("BATON_DRAIN_GRACE_MS", "2"),
            ("BATON_LIMITS__MAX_CONNECTIONS", "9"),
        ];
        let expected = Config {
            database: "sqlite:flag".to_owned(),
            drain_grace_ms: 2,
            log_filter: "warn".to_owned(),
            test_mode: true,
            limits: Limits {
                max_watches: 7,
                max_connections: 9,
                ..Limits::default()
            },
            ..Config::default()
        };
        assert_eq!(server(&flags, environment(&variables)).unwrap(), expected);
    }

    #[test]
    #[expect(clippy::too_many_lines, reason = "a row a setting")]
    fn every_setting_has_a_variable() {
        let variables = [
            ("BATON_LISTEN", "[::1]:1"),
            ("BATON_DATABASE", "sqlite:7"),
            ("BATON_API_KEY_FILE", "/keys"),
            ("BATON_INSECURE", "true"),
            ("BATON_BACKUP_FOLDER", "/backups"),
            ("BATON_TEST_MODE", "TRUE"),
            ("BATON_METRICS_LISTEN", "0.0.0.0:2"),
            ("BATON_LOG_FORMAT", "json"),
            ("BATON_LOG_FILTER", "debug"),
            ("BATON_DRAIN_GRACE_MS", "1"),
            ("BATON_WATCH_BOOKMARK_INTERVAL_MS", "2"),
            ("BATON_FEED_RETENTION_SECS", "60"),
            ("BATON_UPKEEP_INTERVAL_MS", "11"),
            ("BATON_INDEXED_LABELS", "customer,plan"),
            ("BATON_UNKNOWN_TYPES", "refuse"),
            ("BATON_WEBHOOK_RULES__ALLOW_PRIVATE_NETWORKS", "true"),
            ("BATON_WEBHOOK_RULES__ALLOW_HTTP", "true"),
            ("BATON_LIMITS__MAX_CONNECTIONS", "3"),
            ("BATON_LIMITS__MAX_STREAMS_PER_CONNECTION", "4"),
            ("BATON_LIMITS__MAX_WATCHES", "5"),
            ("BATON_LIMITS__HANDSHAKE_TIMEOUT_MS", "6"),
            ("BATON_LIMITS__KEEPALIVE_INTERVAL_MS", "7"),
            ("BATON_LIMITS__KEEPALIVE_TIMEOUT_MS", "8"),
            ("BATON_LIMITS__MAX_CONNECTION_AGE_MS", "9"),
            ("BATON_LIMITS__MAX_UNARY_MS", "10"),
        ];
        // Destructured in full: a new setting must get its line here.
        let Config {
            listen,
            database,
            api_key_file,
            insecure,
            backup_folder,
            test_mode,
            metrics_listen,
            log_format,
            log_filter,
            drain_grace_ms,
            watch_bookmark_interval_ms,
            feed_retention_secs,
            upkeep_interval_ms,
            indexed_labels,
            unknown_types,
            webhook_rules,
            limits,
        } = server(&Flags::default(), environment(&variables)).unwrap();
        assert_eq!(
            (listen.to_string(), database.as_str()),
            ("[::1]:1".to_owned(), "sqlite:7")
        );
        assert_eq!(
            (api_key_file, insecure, test_mode),
            (Some("/keys".into()), true, true)
        );
        assert_eq!(backup_folder, Some("/backups".into()));
        assert_eq!(metrics_listen.unwrap().to_string(), "0.0.0.0:2");
        assert_eq!((log_format, log_filter.as_str()), (LogFormat::Json, "debug"));
        assert_eq!((drain_grace_ms, watch_bookmark_interval_ms), (1, 2));
        assert_eq!((feed_retention_secs, upkeep_interval_ms), (60, 11));
        assert_eq!(indexed_labels, ["customer", "plan"]);
        assert_eq!(unknown_types, UnknownTypes::Refuse);
        assert!(webhook_rules.allow_private_networks && webhook_rules.allow_http);
        let expected = Limits {
            max_connections: 3,
            max_streams_per_connection: 4,
            max_watches: 5,
            handshake_timeout_ms: 6,
            keepalive_interval_ms: 7,
            keepalive_timeout_ms: 8,
            max_connection_age_ms: Some(9),
            max_unary_ms: 10,
        };
        assert_eq!(limits, expected);
    }

    #[test]
    fn what_is_printed_reads_back() {
        let config = Config {
            metrics_listen: Some("[::1]:3".parse().unwrap()),
            ..Config::default()
        };
        let file = file(&toml::to_string(&config).unwrap());
        let flags = flags(&["--config", &file.path().display().to_string()]);
        assert_eq!(server(&flags, HashMap::new()).unwrap(), config);
    }

    #[test]
    fn where_a_webhook_of_the_file_goes_is_judged_by_all_settings() {
        let file = file("[webhooks.a]\nurl = 'http://example.com/'\nformat = 'slack'\n");
        let path = file.path().display().to_string();
        let lines = [
            &["--config", &path][..],
            &["--config", &path, "--webhook-allow-http"],
        ];
        let [refused, allowed] = lines.map(|line| server(&flags(line), HashMap::new()));
        let refused = format!("{:#}", refused.unwrap_err());
        assert!(refused.contains(":2:7: webhooks.a.url: "), "{refused}");
        allowed.unwrap();
        let variable = environment(&[("BATON_WEBHOOK_RULES__ALLOW_HTTP", "true")]);
        server(&flags(&["--config", &path]), variable).unwrap();
    }

    #[test]
    fn a_setting_that_cannot_be_used_has_its_line() {
        let file = file("database = 'mysql:x'\n[limits]\nmax_connections = 0\n");
        let path = file.path().display().to_string();
        let (config, read) = merge(&flags(&["--config", &path, "--insecure"]), HashMap::new()).unwrap();
        let told = read.judge_settings(&config).unwrap_err().to_string();
        let told: Vec<_> = told.lines().collect();
        assert!(
            told.len() == 2
                && told[0].contains(":1:1: database: must be sqlite:")
                && told[1].contains(":3:19: limits.max_connections: is 0, must be from 1 to"),
            "{told:?}"
        );
    }

    #[test]
    fn foreign_variables_are_left_alone_but_files_are_read_strictly() {
        let foreign = environment(&[("BATON_PORT", "tcp://10.0.0.1:50051"), ("BATON_LISTEN", "")]);
        assert_eq!(server(&Flags::default(), foreign).unwrap(), Config::default());
        let file = file("listne = '127.0.0.1:1'\n");
        let flags = flags(&["--config", &file.path().display().to_string()]);
        let error = format!("{:#}", server(&flags, HashMap::new()).unwrap_err());
        assert!(error.contains("listne"), "{error}");
    }

    #[test]
    fn a_file_that_was_named_must_be_there() {
        assert!(server(&flags(&["--config", "/nonexistent/baton.toml"]), HashMap::new()).is_err());
    }

    #[test]
    fn handlers_stand_in_the_same_file_and_a_mistake_names_its_line() {
        let good =
            file("database = 'sqlite:7'\n[handlers.beat]\nkind = 'heartbeat'\n[worker]\nconcurrency = 3\n");
        let path = good.path().display().to_string();
        let (config, BatonFile { runner, .. }) = merge(&flags(&["--config", &path]), HashMap::new()).unwrap();
        assert_eq!(config.database, "sqlite:7");
        assert_eq!((runner.handlers.len(), runner.worker.concurrency), (1, 3));
        let bad = file("database = 'sqlite:7'\n[worker]\nconcurency = 3\n");
        let path = bad.path().display().to_string();
        let error = merge(&flags(&["--config", &path]), HashMap::new()).unwrap_err();
        let error = format!("{error:#}");
        assert!(
            error.contains(":3:1: worker.concurency: is not known; did you mean `concurrency`?"),
            "{error}"
        );
    }
}
