//! Values of the command line.

use std::io::Read;
use std::time::Duration;

use baton_client::proto::{Actor, Dependency, DependencyFailureRule};
use baton_client::{When, actor};
use clap::Args;
use jiff::{SignedDuration, Timestamp};

/// `90s`, `5m`, `1h 30m`, `PT5M`.
pub(super) fn span(text: &str) -> Result<Duration, String> {
    let span: SignedDuration = text
        .parse()
        .map_err(|_| "expected a time such as 90s, 5m or 1h30m".to_owned())?;
    Duration::try_from(span).map_err(|_| "a time cannot be negative".to_owned())
}

/// `2026-11-22T09:00:00Z`, with any offset.
pub(super) fn time(text: &str) -> Result<prost_types::Timestamp, String> {
    let time: Timestamp = text.parse().map_err(|_| {
        "expected a time such as 2026-11-22T09:00:00Z or 2026-11-22T10:00:00+01:00".to_owned()
    })?;
    // Nanoseconds count forward from the second in the contract, and towards zero in jiff.
    let nanosecond = time.as_nanosecond();
    let seconds = i64::try_from(nanosecond.div_euclid(NANOS)).map_err(|error| error.to_string())?;
    let nanos = i32::try_from(nanosecond.rem_euclid(NANOS)).map_err(|error| error.to_string())?;
    Ok(prost_types::Timestamp { seconds, nanos })
}

const NANOS: i128 = 1_000_000_000;

/// `human:ada`, `agent:writer-1`, `service:billing`.
pub(super) fn actor(text: &str) -> Result<Actor, String> {
    match text.split_once(':') {
        Some(("human", id)) if !id.is_empty() => Ok(actor::human(id)),
        Some(("agent", id)) if !id.is_empty() => Ok(actor::agent(id)),
        Some(("service", id)) if !id.is_empty() => Ok(actor::service(id)),
        _ => Err("expected human:ID, agent:ID or service:ID".to_owned()),
    }
}

/// `team=finance`.
pub(super) fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("expected KEY=VALUE".to_owned()),
    }
}

/// `ID`, or `ID:cancel` with what to do when that task does not complete.
pub(super) fn dependency(text: &str) -> Result<Dependency, String> {
    let (id, rule) = text.split_once(':').unwrap_or((text, "fail"));
    let rule = match rule {
        "fail" => DependencyFailureRule::Fail,
        "cancel" => DependencyFailureRule::Cancel,
        "continue" => DependencyFailureRule::Continue,
        _ => return Err("expected ID, ID:fail, ID:cancel or ID:continue".to_owned()),
    };
    Ok(Dependency {
        task_id: id.to_owned(),
        on_failure: rule.into(),
        ..Dependency::default()
    })
}

/// JSON as it was written, known to be well-formed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Json(pub(super) String);

/// JSON itself, `@FILE`, or `-` for standard input.
pub(super) fn json(text: &str) -> Result<Json, String> {
    let text = if let Some(file) = text.strip_prefix('@') {
        std::fs::read_to_string(file).map_err(|error| format!("cannot read {file}: {error}"))?
    } else if text == "-" {
        let mut read = String::new();
        let stdin = std::io::stdin().read_to_string(&mut read);
        stdin.map_err(|error| format!("cannot read standard input: {error}"))?;
        read
    } else {
        text.to_owned()
    };
    match serde_json::from_str::<serde::de::IgnoredAny>(&text) {
        Ok(_) => Ok(Json(text.trim().to_owned())),
        Err(error) => Err(format!(
            "not JSON: {error}; a text stands in double quotes: '\"like this\"'"
        )),
    }
}

/// A JSON object, in the same ways.
pub(super) fn json_object(text: &str) -> Result<serde_json::Map<String, serde_json::Value>, String> {
    let Json(text) = json(text)?;
    serde_json::from_str(&text).map_err(|_| "expected a JSON object: '{\"key\": \"value\"}'".to_owned())
}

/// When something that is put off becomes ready.
#[derive(Args)]
#[group(required = true, multiple = false)]
pub(super) struct WhenArgs {
    /// At this time, such as 2026-11-22T09:00:00Z
    #[arg(long, value_name = "TIME", value_parser = time)]
    at: Option<prost_types::Timestamp>,
    /// After this long, such as 90s or 2h
    #[arg(long, value_name = "TIME", value_parser = span)]
    r#in: Option<Duration>,
}

impl WhenArgs {
    pub(super) fn when(&self) -> When {
        match (self.at, self.r#in) {
            (Some(time), _) => When::At(time),
            (None, delay) => When::In(delay.unwrap_or_default()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_written_as_people_do() {
        assert_eq!(span("90s"), Ok(Duration::from_secs(90)));
        assert_eq!(span("1h30m"), Ok(Duration::from_secs(5_400)));
        assert_eq!(span("PT5M"), Ok(Duration::from_secs(300)));
        for bad in ["", "5", "-5s", "five"] {
            span(bad).unwrap_err();
        }
    }

    #[test]
    fn times_count_forward_from_the_second() {
        let exact = time("2026-11-22T10:00:00.25+01:00").unwrap();
        assert_eq!((exact.seconds, exact.nanos), (1_795_338_000, 250_000_000));
        let before = time("1969-12-31T23:59:59.75Z").unwrap();
        assert_eq!((before.seconds, before.nanos), (-1, 750_000_000));
        time("tomorrow").unwrap_err();
    }

    #[test]
    fn an_actor_has_a_kind_and_an_id() {
        assert_eq!(actor("agent:a:b"), Ok(actor::agent("a:b")));
        for bad in ["ada", "human:", "robot:r2", "system:x"] {
            actor(bad).unwrap_err();
        }
    }

    #[test]
    fn json_stays_as_it_was_written() {
        assert_eq!(
            json(" {\"n\": 9007199254740993} "),
            Ok(Json("{\"n\": 9007199254740993}".to_owned()))
        );
        assert!(json("hello").unwrap_err().contains("double quotes"));
        assert!(json("@/no/such/file").unwrap_err().contains("/no/such/file"));
        json_object("[]").unwrap_err();
    }

    #[test]
    fn a_dependency_may_say_what_failure_means() {
        assert_eq!(dependency("a").unwrap().on_failure(), DependencyFailureRule::Fail);
        assert_eq!(
            dependency("a:continue").unwrap().on_failure(),
            DependencyFailureRule::Continue
        );
        dependency("a:explode").unwrap_err();
    }
}
