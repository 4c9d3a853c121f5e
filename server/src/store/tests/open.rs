//! Opening: identity, lock, schema.

use std::path::PathBuf;

use sqlx::Executor as _;

use super::fixture::{Fixture, NOW, open, shell, url};
use crate::seams::Ids;
use crate::store::{DatabaseUrl, Opened, Store, StoreError, StoreOptions, dialect};

#[tokio::test]
async fn what_was_written_is_found_again() {
    let mut fixture = Fixture::new().await;
    let task = fixture.put(|new| new.namespace = "other".to_owned()).await;
    let (epoch, heads) = (fixture.store.epoch(), fixture.heads.clone());
    let token = fixture.store.keyring().encode(&crate::token::ResumeToken {
        epoch,
        namespace: "other".to_owned(),
        position: 2,
        filter_hash: crate::token::Digest::of(""),
        snapshot: None,
    });
    let (
        _folder,
        Opened {
            store, heads: found, ..
        },
    ) = fixture.reopen().await;
    assert_eq!(store.epoch(), epoch);
    assert!(
        store
            .keyring()
            .decode::<crate::token::ResumeToken>(&token)
            .is_ok()
    );
    assert_eq!(found, heads);
    assert_eq!(
        (found.position("other"), found.oldest("other"), found.last_time()),
        (2, 1, NOW)
    );
    assert_eq!((found.position("new"), found.oldest("new")), (0, 1));
    assert_eq!(store.task(task.id).await.unwrap(), Some(task));
    assert_eq!(store.namespaces().await.unwrap(), vec!["other".to_owned()]);
}

#[tokio::test]
async fn a_second_process_is_refused() {
    let fixture = Fixture::new().await;
    let error = open(&fixture.folder).await.unwrap_err();
    assert!(matches!(error, StoreError::InUse { .. }), "{error:?}");
    assert!(
        error
            .to_string()
            .contains("baton.db is in use by another baton process"),
        "{error}"
    );
    // As long as anybody still reads.
    let Fixture {
        folder,
        store,
        writer,
        ..
    } = fixture;
    drop(writer);
    assert!(matches!(
        open(&folder).await.unwrap_err(),
        StoreError::InUse { .. }
    ));
    drop(store);
    open(&folder).await.unwrap();
}

/// A link to the file is no other file.
#[cfg(unix)]
#[tokio::test]
async fn a_second_process_is_refused_by_any_name() {
    let fixture = Fixture::new().await;
    let DatabaseUrl::Sqlite(file) = url(&fixture.folder);
    let link = fixture.folder.path().join("link.db");
    std::os::unix::fs::symlink(file, &link).unwrap();
    let options = StoreOptions::new(Ids::seeded(1));
    let second = Store::open(&DatabaseUrl::Sqlite(link), &options).await;
    let error = second.unwrap_err();
    assert!(matches!(error, StoreError::InUse { .. }), "{error:?}");
}

/// What the writer's connection itself says of its settings.
#[tokio::test]
async fn the_writer_flushes_every_commit_of_a_write_ahead_log() {
    let mut fixture = Fixture::new().await;
    let told = "INSERT INTO store_meta (key, value) SELECT 'settings', \
         CAST(j.journal_mode || ' ' || s.synchronous || ' ' || sqlite_version() AS BLOB) \
         FROM pragma_journal_mode AS j, pragma_synchronous AS s;";
    assert_eq!(fixture.writer.run(told, |query| query).await.unwrap(), 1);
    let mut shell = shell(&fixture.folder).await;
    let settings: Vec<u8> = sqlx::query_scalar("SELECT value FROM store_meta WHERE key = 'settings'")
        .fetch_one(&mut shell)
        .await
        .unwrap();
    let settings = String::from_utf8(settings).unwrap();
    let [journal, synchronous, version] = settings.split(' ').collect::<Vec<_>>()[..] else {
        panic!("{settings}")
    };
    // 2 is FULL: a commit returns when it is on disk.
    assert_eq!((journal, synchronous), ("wal", "2"));
    assert!(dialect::is_new_enough(version), "{version}");
}

#[tokio::test]
async fn a_newer_schema_is_refused_and_nothing_is_changed() {
    let fixture = Fixture::new().await;
    let Fixture {
        folder,
        store,
        writer,
        ..
    } = fixture;
    drop((store, writer));
    let mut shell = shell(&folder).await;
    shell
        .execute("INSERT INTO seaql_migrations (version, applied_at) VALUES ('m29990101_000001_leases', 0)")
        .await
        .unwrap();
    shell.execute("DELETE FROM token_key").await.unwrap();
    let error = open(&folder).await.unwrap_err();
    let StoreError::SchemaTooNew { step } = &error else {
        panic!("{error:?}")
    };
    assert_eq!(step, "m29990101_000001_leases");
    let keys: i64 = sqlx::query_scalar("SELECT count(*) FROM token_key")
        .fetch_one(&mut shell)
        .await
        .unwrap();
    assert_eq!(keys, 0);
}

#[test]
fn versions_compare_by_number() {
    assert!(dialect::is_new_enough("3.51.3"));
    assert!(dialect::is_new_enough("3.100.0"));
    assert!(dialect::is_new_enough("4.0"));
    assert!(!dialect::is_new_enough("3.51.2"));
    assert!(!dialect::is_new_enough("3.9.9"));
    assert!(!dialect::is_new_enough("nonsense"));
}

#[test]
fn only_files_are_databases() {
    let parse = |text: &str| text.parse::<DatabaseUrl>();
    assert_eq!(
        parse("sqlite:baton.db").unwrap(),
        DatabaseUrl::Sqlite(PathBuf::from("baton.db"))
    );
    assert_eq!(
        parse("sqlite:///var/x.db").unwrap(),
        DatabaseUrl::Sqlite(PathBuf::from("/var/x.db"))
    );
    for wrong in ["", "sqlite:", "baton.db", "postgres://x", "sqlite::memory:"] {
        assert!(matches!(parse(wrong), Err(StoreError::Url(_))), "{wrong}");
    }
}
