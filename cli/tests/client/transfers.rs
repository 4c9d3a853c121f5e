//! `baton export` and `baton import`.

use std::process::Output;

use crate::support::{Server, text};

fn stdout(output: &Output) -> String {
    text(&output.stdout)
}

fn stderr(output: &Output) -> String {
    text(&output.stderr)
}

#[test]
fn a_namespace_goes_from_one_server_to_another() {
    let source = Server::start();
    for title in ["first", "second"] {
        source.create(&["report", "--title", title, "--namespace", "team"]);
    }
    let file = source.folder().join("team.baton");
    let file = file.to_str().unwrap();
    let exported = source.run(&["export", "--namespace", "team", file]);
    assert!(exported.status.success(), "{}", stderr(&exported));
    let bytes = std::fs::metadata(file).unwrap();
    assert_eq!(stdout(&exported), format!("{file} ({} bytes)\n", bytes.len()));
    assert_eq!(
        std::os::unix::fs::PermissionsExt::mode(&bytes.permissions()) & 0o777,
        0o600
    );
    let again = source.run(&["export", "--namespace", "team", file]);
    assert_eq!(again.status.code(), Some(2));
    assert!(stderr(&again).contains("is there already"), "{}", stderr(&again));

    let target = Server::start();
    let imported = target.run(&["import", file]);
    assert!(imported.status.success(), "{}", stderr(&imported));
    assert_eq!(
        stdout(&imported),
        "namespace team: 2 tasks, 4 events, 0 runs, 0 queues, 0 task types, 0 schedules, 0 webhooks\n"
    );
    let listed = target.run(&["task", "list", "--namespace", "team"]);
    assert!(stdout(&listed).contains("first") && stdout(&listed).contains("second"));
    let twice = target.run(&["import", file]);
    assert_eq!(twice.status.code(), Some(1));
    assert!(
        stderr(&twice).contains("IMPORT_TARGET_IN_USE"),
        "{}",
        stderr(&twice)
    );

    let third = Server::start();
    let answer = third.json(&["import", "--namespace", "other", file]);
    assert_eq!(
        (&answer["namespace"], &answer["counts"]["tasks"]),
        (&"other".into(), &"2".into())
    );
    std::fs::write(file, "nothing of it").unwrap();
    let broken = third.run(&["import", "--namespace", "more", file]);
    assert_eq!(broken.status.code(), Some(2));
    assert!(stderr(&broken).contains("ARCHIVE_INVALID"), "{}", stderr(&broken));
    let missing = third.run(&["import", "nowhere.baton"]);
    assert!(
        stderr(&missing).contains("nowhere.baton cannot be read"),
        "{}",
        stderr(&missing)
    );
}
