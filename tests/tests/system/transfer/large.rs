//! Many tasks, while the servers serve.

use baton_client::NewTask;
use futures::TryStreamExt as _;

use super::{exported, here, imported, on_a_file};

/// The archive is of one moment: a batch of creates is in it whole or not at all.
#[tokio::test]
async fn an_archive_is_of_one_moment() {
    let (source, _folder) = on_a_file().await;
    let target = here().await;
    let creates = async {
        for _ in 0..40 {
            let pair = [NewTask::new("a"), NewTask::new("b")];
            source.client().batch_create(pair).await.unwrap();
        }
    };
    let exports = async {
        let mut archives = Vec::new();
        for _ in 0..4 {
            archives.push(exported(source.client(), "default").await);
        }
        archives
    };
    let ((), archives) = tokio::join!(creates, exports);
    let archive = archives.last().unwrap();
    let counts = imported(target.client(), "", archive)
        .await
        .unwrap()
        .counts
        .unwrap();
    assert_eq!((counts.tasks % 2, counts.events), (0, counts.tasks * 2));
    let listed: Vec<_> = target.client().list().all().try_collect().await.unwrap();
    assert_eq!(listed.len(), usize::try_from(counts.tasks).unwrap());
    target.finish().await;
    source.finish().await;
}
