//! Which ready tasks a claim finds.

use std::sync::Arc;

use baton_domain::{NewTask, Priority, Span, Task, TaskId};

use super::fixture::{Fixture, NOW, by, grant, insert};
use crate::store::{Demand, WriteBatch};

fn demand(queues: &[&str], types: Option<&[&str]>) -> Demand {
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    Demand {
        namespace: "default".to_owned(),
        queues: names(queues),
        types: types.map(names),
    }
}

fn of<'a>(queue: &'a str, task_type: &'a str, priority: Priority) -> impl FnOnce(&mut NewTask) + 'a {
    move |new| {
        queue.clone_into(&mut new.queue);
        task_type.clone_into(&mut new.task_type);
        new.priority = Some(priority);
    }
}

async fn put(
    fixture: &mut Fixture,
    (queue, task_type): (&str, &str),
    priority: Priority,
    since: i64,
) -> TaskId {
    let (task, events) = fixture.created(of(queue, task_type, priority));
    let since = NOW.plus(Span::from_secs(since));
    let task = Task {
        queue_time: Some(since),
        ..task
    };
    fixture.writer.commit(&insert(&task, events)).await.unwrap();
    task.id
}

async fn found(fixture: &Fixture, demand: &Demand, limit: usize) -> Vec<TaskId> {
    let found = fixture.store.ready(demand, limit).await.unwrap();
    found.iter().map(|ready| ready.id).collect()
}

#[tokio::test]
async fn the_queues_and_types_of_a_demand_come_as_one_line() {
    let mut fixture = Fixture::new().await;
    let low = put(&mut fixture, ("a", "x"), Priority::Low, 0).await;
    let third = put(&mut fixture, ("b", "y"), Priority::Normal, 3).await;
    let second = put(&mut fixture, ("a", "y"), Priority::Normal, 2).await;
    let first = put(&mut fixture, ("b", "x"), Priority::Normal, 1).await;
    let urgent = put(&mut fixture, ("a", "z"), Priority::Urgent, 4).await;
    let elsewhere = put(&mut fixture, ("c", "x"), Priority::Critical, 0).await;
    let any = demand(&["a", "b"], None);
    assert_eq!(
        found(&fixture, &any, 10).await,
        [urgent, first, second, third, low]
    );
    // What waits longest comes too, behind those asked for, and is not told twice.
    assert_eq!(found(&fixture, &any, 2).await, [urgent, first, low]);
    assert_eq!(
        found(&fixture, &any, 5).await,
        [urgent, first, second, third, low]
    );
    let typed = demand(&["a", "b"], Some(&["y", "x"]));
    assert_eq!(found(&fixture, &typed, 10).await, [first, second, third, low]);
    assert_eq!(found(&fixture, &typed, 1).await, [first, low]);
    assert_eq!(found(&fixture, &demand(&["c"], None), 1).await, [elsewhere]);
    assert!(found(&fixture, &demand(&["c"], Some(&["y"])), 1).await.is_empty());
    // One that is taken is ready no more.
    let task = fixture.store.task(first).await.unwrap().unwrap();
    let (_, batch) = fixture.moved(&task, &by(grant()), NOW);
    fixture.writer.commit(&batch).await.unwrap();
    assert_eq!(found(&fixture, &typed, 1).await, [second, low]);
}

#[tokio::test]
async fn as_many_types_as_there_are_make_no_claim_find_more_than_it_takes() {
    let mut fixture = Fixture::new().await;
    let mut batch = WriteBatch::default();
    for n in 0..600 {
        let name = format!("t{n}");
        let (task, events) = fixture.created(of("a", &name, Priority::Normal));
        batch.inserted.push(Arc::new(task));
        batch.events.extend(events);
    }
    fixture.writer.commit(&batch).await.unwrap();
    let ids: Vec<TaskId> = batch.inserted.iter().map(|task| task.id).collect();
    assert_eq!(found(&fixture, &demand(&["a"], None), 3).await, ids[..3]);
    // As many queues and types as a call may name.
    let names: Vec<String> = (0..16).map(|n| format!("t{n}")).collect();
    let types: Vec<&str> = names.iter().map(String::as_str).collect();
    let others: Vec<String> = (0..15).map(|n| format!("q{n}")).collect();
    let queues: Vec<&str> = others.iter().map(String::as_str).chain(["a"]).collect();
    assert_eq!(
        found(&fixture, &demand(&queues, Some(&types)), 20).await,
        ids[..16]
    );
    assert_eq!(found(&fixture, &demand(&queues, None), 2).await, ids[..2]);
}
