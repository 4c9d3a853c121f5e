//! Servers that end while a namespace comes in, and callers that go away.

use baton_client::{Client, NewTask, Reason};
use baton_tests::harness::{Process, TestDatabase};
use bytes::Bytes;
use futures::stream;
use rand::{Rng as _, SeedableRng as _, rngs::StdRng};

use super::{exported, here, imported, on_a_file, refused};

const TASKS: usize = 2_000;

async fn many(client: &Client, count: usize) {
    for _ in 0..count / 1_000 {
        let tasks = (0..1_000).map(|_| NewTask::new("test"));
        client.batch_create(tasks).await.unwrap();
    }
}

/// Whenever it is killed, all of it is there or nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_leaves_all_or_nothing() {
    let (mut source, _folder) = on_a_file().await;
    many(source.client(), TASKS).await;
    let archive = exported(source.client(), "default").await;
    let database = TestDatabase::new();
    let mut random = StdRng::seed_from_u64(18);
    let mut is_there = false;
    for _ in 0..6 {
        let process = Process::start(&database, |_| {}).unwrap();
        let client = process.client();
        let import = async { imported(&client, "", &archive).await };
        let moment = std::time::Duration::from_millis(random.random_range(0..300));
        let kill = tokio::task::spawn_blocking(move || {
            // The moment of the crash is random.
            std::thread::park_timeout(moment);
            process.kill();
        });
        let (answer, killed) = tokio::join!(import, kill);
        killed.unwrap();
        let again = Process::start(&database, |_| {}).unwrap();
        let tasks = again.client().stats().await.unwrap().total;
        assert!(
            tasks == 0 || tasks == i64::try_from(TASKS).unwrap(),
            "{tasks} tasks"
        );
        is_there = tasks > 0;
        assert!(is_there || answer.is_err(), "what was acknowledged is there");
        if is_there {
            break;
        }
    }
    let process = Process::start(&database, |_| {}).unwrap();
    if is_there {
        let refusal = refused(&process.client(), "", &archive).await;
        assert_eq!(refusal.reason, Reason::ImportTargetInUse);
    } else {
        imported(&process.client(), "", &archive).await.unwrap();
    }
    let whole = process.client().stats().await.unwrap().total;
    assert_eq!(whole, i64::try_from(TASKS).unwrap());
    process.kill();
    source.stop().await;
}

/// A caller that goes away in the middle of its archive has asked for nothing.
#[tokio::test]
async fn half_an_archive_is_none() {
    let (mut source, _folder) = on_a_file().await;
    many(source.client(), 1_000).await;
    let archive = exported(source.client(), "default").await;
    let mut target = here().await;
    let half = Bytes::copy_from_slice(&archive[..archive.len() / 2]);
    let (sent, taken) = tokio::sync::oneshot::channel::<()>();
    let pieces = stream::unfold((Some(half), Some(sent)), |(half, sent)| async move {
        if let Some(half) = half {
            return Some((half, (None, sent)));
        }
        // Asked for more: the first half is on its way.
        drop(sent);
        std::future::pending().await
    });
    tokio::select! {
        answer = target.client().import_namespace("", pieces) => panic!("{answer:?}"),
        _ = taken => {}
    }
    assert_eq!(target.client().list().await.unwrap().tasks, []);
    imported(target.client(), "", &archive).await.unwrap();
    let whole = target.client().stats().await.unwrap().total;
    assert_eq!(whole, 1_000);
    target.stop().await;
    source.stop().await;
}
