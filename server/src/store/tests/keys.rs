//! Keys that tell tasks from others.

use baton_domain::dedup::Hold;
use baton_domain::{Span, TaskId, Timestamp};
use uuid::Uuid;

use super::fixture::{Fixture, NOW};
use crate::store::{HeldKey, WriteBatch};

fn held(key: &str, by: u128, expire_time: Option<Timestamp>) -> HeldKey {
    HeldKey {
        namespace: "default".to_owned(),
        key: key.to_owned(),
        hold: Hold {
            task_id: TaskId(Uuid::from_u128(by)),
            expire_time,
        },
    }
}

async fn write(fixture: &mut Fixture, taken: &[HeldKey], released: &[HeldKey]) {
    let batch = WriteBatch {
        keys_taken: taken.to_vec(),
        keys_released: released.to_vec(),
        ..WriteBatch::default()
    };
    fixture.writer.commit(&batch).await.unwrap();
}

async fn holder(fixture: &Fixture, namespace: &str, key: &str) -> Option<HeldKey> {
    let asked = [("default", "nobody's"), (namespace, key)];
    let mut found = fixture.store.held_keys(&asked).await.unwrap();
    assert!(found.len() < 2, "{found:?}");
    found.pop()
}

#[tokio::test]
async fn a_key_is_told_as_it_was_taken_and_only_in_its_namespace() {
    let mut fixture = Fixture::new().await;
    let odd = "quote \" ' slash \\ newline \n euro €";
    let later = NOW.plus(Span::from_secs(1));
    for held in [held(odd, 1, None), held("window", 2, Some(later))] {
        write(&mut fixture, std::slice::from_ref(&held), &[]).await;
        assert_eq!(holder(&fixture, "default", &held.key).await, Some(held));
    }
    assert_eq!(holder(&fixture, "other", odd).await, None);
}

#[tokio::test]
async fn a_key_goes_with_the_task_that_holds_it_and_with_no_other() {
    let mut fixture = Fixture::new().await;
    write(&mut fixture, &[held("a", 1, None)], &[]).await;
    write(&mut fixture, &[], &[held("a", 2, None), held("b", 1, None)]).await;
    assert_eq!(holder(&fixture, "default", "a").await, Some(held("a", 1, None)));
    // It changes hands in one batch.
    write(&mut fixture, &[held("a", 2, None)], &[held("a", 1, None)]).await;
    assert_eq!(holder(&fixture, "default", "a").await, Some(held("a", 2, None)));
    write(&mut fixture, &[], &[held("a", 2, None)]).await;
    assert_eq!(holder(&fixture, "default", "a").await, None);
}

#[tokio::test]
async fn a_key_with_a_window_stays_to_its_end() {
    let mut fixture = Fixture::new().await;
    let ends = |seconds| Some(NOW.plus(Span::from_secs(seconds)));
    let windows = [
        held("a", 1, ends(1)),
        held("b", 2, ends(2)),
        held("c", 3, ends(3)),
    ];
    write(&mut fixture, &windows, &[]).await;
    write(&mut fixture, &[held("open", 4, None)], &[held("a", 1, None)]).await;
    assert_eq!(holder(&fixture, "default", "a").await, Some(windows[0].clone()));
    let expire = async |fixture: &mut Fixture, seconds, limit| {
        let now = NOW.plus(Span::from_secs(seconds));
        fixture.writer.expire_keys(now, limit).await.unwrap()
    };
    assert!(!expire(&mut fixture, 0, 9).await);
    // The end itself is too late; and there may be more than one call removes.
    assert!(expire(&mut fixture, 2, 1).await);
    assert!(expire(&mut fixture, 2, 1).await);
    assert!(!expire(&mut fixture, 2, 1).await);
    let mut left = Vec::new();
    for key in ["a", "b", "c", "open"] {
        left.extend(holder(&fixture, "default", key).await.map(|held| held.key));
    }
    assert_eq!(left, ["c", "open"]);
}
