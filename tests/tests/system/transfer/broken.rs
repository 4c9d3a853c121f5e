//! Archives that are damaged, changed, or none.

use baton_client::proto::{ArchiveEnd, ArchiveRecord, archive_record::Record};
use baton_client::{NewTask, Reason, Refusal};
use baton_tests::harness::TestServer;
use prost::Message as _;
use sha2::{Digest as _, Sha256};

use super::filled::fill;
use super::{exported, here, imported, on_a_file, refused, seen};

/// The records of an archive.
fn records(mut archive: &[u8]) -> Vec<ArchiveRecord> {
    let mut records = Vec::new();
    while !archive.is_empty() {
        records.push(ArchiveRecord::decode_length_delimited(&mut archive).unwrap());
    }
    records
}

/// An archive of these records, whose last one says what it is to say of them.
fn archive(mut records: Vec<ArchiveRecord>) -> Vec<u8> {
    let last = records.pop();
    let mut bytes: Vec<u8> = records
        .iter()
        .flat_map(ArchiveRecord::encode_length_delimited_to_vec)
        .collect();
    let Some(ArchiveRecord {
        record: Some(Record::End(end)),
    }) = last
    else {
        panic!("the last record is the end");
    };
    let end = ArchiveEnd {
        sha256: Sha256::digest(&bytes).to_vec().into(),
        ..end
    };
    let end = ArchiveRecord {
        record: Some(Record::End(end)),
    };
    bytes.extend(end.encode_length_delimited_to_vec());
    bytes
}

/// Changes the records, and lets the archive say that they are as they should be.
fn changed(whole: &[u8], change: impl FnOnce(&mut Vec<ArchiveRecord>)) -> Vec<u8> {
    let mut all = records(whole);
    change(&mut all);
    archive(all)
}

/// The first record of a kind.
macro_rules! first {
    ($records:expr, $kind:ident) => {
        $records
            .iter_mut()
            .find_map(|record| match &mut record.record {
                Some(Record::$kind(it)) => Some(it),
                _ => None,
            })
            .unwrap()
    };
}

async fn invalid(target: &TestServer, broken: &[u8], says: &str) -> Refusal {
    let refusal = refused(target.client(), "", broken).await;
    assert_eq!(refusal.reason, Reason::ArchiveInvalid, "{says}: {refusal:?}");
    assert!(refusal.message.contains(says), "{says}: {}", refusal.message);
    assert!(refusal.metadata.contains_key("record") && refusal.metadata.contains_key("offset"));
    refusal
}

#[tokio::test]
async fn what_is_no_whole_archive_leaves_nothing_behind() {
    let (source, _folder) = on_a_file().await;
    fill(source.client()).await;
    let whole = exported(source.client(), "default").await;
    assert_eq!(
        archive(records(&whole)),
        whole,
        "others read and write it as the server does"
    );
    let target = here().await;
    invalid(&target, b"", "cut off").await;
    invalid(&target, b"tasks, please", "").await;
    let half = invalid(&target, &whole[..whole.len() / 2], "cut off").await;
    let offset: usize = half.metadata["offset"].parse().unwrap();
    assert!(offset > 0 && offset < whole.len() / 2);
    let without_end = whole.len()
        - records(&whole)
            .last()
            .unwrap()
            .encode_length_delimited_to_vec()
            .len();
    invalid(&target, &whole[..without_end], "cut off").await;
    let mut more = whole.clone();
    more.push(0);
    invalid(&target, &more, "follows the last record").await;
    // Wherever a byte is another one, it is noticed.
    for place in (0..whole.len()).step_by(whole.len() / 20) {
        let mut flipped = whole.clone();
        flipped[place] ^= 1;
        invalid(&target, &flipped, "").await;
    }
    let newer = changed(&whole, |records| first!(records, Header).format = 2);
    let refusal = refused(target.client(), "", &newer).await;
    assert_eq!(refusal.reason, Reason::ArchiveTooNew);
    let name = refused(target.client(), "No Name", &whole).await;
    assert_eq!(name.reason, Reason::InvalidField);

    // After all that: nothing is there, and the whole one goes in.
    assert_eq!(target.client().list().await.unwrap().tasks, []);
    imported(target.client(), "", &whole).await.unwrap();
    assert_eq!(seen(target.client()).await, seen(source.client()).await);
    target.finish().await;
    source.finish().await;
}

/// The checksum is right: whoever changes an archive can compute it.
#[tokio::test]
async fn what_contradicts_itself_leaves_nothing_behind() {
    let (source, _folder) = on_a_file().await;
    fill(source.client()).await;
    let whole = exported(source.client(), "default").await;
    let target = here().await;
    let wrong = async |says: &str, change: &dyn Fn(&mut Vec<ArchiveRecord>)| {
        let broken = changed(&whole, change);
        invalid(&target, &broken, says).await
    };
    let is_event = |record: &ArchiveRecord| matches!(record.record, Some(Record::Event(_)));
    wrong("second header", &|all| all.insert(1, all[0].clone())).await;
    wrong("no header", &|all| drop(all.remove(0))).await;
    wrong("name of a namespace", &|all| {
        first!(all, Header).namespace = "No Name".into()
    })
    .await;
    wrong("counts", &|all| {
        let key = all
            .iter()
            .position(|record| matches!(record.record, Some(Record::Key(_))));
        all.remove(key.unwrap());
    })
    .await;
    wrong("hash", &|all| {
        first!(all, Payload).payload.as_mut().unwrap().body = Some("other".into());
    })
    .await;
    wrong("CREATED event", &|all| {
        let event = all.iter().position(is_event).unwrap();
        all.remove(event);
    })
    .await;
    wrong("positions of events do not rise", &|all| {
        first!(all, Event).position = 1_000_000
    })
    .await;
    wrong("clock has yet to reach", &|all| {
        let last = all.iter_mut().rev().find_map(|record| match &mut record.record {
            Some(Record::Event(event)) => Some(event),
            _ => None,
        });
        last.unwrap().time_micros = i64::MAX;
    })
    .await;
    wrong("state", &|all| first!(all, Event).to_state = 77).await;
    wrong("not in the archive", &|all| {
        first!(all, Run).task_id = vec![7; 16].into()
    })
    .await;
    wrong("id cannot be read", &|all| {
        first!(all, Task).id = vec![7; 3].into()
    })
    .await;
    wrong("body", &|all| first!(all, Task).body = vec![255; 9].into()).await;
    // What only the database notices.
    wrong("does not take", &|all| {
        first!(all, QueueKey).leased = -1;
    })
    .await;
    wrong("NUL", &|all| first!(all, Event).message = "a\0b".into()).await;
    assert_eq!(target.client().list().await.unwrap().tasks, []);
    // The server goes on as if nothing had been.
    target.ok(target.client().create(NewTask::new("test"))).await;
    target.finish().await;
    source.finish().await;
}
