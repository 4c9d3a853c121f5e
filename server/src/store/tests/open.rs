//! Opening: identity, lock, schema.

use std::path::PathBuf;

use baton_test_database::TestDatabase;

use super::fixture::{Fixture, NOW, open};
use crate::seams::Ids;
use crate::store::dialect::sqlite::OLDEST_VERSION as OLDEST;
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
        _database,
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
async fn a_second_process_on_a_sqlite_file_is_refused() {
    let fixture = Fixture::new().await;
    let error = open(&fixture.database).await.unwrap_err();
    assert!(matches!(error, StoreError::InUse { .. }), "{error:?}");
    assert!(
        error
            .to_string()
            .contains("baton.db is in use by another baton process"),
        "{error}"
    );
    // As long as anybody still reads.
    let Fixture {
        database,
        store,
        writer,
        ..
    } = fixture;
    drop(writer);
    assert!(matches!(
        open(&database).await.unwrap_err(),
        StoreError::InUse { .. }
    ));
    drop(store);
    open(&database).await.unwrap();
}

/// A link to the file is no other file.
#[cfg(unix)]
#[tokio::test]
async fn a_second_process_on_a_sqlite_file_is_refused_by_any_name() {
    let fixture = Fixture::new().await;
    let link = fixture.database.folder().join("link.db");
    std::os::unix::fs::symlink(fixture.database.file(), &link).unwrap();
    let options = StoreOptions::new(Ids::seeded(1));
    let second = Store::open(&DatabaseUrl::Sqlite(link), &options).await;
    let error = second.unwrap_err();
    assert!(matches!(error, StoreError::InUse { .. }), "{error:?}");
}

/// What the writer's connection itself says of its settings.
#[tokio::test]
async fn a_sqlite_writer_flushes_every_commit_of_a_write_ahead_log() {
    let mut fixture = Fixture::new().await;
    let told = "INSERT INTO store_meta (key, value) SELECT 'settings', \
         CAST(j.journal_mode || ' ' || s.synchronous || ' ' || sqlite_version() AS BLOB) \
         FROM pragma_journal_mode AS j, pragma_synchronous AS s;";
    assert_eq!(fixture.writer.run(told, &[]).await.unwrap(), 1);
    let mut shell = fixture.shell().await;
    let settings = shell
        .bytes("SELECT value FROM store_meta WHERE key = 'settings'")
        .await;
    let settings = String::from_utf8(settings.unwrap()).unwrap();
    let [journal, synchronous, version] = settings.split(' ').collect::<Vec<_>>()[..] else {
        panic!("{settings}")
    };
    // 2 is FULL: a commit returns when it is on disk.
    assert_eq!((journal, synchronous), ("wal", "2"));
    assert!(dialect::is_new_enough(version, OLDEST), "{version}");
}

#[tokio::test]
async fn the_folder_of_a_sqlite_file_is_made() {
    let database = TestDatabase::new();
    let deep = database.folder().join("not/there/yet.db");
    let options = StoreOptions::new(Ids::seeded(1));
    Store::open(&DatabaseUrl::Sqlite(deep.clone()), &options)
        .await
        .unwrap();
    assert!(deep.is_file());
}

#[test]
fn versions_of_databases_compare_by_number() {
    assert!(dialect::is_new_enough("3.51.3", OLDEST));
    assert!(dialect::is_new_enough("3.100.0", OLDEST));
    assert!(dialect::is_new_enough("4.0", OLDEST));
    assert!(!dialect::is_new_enough("3.51.2", OLDEST));
    assert!(!dialect::is_new_enough("3.9.9", OLDEST));
    assert!(!dialect::is_new_enough("nonsense", OLDEST));
    assert!(dialect::is_new_enough("15.18 (Debian 15.18-0+deb12u1)", "14.0"));
    assert!(!dialect::is_new_enough("13.9", "14.0"));
}

#[test]
fn only_files_are_databases() {
    let parse = |text: &str| text.parse::<DatabaseUrl>();
    assert!(parse("postgres://me@host/db?sslmode=require&options[jit]=on").is_ok());
    let Err(refused) = parse("postgres://me@host/db?sslmod=s3cret") else {
        panic!("a parameter that is not known says nothing")
    };
    assert!(refused.to_string().contains("sslmod"), "{refused}");
    assert!(!refused.to_string().contains("s3cret"), "{refused}");
    assert_eq!(
        parse("sqlite:baton.db").unwrap(),
        DatabaseUrl::Sqlite(PathBuf::from("baton.db"))
    );
    assert_eq!(
        parse("sqlite:///var/x.db").unwrap(),
        DatabaseUrl::Sqlite(PathBuf::from("/var/x.db"))
    );
    for wrong in [
        "",
        "sqlite:",
        "baton.db",
        "mysql://x",
        "postgres://[",
        "sqlite::memory:",
    ] {
        assert!(matches!(parse(wrong), Err(StoreError::Url(_))), "{wrong}");
    }
}
