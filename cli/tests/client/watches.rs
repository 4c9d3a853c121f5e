//! `baton watch` where there is no terminal: JSON lines, over restarts of the server.

use std::process::{Command, Stdio};

use crate::support::{Running, Server, text};

#[test]
fn a_watch_tells_every_event_once_over_a_restart() {
    let mut server = Server::start();
    let id = server.create(&["a"]);
    let mut watch = Running::start(server.command(&["watch"]));
    let snapshot = watch.next().unwrap();
    assert_eq!(snapshot["tasks"][0]["id"], id.as_str());
    assert_eq!(watch.next().unwrap()["snapshotComplete"], true);

    server.ok(&["task", "start", &id]);
    server.restart();
    server.ok(&["task", "progress", &id, "50"]);
    server.ok(&["task", "complete", &id]);

    let mut sequences = Vec::new();
    let mut token = None;
    loop {
        let message = watch.next().unwrap();
        token = message["resumeToken"].as_str().map(str::to_owned).or(token);
        for event in message["events"].as_array().into_iter().flatten() {
            sequences.push(event["sequence"].as_str().unwrap().parse::<i64>().unwrap());
        }
        if sequences.last() == Some(&6) {
            break;
        }
    }
    // CREATED and QUEUED came in the snapshot; then ASSIGNED, STARTED, PROGRESS, COMPLETED.
    assert_eq!(sequences, [3, 4, 5, 6]);

    // Another program goes on where this one stopped: nothing of what was told comes again.
    server.ok(&["task", "comment", &id, "after all"]);
    let mut resumed = Running::start(server.command(&["watch", "--resume", &token.unwrap()]));
    let first = std::iter::from_fn(|| resumed.next())
        .find(|message| message["events"].is_array())
        .unwrap();
    assert_eq!(first["events"][0]["message"], "after all");
}

#[test]
fn a_watch_of_one_task_ends_with_it() {
    let server = Server::start();
    let id = server.create(&["a"]);
    let watch = Running::start(server.command(&["watch", &id, "--output", "table"]));
    server.ok(&["task", "cancel", &id]);
    let (lines, code) = watch.rest();
    assert_eq!(code, Some(0));
    assert!(lines.last().unwrap().contains("CANCELLED"), "{lines:?}");
}

#[test]
fn a_reader_that_has_seen_enough_is_no_failure() {
    let server = Server::start();
    let id = server.create(&["a"]);
    let mut child = server
        .command(&["watch", "--output", "table"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // The watch stands when its first line is there; then nobody reads on.
    let mut stdout = std::io::BufReader::new(child.stdout.take().unwrap());
    std::io::BufRead::read_line(&mut stdout, &mut String::new()).unwrap();
    drop(stdout);
    server.ok(&["task", "cancel", &id]);
    let output = child.wait_with_output().unwrap();
    assert_eq!(
        (output.status.code(), text(&output.stderr)),
        (Some(0), String::new())
    );
}

#[test]
fn completions_are_scripts_that_shells_take() {
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_baton"))
        .args(["completions", "bash"])
        .output()
        .unwrap();
    assert!(output.status.success());
    let file = folder.path().join("baton.bash");
    std::fs::write(&file, &output.stdout).unwrap();
    assert!(text(&output.stdout).contains("request-input"));
    // Where there is no bash, nobody completes with it.
    if let Ok(status) = Command::new("bash").arg("-n").arg(&file).status() {
        assert!(status.success());
    }
}
