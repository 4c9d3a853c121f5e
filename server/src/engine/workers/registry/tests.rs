//! What is known of workers, told without an engine.

use futures::FutureExt as _;
use uuid::Uuid;

use super::*;

const NOW: Timestamp = Timestamp::from_micros(1_000_000);
const HOUR: Span = Span::from_secs(3_600);

fn actor(id: &str) -> Actor {
    Actor {
        id: id.to_owned(),
        ..Actor::anonymous()
    }
}

fn key(id: &str) -> WorkerKey {
    WorkerKey::of("default", &actor(id))
}

fn seen(registry: &Registry, id: &str, now: Timestamp) {
    registry.seen(&key(id), &actor(id), (Seen::Speaks, now));
}

fn ids(registry: &Registry, now: Timestamp) -> Vec<String> {
    let workers = registry.list(("default", None), 100, now);
    workers.into_iter().map(|worker| worker.actor.id).collect()
}

fn held(id: &str) -> HeldLease {
    HeldLease {
        task_id: TaskId(Uuid::from_u128(1)),
        namespace: "default".to_owned(),
        fence: 3,
        holder: actor(id),
        expire_time: NOW.plus(HOUR),
    }
}

#[test]
fn who_holds_nothing_and_waits_for_nothing_is_forgotten_after_an_hour() {
    let registry = Registry::default();
    for id in ["gone", "open", "speaks"] {
        seen(&registry, id, NOW);
    }
    registry.reset(vec![held("holds")], NOW);
    let open = registry.open_call(&key("open"), &actor("open"), NOW);
    let later = NOW.plus(HOUR);
    seen(&registry, "speaks", later);
    assert_eq!(ids(&registry, later), ["holds", "open", "speaks"]);
    drop(open);
    registry.reset(Vec::new(), later);
    assert_eq!(ids(&registry, later), ["speaks"]);
}

#[test]
fn only_so_many_calls_wait() {
    let registry = Registry::default();
    let open = || registry.open_call(&key("w"), &actor("w"), NOW);
    let mut calls: Vec<_> = (0..OPEN_CALLS).map_while(|_| open()).collect();
    assert_eq!(calls.len(), OPEN_CALLS);
    assert!(open().is_none());
    calls.pop();
    assert!(open().is_some());
}

#[test]
fn however_many_call_only_so_many_are_remembered() {
    let registry = Registry::default();
    registry.reset(vec![held("holds")], NOW);
    for number in 0..=REMEMBERED_COUNT {
        let now = NOW.plus(Span::from_micros(i64::try_from(number).unwrap()));
        seen(&registry, &format!("w-{number:05}"), now);
    }
    let known = registry.list(("default", None), usize::MAX, NOW);
    assert!(known.len() <= REMEMBERED_COUNT, "{}", known.len());
    // Those that were heard of last, and whoever holds something.
    assert_eq!(known[0].actor.id, "holds");
    let last = format!("w-{REMEMBERED_COUNT:05}");
    assert_eq!(known.last().map(|worker| worker.actor.id.clone()), Some(last));
}

#[test]
fn more_that_work_than_are_remembered_are_not_walked_for_every_call() {
    let registry = Registry::default();
    let busy = (0..=REMEMBERED_COUNT).map(|number| HeldLease {
        task_id: TaskId(Uuid::from_u128(number as u128)),
        ..held(&format!("w-{number:05}"))
    });
    registry.reset(busy.collect(), NOW);
    // This one finds too many and walks them, which forgets it; the next ones leave that be.
    seen(&registry, "first", NOW);
    let is_known = |id: &str| registry.get(&key(id), NOW).is_some();
    assert!(!is_known("first"));
    for id in ["second", "third"] {
        seen(&registry, id, NOW);
        assert!(is_known(id), "{id}");
    }
    for number in 0..=REMEMBERED_COUNT / 10 {
        seen(&registry, &format!("idle-{number:05}"), NOW);
    }
    assert!(!is_known("second"), "a tenth more were heard of since");
}

#[test]
fn a_list_goes_on_behind_an_id_and_stays_in_its_namespace() {
    let registry = Registry::default();
    for id in ["a", "b", "c"] {
        seen(&registry, id, NOW);
    }
    let elsewhere = WorkerKey::of("other", &actor("b"));
    registry.seen(&elsewhere, &actor("b"), (Seen::Speaks, NOW));
    let page = registry.list(("default", Some("a")), 1, NOW);
    assert_eq!(page.len(), 1);
    assert_eq!(
        (page[0].namespace.as_str(), page[0].actor.id.as_str()),
        ("default", "b")
    );
    assert_eq!(ids(&registry, NOW), ["a", "b", "c"]);
}

#[test]
fn an_open_call_hears_once_that_its_worker_is_to_drain() {
    let registry = Registry::default();
    seen(&registry, "w", NOW);
    let open = registry.open_call(&key("w"), &actor("w"), NOW);
    let mut open = open.expect("few calls wait");
    assert!(open.told().now_or_never().is_none());
    assert!(
        registry
            .drain(&key("w"), true, NOW)
            .is_some_and(|worker| worker.draining)
    );
    assert_eq!(open.told().now_or_never(), Some(Told::Drain));
    registry.drain(&key("w"), true, NOW);
    assert!(open.told().now_or_never().is_none(), "nothing has changed");
    assert!(registry.drain(&key("nobody"), true, NOW).is_none());
}

#[test]
fn what_is_not_held_any_more_is_lost() {
    let registry = Registry::default();
    let lease = held("w");
    let leases = [(lease.task_id, lease.fence), (lease.task_id, lease.fence - 1)];
    registry.reset(vec![lease], NOW);
    assert_eq!(registry.lost(&key("w"), &leases), leases[1..]);
    assert_eq!(registry.lost(&key("nobody"), &leases), leases);
}
