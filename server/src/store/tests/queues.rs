//! Queues: written and read back, with what is in use of them; ready and settled tasks found by indexes.

use std::sync::Arc;

use baton_domain::queue::{Bucket, KeyLimit, NewQueue, RateLimit, Usage};
use baton_domain::{Action, Labels, Queue, QueueId, QueueSpec, RetryPolicy, Span, State, Timestamp};
use uuid::Uuid;

use super::fixture::{Fixture, NOW, by, human};
use super::sqlite_plans::{assert_sound, explain, watched};
use crate::store::plan::Part;
use crate::store::rows::QUEUE;
use crate::store::{Demand, Floors, FullKeys, KeyUse, SettledQuery, StandingQueue, WriteBatch};

fn queue(id: u128, name: &str, spec: QueueSpec) -> StandingQueue {
    let new = NewQueue {
        id: QueueId(Uuid::from_u128(id)),
        namespace: "default".to_owned(),
        name: name.to_owned(),
        spec,
        paused: false,
        note: String::new(),
        creator: human(),
    };
    StandingQueue {
        queue: Arc::new(Queue::create(new, NOW)),
        usage: Usage::default(),
    }
}

/// A queue that fills every field.
fn full() -> StandingQueue {
    let spec = QueueSpec {
        description: "all of it".to_owned(),
        concurrency: Some(5),
        rate: Some(RateLimit {
            count: 10,
            period: Span::from_secs(1),
            burst: 3,
        }),
        keys: Some(KeyLimit {
            label: "tenant/a".to_owned(),
            limit: 2,
        }),
        retry_policy: Some(RetryPolicy {
            max_attempts: Some(4),
            ..RetryPolicy::default()
        }),
        retention: Some(Span::from_secs(60)),
    };
    let StandingQueue { queue, .. } = queue(1, "full", spec);
    StandingQueue {
        queue: Arc::new(queue.pause("a note".to_owned(), Timestamp::from_micros(i64::MAX))),
        usage: Usage {
            leased: 3,
            bucket: Bucket(Timestamp::from_micros(-7)),
        },
    }
}

fn used(key: &str, leased: i64) -> KeyUse {
    KeyUse {
        queue: QueueId(Uuid::from_u128(1)),
        key: key.to_owned(),
        leased,
    }
}

#[tokio::test]
async fn a_queue_is_read_as_it_was_written_and_its_keys_go_with_it() {
    let mut fixture = Fixture::new().await;
    let bare = queue(2, "bare", QueueSpec::default());
    let added = WriteBatch {
        queues_added: vec![full(), bare.clone()],
        keys_used: vec![used("a", 2), used("b", 1)],
        ..WriteBatch::default()
    };
    fixture.writer.commit(&added).await.unwrap();
    let store = fixture.store.clone();
    assert_eq!(store.queue("default", "full").await.unwrap(), Some(full()));
    assert_eq!(
        store.list_queues("default", "", 9).await.unwrap(),
        [bare.clone(), full()]
    );
    assert_eq!(store.list_queues("default", "bare", 9).await.unwrap(), [full()]);
    assert_eq!(store.queue("other", "full").await.unwrap(), None);
    let one = full().queue.id;
    assert_eq!(store.keys_in_use(one, 1).await.unwrap(), [used("a", 2)]);

    let more = StandingQueue {
        usage: Usage {
            leased: 4,
            ..full().usage
        },
        ..full()
    };
    let resumed = StandingQueue {
        queue: Arc::new(bare.queue.pause("later".to_owned(), NOW)),
        ..bare.clone()
    };
    let updated = WriteBatch {
        queues_updated: vec![(full(), more.clone()), (bare, resumed.clone())],
        keys_used: vec![used("a", 0), used("b", 4)],
        ..WriteBatch::default()
    };
    fixture.writer.commit(&updated).await.unwrap();
    let (mut queues, keys) = store.all_queues().await.unwrap();
    queues.sort_unstable_by_key(|standing| standing.queue.id);
    assert_eq!((queues, keys), (vec![more, resumed], vec![used("b", 4)]));

    let removed = WriteBatch {
        queues_removed: vec![one],
        ..WriteBatch::default()
    };
    fixture.writer.commit(&removed).await.unwrap();
    let (queues, keys) = store.all_queues().await.unwrap();
    assert_eq!((queues.len(), keys.len()), (1, 0));
    // What is not there is not removed in silence.
    fixture.writer.commit(&removed).await.unwrap_err();
}

#[tokio::test]
async fn ready_tasks_are_found_behind_those_whose_keys_are_full() {
    let mut fixture = Fixture::new().await;
    let mut ids = Vec::new();
    for tenant in ["a", "a", "b", "", "c"] {
        let task = fixture
            .put(|new| {
                let labels = (!tenant.is_empty()).then(|| ("tenant".to_owned(), tenant.to_owned()));
                new.labels = Labels::new(labels.into_iter().collect());
            })
            .await;
        ids.push(task.id);
    }
    let demand = |types: Option<&str>| Demand {
        namespace: "default".to_owned(),
        queues: vec!["default".to_owned()],
        types: types.map(|name| vec![name.to_owned(), "other".to_owned()]),
    };
    let full = |keys: Vec<&'static str>| FullKeys {
        label: "tenant",
        keys,
    };
    let store = &fixture.store;
    for types in [None, Some("send_email")] {
        let found = store
            .ready_of_keys(&demand(types), &full(vec!["a"]), (2, &Floors::default()))
            .await
            .unwrap();
        let found: Vec<_> = found
            .iter()
            .map(|(ready, key)| (ready.id, key.as_deref()))
            .collect();
        assert_eq!(found, [(ids[2], Some("b")), (ids[3], None)]);
        let all = store
            .ready_of_keys(&demand(types), &full(vec![]), (9, &Floors::default()))
            .await
            .unwrap();
        assert_eq!(all.len(), 5);
    }
    let none = store
        .ready_of_keys(&demand(Some("another")), &full(vec![]), (9, &Floors::default()))
        .await
        .unwrap();
    assert!(none.is_empty());
}

#[tokio::test]
async fn settled_tasks_are_found_as_long_as_there_are_any() {
    let mut fixture = Fixture::new().await;
    let cancel = by(Action::Cancel {
        reason: String::new(),
    });
    for queue in ["old", "old", "old", "another"] {
        let task = fixture.put(|new| new.queue = queue.to_owned()).await;
        let (_, batch) = fixture.moved(&task, &cancel, NOW);
        fixture.writer.commit(&batch).await.unwrap();
    }
    let query = |until, after| SettledQuery {
        namespace: "default",
        queue: "old",
        state: State::Cancelled,
        until,
        after,
    };
    let store = &fixture.store;
    let (first, next) = store.settled_of(&query(NOW, None), 2).await.unwrap();
    assert_eq!((first.len(), next.is_some()), (2, true));
    let (rest, next) = store.settled_of(&query(NOW, next), 2).await.unwrap();
    assert_eq!((rest.len(), next), (1, None));
    assert!(!first.contains(&rest[0]));
    let before = NOW.minus(Span::from_micros(1));
    let (none, next) = store.settled_of(&query(before, None), 2).await.unwrap();
    assert_eq!((none.len(), next), (0, None));
}

#[tokio::test]
async fn queues_and_their_tasks_are_found_by_indexes_of_sqlite() {
    let mut watched = watched().await;
    let store = watched.store.clone();
    store.queue("default", "a").await.unwrap();
    watched
        .assert_uses("by name", &["queue_by_name (namespace=? AND name=?)"])
        .await;
    store.list_queues("default", "a", 9).await.unwrap();
    watched
        .assert_uses("list", &["queue_by_name (namespace=? AND name>?)"])
        .await;
    store.leased_of(("default", "a"), Some("tenant")).await.unwrap();
    // Every live lease is looked at: there are no more of them than workers hold.
    let plan = watched.plans().await.join("\n");
    assert!(plan.contains("sqlite_autoindex_task_1 (id=?)"), "{plan}");
    let query = SettledQuery {
        namespace: "default",
        queue: "a",
        state: State::Failed,
        until: NOW,
        after: None,
    };
    store.settled_of(&query, 9).await.unwrap();
    watched
        .assert_uses("settled", &["task_by_state (namespace=? AND state=? AND number>"])
        .await;
    let full = FullKeys {
        label: "tenant",
        keys: vec!["a"],
    };
    let demand = Demand {
        namespace: "default".to_owned(),
        queues: vec!["a".to_owned()],
        types: None,
    };
    store
        .ready_of_keys(&demand, &full, (9, &Floors::default()))
        .await
        .unwrap();
    let plan = watched.plans().await.join("\n");
    assert!(plan.contains("task_ready (namespace=? AND queue=?)"), "{plan}");
    assert!(!plan.contains("TEMP B-TREE"), "sorted by the index: {plan}");
    let all = (1 << QUEUE.columns().count()) - 1;
    for (part, expected) in [
        (Part::UpdateQueues(all), "sqlite_autoindex_queue_1 (id=?)"),
        (Part::RemoveQueues, "sqlite_autoindex_queue_1 (id=?)"),
        (Part::RemoveQueueKeys, "queue_key USING PRIMARY KEY (queue_id=?)"),
        (
            Part::FreeQueueKeys,
            "queue_key USING PRIMARY KEY (queue_id=? AND key=?)",
        ),
    ] {
        let text = part.text(crate::store::dialect::Dialect::Sqlite);
        let statement = text.split_inclusive(';').next().unwrap();
        let plan = explain(&mut watched.shell, statement).await;
        assert_sound(&format!("{part:?}"), &plan);
        assert!(plan.contains(expected), "{part:?}: {expected} is not in\n{plan}");
    }
}
