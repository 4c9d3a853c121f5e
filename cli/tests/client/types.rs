//! Task types, from the first look to the last.

use crate::support::{Server, text};

#[test]
fn a_type_is_registered_shown_edited_and_forgotten() {
    let server = Server::start();
    let schema = r#"{"type": "object", "required": ["url"]}"#;
    let register = [
        "type",
        "register",
        "rss-sweep",
        "--input-schema",
        schema,
        "--queue",
        "feeds",
        "--max-attempts",
        "5",
    ];
    let registered = server.json(&register);
    assert_eq!(
        (
            registered["queue"].as_str(),
            registered["inputSchema"]["required"][0].as_str()
        ),
        (Some("feeds"), Some("url"))
    );
    // As a worker does at each start.
    assert_eq!(server.json(&register)["etag"], registered["etag"]);
    let refused = server.run(&["task", "create", "rss-sweep", "--input", "{}"]);
    let told = text(&refused.stderr);
    assert!(
        told.contains("Config missing: url") && told.contains("SCHEMA_VIOLATION"),
        "{told}"
    );
    let made = server.json(&["task", "create", "rss-sweep", "--input", r#"{"url": "x"}"#]);
    assert_eq!(made["queue"], "feeds");

    server.ok(&["type", "register", "heartbeat", "--exposure", "internal"]);
    let rows = server.ok(&["type", "list"]);
    assert!(rows.contains("INTERNAL") && rows.contains("feeds"), "{rows}");
    let refused = server.run(&["task", "create", "heartbeat"]);
    assert!(
        text(&refused.stderr).contains("TYPE_INTERNAL"),
        "{}",
        text(&refused.stderr)
    );

    let etag = registered["etag"].as_str().unwrap();
    let update = [
        "type",
        "update",
        "rss-sweep",
        "--description",
        "reads feeds",
        "--etag",
        etag,
    ];
    assert_eq!(server.json(&update)["description"], "reads feeds");
    assert_eq!(server.run(&update).status.code(), Some(1));
    let sheet = server.ok(&["type", "get", "rss-sweep"]);
    assert!(
        sheet.contains("reads feeds") && sheet.contains(r#""required":["url"]"#),
        "{sheet}"
    );
    server.ok(&["type", "delete", "rss-sweep"]);
    let gone = server.run(&["type", "get", "rss-sweep"]);
    assert!(
        text(&gone.stderr).contains("(TASK_TYPE_NOT_FOUND)"),
        "{}",
        text(&gone.stderr)
    );
}
