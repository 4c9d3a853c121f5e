use super::*;

fn violated(config: &Config) -> Vec<&'static str> {
    config.validate().map_or_else(
        |e| e.violations.iter().map(|v| v.setting).collect(),
        |()| Vec::new(),
    )
}

#[test]
fn the_defaults_are_valid() {
    assert_eq!(violated(&Config::default()), Vec::<&str>::new());
}

#[test]
fn every_violation_is_told_at_once() {
    let config = Config {
        listen: "0.0.0.0:1".parse().unwrap(),
        database: "sqlite:".to_owned(),
        metrics_listen: Some("0.0.0.0:1".parse().unwrap()),
        log_filter: "loud=very".to_owned(),
        drain_grace_ms: u64::MAX,
        watch_bookmark_interval_ms: 0,
        feed_retention_secs: 0,
        indexed_labels: ["a", "b", "c", "d", "e", "f", "g", "h/i", "no'key"]
            .map(str::to_owned)
            .into(),
        upkeep_interval_ms: 0,
        limits: Limits {
            max_connections: 0,
            max_streams_per_connection: 0,
            max_watches: 0,
            handshake_timeout_ms: 0,
            keepalive_interval_ms: 0,
            keepalive_timeout_ms: 0,
            max_connection_age_ms: Some(0),
            max_unary_ms: 0,
        },
        ..Config::default()
    };
    let expected = [
        "database",
        "listen",
        "metrics_listen",
        "log_filter",
        "indexed_labels",
        "indexed_labels",
        "drain_grace_ms",
        "watch_bookmark_interval_ms",
        "feed_retention_secs",
        "upkeep_interval_ms",
        "limits.max_connections",
        "limits.max_streams_per_connection",
        "limits.max_watches",
        "limits.handshake_timeout_ms",
        "limits.keepalive_interval_ms",
        "limits.keepalive_timeout_ms",
        "limits.max_unary_ms",
        "limits.max_connection_age_ms",
    ];
    assert_eq!(violated(&config), expected);
    let text = config.validate().unwrap_err().to_string();
    assert!(
        text.contains("\n  limits.max_watches is 0, must be from 1 to 1000000"),
        "{text}"
    );
}

#[test]
fn beyond_loopback_somebody_must_have_said_so() {
    for address in ["0.0.0.0:1", "[::]:1", "192.168.0.7:1", "[::ffff:10.0.0.1]:1"] {
        let open = Config {
            listen: address.parse().unwrap(),
            ..Config::default()
        };
        assert_eq!(violated(&open), ["listen"], "{address}");
        assert_eq!(
            violated(&Config {
                insecure: true,
                ..open.clone()
            }),
            Vec::<&str>::new()
        );
        assert_eq!(
            violated(&Config {
                api_key_file: Some("keys".into()),
                ..open
            }),
            Vec::<&str>::new()
        );
    }
    for address in ["127.0.0.1:1", "127.9.9.9:1", "[::1]:1", "[::ffff:127.0.0.1]:1"] {
        let local = Config {
            listen: address.parse().unwrap(),
            ..Config::default()
        };
        assert_eq!(violated(&local), Vec::<&str>::new(), "{address}");
    }
}

#[test]
fn keys_and_insecure_exclude_each_other() {
    let both = Config {
        insecure: true,
        api_key_file: Some("keys".into()),
        ..Config::default()
    };
    assert_eq!(violated(&both), ["insecure"]);
}

#[test]
fn passwords_are_hidden() {
    let shown = |database: &str| {
        Config {
            database: database.to_owned(),
            ..Config::default()
        }
        .redacted()
        .database
    };
    assert_eq!(
        shown("postgres://baton:s3cr@t@db/baton"),
        "postgres://baton:***@db/baton"
    );
    assert_eq!(shown("postgres://baton@db/baton"), "postgres://baton@db/baton");
    assert_eq!(
        shown("postgres://db/baton?user=a&password=s3cret&sslmode=require"),
        "postgres://db/baton?user=a&password=***&sslmode=require"
    );
    for odd in [
        "postgres://a:s3?cret@db/baton",
        "postgres://db/baton?password=s3cret&user=a@b",
    ] {
        assert!(!shown(odd).contains("cret"), "{}", shown(odd));
    }
    assert_eq!(shown("sqlite:a@b.db"), "sqlite:a@b.db");
    assert_eq!(shown("sqlite:///var/lib/baton.db"), "sqlite:///var/lib/baton.db");
}
