//! Copies of a SQLite file that is in use, and servers on them.

use std::path::Path;

use baton_client::{NewTask, Reason, State};
use baton_tests::harness::TestServer;
use baton_tests::oracle::{Rule, Scope};
use tempfile::TempDir;
use tonic_types::StatusExt as _;

use crate::support::{get, queued, started};

fn all() -> baton_client::proto::WatchTasksRequest {
    baton_client::proto::WatchTasksRequest::default()
}

async fn with_backups() -> (TestServer, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_owned();
    let server = TestServer::start_with(|config| config.backup_folder = Some(path)).await;
    (server, folder)
}

/// A server that knows of tasks which nobody asked it for: the oracle has nothing to say.
async fn stop(mut server: TestServer) {
    server.stop().await;
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[tokio::test]
async fn a_copy_has_what_was_there_and_is_another_database() {
    let (server, folder) = with_backups().await;
    let client = server.client();
    let task = started(&server, NewTask::new("test").title("copied")).await;
    let watch = server.watch(all(), Scope::all()).await;
    watch.until(|messages| !messages.is_empty()).await;
    let (token, _) = watch.token();
    let epoch = server.ok(client.server_info()).await.epoch;
    let copy = server.ok(client.backup_store("monday.db")).await;
    let later = queued(&server).await;

    let path = folder.path().canonicalize().unwrap().join("monday.db");
    let file = std::fs::metadata(&path).unwrap();
    assert_eq!(
        (copy.path.as_str(), copy.size_bytes),
        (path.to_str().unwrap(), i64::try_from(file.len()).unwrap())
    );
    let ends: Vec<_> = copy
        .logs
        .iter()
        .map(|log| (log.namespace.as_str(), log.position))
        .collect();
    assert_eq!(ends, [("default", 4)]);
    assert_eq!(names(folder.path()), ["monday.db"]);
    assert_eq!(
        std::os::unix::fs::PermissionsExt::mode(&file.permissions()) & 0o777,
        0o600
    );

    let database = format!("sqlite:{}", path.display());
    let restored = TestServer::start_with(|config| config.database = database).await;
    let kept = get(&restored, &task.id).await;
    assert_eq!((kept.state(), kept.title.as_str()), (State::InProgress, "copied"));
    assert!(restored.client().get(&later.id).await.is_err());
    assert_ne!(restored.ok(restored.client().server_info()).await.epoch, epoch);
    // The token lies in the past of both; only the epoch tells them apart.
    let mut again = all();
    again.resume_token = token;
    let status = restored.try_watch(again, Scope::all()).await.unwrap_err();
    let reason = status.get_error_details().error_info().unwrap().reason.clone();
    assert_eq!(reason, Reason::ResumeTokenForeign.as_str());
    restored.ok(restored.client().complete(&task.id)).await;
    stop(restored).await;
    drop(watch);
    server.finish().await;
}

#[tokio::test]
async fn a_file_that_is_there_is_left_alone_and_names_lead_nowhere_else() {
    let (server, folder) = with_backups().await;
    let client = server.client();
    std::fs::write(folder.path().join("mine.db"), "mine").unwrap();
    // What a crash has left is no obstacle.
    std::fs::write(folder.path().join(".new.db.part"), "half").unwrap();
    let refusal = server.refused(client.backup_store("mine.db")).await;
    assert_eq!(refusal.reason, Reason::BackupExists);
    assert_eq!(std::fs::read(folder.path().join("mine.db")).unwrap(), b"mine");
    for wrong in ["", "../a.db", "/tmp/a.db", ".hidden", "..", "-a", "A.db", "a/b"] {
        let refusal = server.refused(client.backup_store(wrong)).await;
        assert_eq!(refusal.reason, Reason::InvalidField, "{wrong:?}");
    }
    server.ok(client.backup_store("new.db")).await;
    assert_eq!(names(folder.path()), ["mine.db", "new.db"]);
    server.finish().await;
}

#[tokio::test]
async fn without_a_folder_nothing_is_copied() {
    let server = TestServer::start().await;
    let refusal = server.refused(server.client().backup_store("a.db")).await;
    assert_eq!(refusal.reason, Reason::BackupOff);
    assert!(refusal.message.contains("backup_folder"), "{}", refusal.message);
    server.finish().await;
}

/// A disk that is not mounted is no outage of the store: nobody tries again.
#[tokio::test]
async fn a_folder_that_is_not_there_takes_no_copies() {
    let (server, folder) = with_backups().await;
    folder.close().unwrap();
    let refusal = server.refused(server.client().backup_store("a.db")).await;
    assert_eq!(refusal.reason, Reason::BackupOff);
    assert!(refusal.message.contains("is not there"), "{}", refusal.message);
    server.finish().await;
}

/// The writer goes on while a copy is made, and the copy is one moment of it: its logs have no gap.
#[tokio::test]
async fn a_copy_of_a_busy_database_is_whole() {
    let (server, folder) = with_backups().await;
    let client = server.client();
    let creates = async {
        for _ in 0..100 {
            queued(&server).await;
        }
    };
    let copies = async {
        for copy in ["a", "b", "c"] {
            server.ok(client.backup_store(copy)).await;
        }
    };
    tokio::join!(creates, copies);
    for copy in ["a", "b", "c"] {
        let database = format!("sqlite:{}", folder.path().join(copy).display());
        let restored = TestServer::start_with(|config| config.database = database).await;
        let evidence = restored.evidence(&[]).await;
        let findings = baton_tests::oracle::check(&evidence);
        // What was asked for is in the record of the other server; all else holds.
        let wrong: Vec<_> = findings
            .iter()
            .filter(|found| found.rule != Rule::Trace)
            .collect();
        assert!(wrong.is_empty(), "{wrong:?}");
        stop(restored).await;
    }
    server.finish().await;
}
