//! A server that cannot start says which, why, and what to do; and what else a newcomer meets first.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// Runs the binary to its end, in a folder of its own, away from the settings of whoever runs the tests.
fn baton(folder: &Path, arguments: &[&str]) -> Output {
    command(folder, arguments).output().unwrap()
}

fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_baton"));
    command.current_dir(folder).env_clear().args(arguments);
    command
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// What a start that is refused says.
fn refused(folder: &Path, arguments: &[&str]) -> String {
    let arguments = [&["serve", "--listen", "127.0.0.1:0"], arguments].concat();
    let ended = baton(folder, &arguments);
    assert_eq!(
        ended.status.code(),
        Some(1),
        "{arguments:?}: {}",
        text(&ended.stdout)
    );
    text(&ended.stderr)
}

#[test]
fn a_database_that_cannot_be_opened_is_named_with_the_next_step() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    fs::write(here.join("letter.db"), "dear all").unwrap();
    let table = [
        (
            "sqlite:letter.db",
            "file is not a database",
            "name another by --database",
        ),
        ("sqlite:.", "unable to open database file", "not of a folder"),
        (
            "sqlite:letter.db/x.db",
            "File exists",
            "a file is where the path needs a folder",
        ),
        (
            "postgres://me:secret@127.0.0.1:1/x",
            "Connection refused",
            "is a PostgreSQL running",
        ),
        (
            "postgres://127.0.0.1:1/x?sslmod=require",
            "\"sslmod\", which is not known",
            "allowed are sslmode",
        ),
    ];
    for (database, why, next) in table {
        let told = refused(here, &["--database", database]);
        assert!(told.contains(why) && told.contains(next), "{database}: {told}");
        assert!(told.contains("\n  database: "), "{told}");
        assert!(!told.contains("secret"), "{told}");
        assert_eq!(told.matches(why).count(), 1, "once is enough: {told}");
    }
}

#[test]
fn an_address_that_is_taken_is_named_with_the_next_step() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let folder = tempfile::tempdir().unwrap();
    let ended = baton(folder.path(), &["serve", "--listen", &address]);
    assert_eq!(ended.status.code(), Some(1));
    let told = text(&ended.stderr);
    assert!(
        told.contains(&format!("cannot listen on {address}"))
            && told.contains("127.0.0.1:0 takes a free one"),
        "{told}"
    );
    let ended = baton(folder.path(), &["serve", "--listen", "localhost:50051"]);
    assert_eq!(ended.status.code(), Some(2));
    assert!(text(&ended.stderr).contains("such as 127.0.0.1:50051"));
}

/// The secrets of webhooks and the keys of tokens are in it.
#[test]
fn a_new_sqlite_file_is_its_owners_alone() {
    let folder = tempfile::tempdir().unwrap();
    assert!(baton(folder.path(), &["migrate"]).status.success());
    let made = fs::metadata(folder.path().join("baton.db")).unwrap();
    assert_eq!(made.permissions().mode() & 0o777, 0o600);
    // Whoever gave it other permissions had a reason.
    fs::set_permissions(folder.path().join("baton.db"), fs::Permissions::from_mode(0o640)).unwrap();
    assert!(baton(folder.path(), &["migrate"]).status.success());
    let kept = fs::metadata(folder.path().join("baton.db")).unwrap();
    assert_eq!(kept.permissions().mode() & 0o777, 0o640);
}

/// docs/operations.md shows how far the schema of this version is.
#[test]
fn the_manual_shows_what_migrate_says() {
    let folder = tempfile::tempdir().unwrap();
    let said = text(&baton(folder.path(), &["migrate"]).stdout);
    let manual = include_str!("../../docs/operations.md");
    let schema = said.lines().nth(1).unwrap();
    assert!(
        manual.contains(&format!("\n{schema}\n")),
        "not in the manual: {schema}"
    );
}

#[test]
fn what_cannot_be_written_is_an_error_and_a_reader_who_has_seen_enough_is_none() {
    let folder = tempfile::tempdir().unwrap();
    for arguments in [&["config"][..], &["completions", "bash"], &["migrate"]] {
        let full = File::options().write(true).open("/dev/full").unwrap();
        let ended = command(folder.path(), arguments).stdout(full).output().unwrap();
        assert_eq!(ended.status.code(), Some(1), "{arguments:?}");
        let told = text(&ended.stderr);
        assert!(
            told.contains("error: cannot write the result"),
            "{arguments:?}: {told}"
        );
        // Nobody reads it: the pipe's other end is closed before anything is written.
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let ended = command(folder.path(), arguments).stdout(writer).output().unwrap();
        assert_eq!(
            ended.status.code(),
            Some(0),
            "{arguments:?}: {}",
            text(&ended.stderr)
        );
    }
}

#[test]
fn a_variable_that_is_nearly_a_setting_is_told_of() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = command(folder.path(), &["config"]);
    let ended = config
        .env("BATON_LISTN", "127.0.0.1:1")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(ended.status.success());
    assert!(text(&ended.stderr).contains("did you mean BATON_LISTEN?"));
}

/// It waits for its server, and says so: a wrong address looks like a quiet day otherwise.
#[test]
fn a_worker_that_cannot_reach_its_server_says_so_and_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(
        folder.path().join("baton.toml"),
        "[handlers.beat]\nkind = 'heartbeat'\n",
    )
    .unwrap();
    let arguments = ["worker", "--server", "127.0.0.1:1", "--call-timeout", "1s"];
    let mut child = command(folder.path(), &arguments)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap())
        .lines()
        .map_while(Result::ok);
    let told = lines.find(|line| line.contains("no task can be taken"));
    let goes_on = child.try_wait().unwrap().is_none();
    child.kill().unwrap();
    child.wait().unwrap();
    let told = told.expect("it says so before it ends");
    assert!(goes_on && told.contains("cannot be reached"), "{told}");
}
