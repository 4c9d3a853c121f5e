//! Lists: by the index of what they ask for, or of their order.

use super::{assert_sound, watched};
use crate::store::ListField;
use crate::store::tests::asked::{id, list};

/// The table is in the order in which tasks were created.
const TABLE: &str = "task USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)";

#[tokio::test]
async fn lists_walk_the_index_of_their_order() {
    let mut watched = watched().await;
    let store = watched.store.clone();
    let parent = format!("parent_id = {}", id());
    let by_create = |name, filter: &str| (name, filter.to_owned(), ListField::CreateTime);
    let cases = [
        (by_create("all", ""), TABLE),
        (by_create("queue", "queue = a"), TABLE),
        (
            by_create("state", "state = QUEUED"),
            "COVERING INDEX task_by_state (namespace=? AND state=?",
        ),
        (
            by_create("state and type", "state = QUEUED AND type = x"),
            "COVERING INDEX task_by_state (namespace=? AND state=?",
        ),
        (
            by_create("states", "state = QUEUED OR state = DEAD"),
            "COVERING INDEX task_by_state (namespace=? AND state=?",
        ),
        (
            by_create("label", "labels.run = x"),
            "task_label_72756e (namespace=? AND <expr>=?",
        ),
        (
            by_create("label and state", "labels.run = x AND state = QUEUED"),
            "task_label_72756e (namespace=? AND <expr>=?",
        ),
        (by_create("parent", &parent), "task_by_parent (parent_id=?"),
        (("by id", String::new(), ListField::Id), "sqlite_autoindex_task_1"),
        (
            ("by update", String::new(), ListField::UpdateTime),
            "event USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)",
        ),
        (
            ("by priority", String::new(), ListField::Priority),
            "COVERING INDEX task_by_priority (namespace=?",
        ),
        (("by priority", String::new(), ListField::Priority), TABLE),
        (
            ("by schedule", String::new(), ListField::ScheduleTime),
            "task_by_schedule_time (namespace=?",
        ),
    ];
    for ((name, filter, field), index) in cases {
        for after in [false, true] {
            store.list(&list(&filter, field, after)).await.unwrap();
            let plans = watched.plans().await;
            let plan = plans.join("\n");
            assert_sound(name, &plan);
            assert!(!plan.contains("MATERIALIZE"), "{name}, after {after}:\n{plan}");
            assert!(plan.contains(index), "{name}, after {after}:\n{plan}");
            // The rows come in order: sorting them would read them all before the first.
            assert!(!plan.contains("TEMP B-TREE"), "{name}, after {after}:\n{plan}");
            if after && field == ListField::CreateTime {
                let is_sought = plan.contains("number<?") || plan.contains("rowid<?");
                assert!(is_sought, "{name}:\n{plan}");
            }
        }
    }
}

/// Of two bounds of the same side SQLite begins at the one that is named first. At the namespace's, a later page would walk
/// over all that come before it.
#[tokio::test]
async fn a_later_page_begins_at_its_place() {
    let watched = watched().await;
    for (field, place) in [
        (ListField::CreateTime, "\"number\" < "),
        (ListField::UpdateTime, "\"event\".\"id\" < "),
    ] {
        watched.store.list(&list("", field, true)).await.unwrap();
        let asked = std::mem::take(&mut *watched.asked.lock());
        let bounded = asked
            .iter()
            .filter(|text| text.contains("(SELECT number FROM namespace"));
        let places: Vec<_> = bounded
            .map(|text| text.find(place) < text.find("(SELECT number FROM namespace"))
            .collect();
        assert!(
            !places.is_empty() && places.iter().all(|first| *first),
            "{asked:#?}"
        );
        assert!(asked.iter().any(|text| text.contains(place)), "{asked:#?}");
    }
}

#[tokio::test]
async fn few_rows_of_another_order_are_sorted() {
    let mut watched = watched().await;
    let store = watched.store.clone();
    store
        .list(&list("state = QUEUED", ListField::Priority, true))
        .await
        .unwrap();
    watched
        .assert_uses(
            "sorted",
            &["task_by_state (namespace=? AND state=?", "TEMP B-TREE"],
        )
        .await;
}
