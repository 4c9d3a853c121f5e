//! `process`: what a program gets, and what becomes of what it says.

use baton_client::NewTask;
use serde_json::{Value, json};

use super::{Handlers, Place, done, error, output};
use crate::workers::server;

#[tokio::test]
async fn a_program_gets_its_payload_and_what_it_prints_is_the_result() {
    let server = server().await;
    let place = Place::new();
    place.program("by-file", "#!/bin/sh\nstat -c %a \"$2\" >&2\ncat \"$2\"");
    place.program("told", "#!/bin/sh\nname=${2##*/}\nprintf '[\"%s\", \"%s\", %d, \"%s\"]' \"$1\" \"${name%-*-*-*-*-*}\" $# \"$(stat -c %a \"$2\")\"");
    place.program(
        "by-stdin",
        "#!/bin/sh\nprintf '{\"count\": %d, \"got\": %s}' $# \"$(cat)\"",
    );
    let runner = place.runner(
        "[programs.by-file]\ncommand = ['$folder/by-file']\nenvironment = ['PATH']\n\
         [programs.told]\ncommand = ['$folder/told', ]\nenvironment = ['PATH']\n\
         [programs.by-stdin]\ncommand = ['$folder/by-stdin', '--all']\npayload = 'stdin'\nenvironment = ['PATH']\n\
         [handlers.doc-sync]\nkind = 'process'\nprogram = 'by-file'\nconfig = { docsPath = 'docs', depth = 2 }\n\
         [handlers.told]\nkind = 'process'\nprogram = 'told'\n\
         [handlers.stdin]\nkind = 'process'\nprogram = 'by-stdin'\n",
    );
    let handlers = Handlers::start(&server, runner);
    // Numbers as they were written, and the order of fields.
    let exact = r#"{"z":12345678901234567890123456789,"a":[1.10,null]}"#;
    let exact = NewTask::new("doc-sync").input_payload(baton_client::value::json_text(exact));
    let task = done(&server, exact).await;
    let text = format!("{:?}", task.output.as_ref().unwrap());
    assert!(
        text.contains(r#"\"input\":{\"z\":12345678901234567890123456789,\"a\":[1.10,null]}"#),
        "{text}"
    );
    let result = output(&task);
    assert_eq!(result["agentResult"]["type"], "doc-sync");
    assert_eq!(
        result["agentResult"]["config"],
        json!({ "docsPath": "docs", "depth": 2 })
    );
    assert!(result["durationMs"].is_u64());

    let told = output(&done(&server, NewTask::new("told")).await);
    assert_eq!(
        told["agentResult"],
        json!(["--payload", "payload-told", 2, "600"])
    );

    let task = done(&server, NewTask::new("stdin").input_json(&json!([1]))).await;
    assert_eq!(
        output(&task)["agentResult"],
        json!({ "count": 1, "got": { "type": "stdin", "input": [1], "config": {} } })
    );
    handlers.stop().await;
    assert_eq!(place.left(), Vec::<String>::new());
    server.finish().await;
}

#[tokio::test]
async fn what_a_program_does_not_say_well_is_an_error_of_its_task() {
    let server = server().await;
    let place = Place::new();
    place.program(
        "fails",
        "#!/bin/sh\necho first >&2\necho 'no such page' >&2\necho '{}'\nexit 3",
    );
    place.program("aborts", "#!/bin/sh\nkill -ABRT $$");
    place.program("garbled", "#!/bin/sh\necho 'done: {}'");
    place.program("silent", "#!/bin/sh");
    place.program("binary", "#!/bin/sh\nprintf '\"\\377\\376\"'");
    place.program("broken", "#!/nonexistent/interpreter");
    place.program("reads-nothing", "#!/bin/sh\nexec <&-\necho '\"well\"'");
    let mut text = String::new();
    for name in [
        "fails",
        "aborts",
        "garbled",
        "silent",
        "binary",
        "broken",
        "reads-nothing",
    ] {
        text += &format!(
            "[programs.{name}]\ncommand = ['$folder/{name}']\npayload = 'stdin'\n\
             [handlers.{name}]\nkind = 'process'\nprogram = '{name}'\n"
        );
    }
    let handlers = Handlers::start(&server, place.runner(&text));
    let big = json!("x".repeat(900_000));
    let task = done(&server, NewTask::new("fails").input_json(&big)).await;
    let details = task.error.clone().unwrap().details.unwrap();
    assert_eq!(
        baton_client::value::from_struct(&details),
        json!({ "exitCode": 3 })
    );
    assert_eq!(
        error(&task),
        (
            "PROGRAM_FAILED".to_owned(),
            "the program ended with exit code 3: no such page".to_owned()
        )
    );
    for (name, code, words) in [
        ("aborts", "PROGRAM_KILLED", "signal 6"),
        ("garbled", "OUTPUT_NOT_JSON", "expected value at line 1 column 1"),
        ("silent", "OUTPUT_NOT_JSON", "EOF while parsing a value"),
        ("binary", "OUTPUT_NOT_JSON", "line 1"),
        ("broken", "PROGRAM_NOT_STARTED", "No such file"),
    ] {
        let (found, message) = error(&done(&server, NewTask::new(name)).await);
        assert_eq!(found, code, "{name}: {message}");
        assert!(message.contains(words), "{name}: {message}");
    }
    // Whether it reads its payload is the program's business.
    let task = done(&server, NewTask::new("reads-nothing").input_json(&big)).await;
    assert_eq!(output(&task)["agentResult"], "well");
    handlers.stop().await;
    assert_eq!(place.left(), Vec::<String>::new());
    server.finish().await;
}

#[tokio::test]
async fn a_handler_looks_at_its_configuration_first() {
    let server = server().await;
    let place = Place::new();
    place.program("echo", "#!/bin/sh\ncat \"$2\"");
    let runner = place.runner(
        "[programs.echo]\ncommand = ['$folder/echo']\nenvironment = ['PATH']\n\
         [handlers.doc-sync]\nkind = 'process'\nprogram = 'echo'\nrequires = ['docsPath', 'logsDir']\nconfig = { logsDir = 'logs' }\n\
         [handlers.none]\nkind = 'process'\n",
    );
    let handlers = Handlers::start(&server, runner);
    let missing = |field: &str| ("CONFIG_MISSING".to_owned(), format!("Config missing: {field}"));
    for input in [Value::Null, json!({}), json!({ "docsPath": null }), json!([1])] {
        let task = done(&server, NewTask::new("doc-sync").input_json(&input)).await;
        assert_eq!(error(&task), missing("docsPath"), "{input}");
        assert!(task.error.unwrap().non_retryable);
    }
    let task = done(
        &server,
        NewTask::new("doc-sync").input_json(&json!({ "docsPath": "docs" })),
    )
    .await;
    assert_eq!(output(&task)["agentResult"]["config"]["logsDir"], "logs");
    assert_eq!(
        error(&done(&server, NewTask::new("none")).await),
        missing("program")
    );
    handlers.stop().await;
    server.finish().await;
}
