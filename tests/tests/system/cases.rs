//! Literal calls and their literal results, as a table that people can read: `cases/*.toml`.
//!
//! A request is JSON as grpcurl takes it. An answer is compared as far as the table says: every field named must be
//! there with that value, `null` means absent, `"*"` anything. `keep` names parts of an answer for later steps, which
//! write them as `$name`; `$store_kind` is the database that is tested. A case with `handlers` has a worker beside its server, and steps that look at what it did.

mod handlers;

use std::collections::BTreeMap;

use baton_proto::v1::Queue;
use baton_tests::harness::{TestServer, wire};
use serde::Deserialize;
use serde_json::Value;
use tonic::Status;
use tonic_types::StatusExt;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    case: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    id: String,
    what: String,
    /// On a server of its own, which is new.
    #[serde(default)]
    alone: bool,
    /// Done by a worker with these handlers, on a server of its own.
    handlers: Option<handlers::Handlers>,
    step: Vec<Step>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Step {
    /// A call of the contract, or `restart`: the server is stopped and started again. With handlers also `hook`, `log`
    /// and `left`.
    call: String,
    #[serde(default = "nothing")]
    send: String,
    answer: Option<String>,
    error: Option<Refused>,
    #[serde(default)]
    keep: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Refused {
    code: String,
    reason: String,
    #[serde(default)]
    metadata: BTreeMap<String, String>,
    /// Words of the message, in any case.
    #[serde(default)]
    words: Vec<String>,
    /// Fields that are named as broken.
    #[serde(default)]
    fields: Vec<String>,
}

fn nothing() -> String {
    "{}".to_owned()
}

#[tokio::test]
async fn the_lifecycle_requirements_hold() {
    hold(
        "S3",
        &(1..=21).collect::<Vec<_>>(),
        include_str!("../../cases/s3.toml"),
    )
    .await;
}

#[tokio::test]
async fn the_handler_requirements_hold() {
    let numbers: Vec<u32> = [1..=12, 14..=26].into_iter().flatten().collect();
    hold("S0", &numbers, include_str!("../../cases/s0.toml")).await;
}

#[tokio::test]
async fn the_queue_requirements_hold() {
    hold("S2", &[12, 13], include_str!("../../cases/s2.toml")).await;
}

#[tokio::test]
async fn the_agent_requirements_hold() {
    let numbers: Vec<u32> = [1..=3, 11..=17, 25..=25, 30..=43, 47..=48, 73..=76]
        .into_iter()
        .flatten()
        .collect();
    hold("S1", &numbers, include_str!("../../cases/s1.toml")).await;
}

/// Every requirement has a case, and every case holds.
async fn hold(seed: &str, numbers: &[u32], text: &str) {
    let table: Table = toml::from_str(text).expect("the table is well-formed");
    for number in numbers {
        let id = format!("{seed}-{number}");
        assert!(table.case.iter().any(|case| case.id == id), "{id} has no case");
    }
    let (alone, together): (Vec<_>, Vec<_>) = table
        .case
        .iter()
        .partition(|case| case.alone || case.handlers.is_some());
    for case in alone {
        run_all(&[case]).await;
    }
    run_all(&together).await;
}

async fn run_all(cases: &[&Case]) {
    let mut server = TestServer::start().await;
    server.history().others_act_too();
    for case in cases {
        println!("{}: {}", case.id, case.what);
        run(&mut server, case).await;
    }
    // No task shows the policy that its queue lends it.
    for queue in server.client().list_queues().await.unwrap().queues {
        server.history().limited(Queue {
            namespace: queue.namespace,
            name: queue.name,
            retry_policy: queue.retry_policy,
            ..Queue::default()
        });
    }
    server.finish().await;
}

async fn run(server: &mut TestServer, case: &Case) {
    let kind = server.database().kind().to_owned();
    let mut known = BTreeMap::from([("store_kind".to_owned(), kind)]);
    let mut stage = match &case.handlers {
        Some(handlers) => Some(handlers::Stage::start(handlers, server).await),
        None => None,
    };
    for (number, step) in case.step.iter().enumerate() {
        let place = format!("{} step {} ({})", case.id, number + 1, step.call);
        if step.call == "restart" {
            server.restart().await;
            continue;
        }
        let request = json(&fill(&step.send, &known), &place);
        let answer = match &mut stage {
            Some(stage) if ["hook", "log", "left"].contains(&step.call.as_str()) => {
                Ok(stage.answer(&step.call, &request))
            }
            Some(_) | None => wire::call_json(server.channel(), &step.call, &request).await,
        };
        match (answer, &step.answer, &step.error) {
            (Ok(answer), expected, None) => {
                if let Some(expected) = expected {
                    let expected = json(&fill(expected, &known), &place);
                    let differences = differences(&expected, &answer, "");
                    assert!(differences.is_empty(), "{place}: {differences:#?} in {answer:#}");
                }
                for (name, pointer) in &step.keep {
                    let kept = answer.pointer(pointer).and_then(Value::as_str);
                    let kept = kept.unwrap_or_else(|| panic!("{place}: no text at {pointer} in {answer:#}"));
                    known.insert(name.clone(), kept.to_owned());
                }
            }
            (Err(status), None, Some(expected)) => refused(&status, expected, &place),
            (Ok(answer), ..) => panic!("{place}: was to be refused, but answered {answer:#}"),
            (Err(status), ..) => panic!("{place}: {status:?}"),
        }
    }
}

fn json(text: &str, place: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{place}: {error} in {text}"))
}

/// Longer names first, so that none is taken for the beginning of another.
fn fill(text: &str, known: &BTreeMap<String, String>) -> String {
    let mut names: Vec<_> = known.keys().collect();
    names.sort_by_key(|name| std::cmp::Reverse(name.len()));
    names.iter().fold(text.to_owned(), |text, name| {
        text.replace(&format!("${name}"), &known[*name])
    })
}

/// Where the answer is not what the table says.
fn differences(expected: &Value, answer: &Value, path: &str) -> Vec<String> {
    match (expected, answer) {
        (Value::String(any), Value::Null) if any == "*" => vec![format!("{path}: is absent")],
        (Value::String(any), _) if any == "*" => Vec::new(),
        (Value::Object(fields), Value::Object(_)) => fields
            .iter()
            .flat_map(|(name, expected)| {
                let there = answer.get(name).cloned();
                // A payload is shown as it was sent: as a text or as a value.
                let there = there.or_else(|| match name.as_str() {
                    "json" => serde_json::from_str(answer.get("json_text")?.as_str()?).ok(),
                    _ => None,
                });
                differences(expected, &there.unwrap_or_default(), &format!("{path}/{name}"))
            })
            .collect(),
        (Value::Array(expected), Value::Array(there)) if expected.len() == there.len() => expected
            .iter()
            .zip(there)
            .enumerate()
            .flat_map(|(index, (expected, there))| differences(expected, there, &format!("{path}/{index}")))
            .collect(),
        (Value::Number(expected), Value::Number(there)) if expected.as_f64() == there.as_f64() => Vec::new(),
        (expected, there) if expected == there => Vec::new(),
        (expected, there) => vec![format!("{path}: {there}, not {expected}")],
    }
}

fn refused(status: &Status, expected: &Refused, place: &str) {
    let details = status.get_error_details();
    let info = details.error_info();
    let info = info.unwrap_or_else(|| panic!("{place}: no ErrorInfo in {status:?}"));
    assert_eq!(
        format!("{:?}", status.code()),
        camel(&expected.code),
        "{place}: {status:?}"
    );
    assert_eq!(info.reason, expected.reason, "{place}: {status:?}");
    assert_eq!(info.domain, "baton.dev", "{place}");
    for (key, value) in &expected.metadata {
        assert_eq!(
            info.metadata.get(key),
            Some(value),
            "{place}: {key} in {:?}",
            info.metadata
        );
    }
    let message = status.message().to_lowercase();
    for word in &expected.words {
        assert!(
            message.contains(&word.to_lowercase()),
            "{place}: {word:?} is not in {message:?}"
        );
    }
    let violations = details.bad_request().map(|bad| bad.field_violations.as_slice());
    let fields: Vec<_> = violations
        .unwrap_or_default()
        .iter()
        .map(|v| v.field.as_str())
        .collect();
    for field in &expected.fields {
        assert!(
            fields.contains(&field.as_str()),
            "{place}: {field} is not among {fields:?}"
        );
    }
}

/// `FAILED_PRECONDITION` as tonic's `FailedPrecondition`.
fn camel(code: &str) -> String {
    let words = code.split('_').map(|word| {
        let (first, rest) = word.split_at(1);
        format!("{first}{}", rest.to_lowercase())
    });
    words.collect()
}
