//! Lists: SQL means what the evaluator means, and pages add up to the whole.

use std::sync::Arc;

use baton_domain::filter::{Field, Filter, Kind, Op, Schema, Value};
use baton_domain::{
    Actor, ActorType, AttemptOutcome, Detail, Event, EventType, Payload, Priority, State, Task, TaskId,
    Timestamp,
};
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use uuid::Uuid;

use super::fixture::{Fixture, NOW};
use super::maximal::maximal;
use super::round_trip::event;
use crate::seams::Ids;
use crate::store::{ListField, ListOrder, ListQuery, SCAN_ROWS, SortKey, Store, StoreOptions, WriteBatch};

const WORDS: [&str; 4] = ["", "a", "\"\\\u{1}:{", "ü"];

fn id(n: u128) -> TaskId {
    TaskId(Uuid::from_u128(n))
}

/// A time of a few, so that there are ties.
fn time(n: i64) -> Timestamp {
    Timestamp::from_micros(NOW.as_micros() + n)
}

fn population(count: usize) -> impl Strategy<Value = Vec<Task>> {
    let words = || select(&WORDS[..]).prop_map(str::to_owned);
    let times = || proptest::option::of((0..6_i64).prop_map(time));
    let texts = (words(), words(), words(), words(), proptest::option::of(words()));
    let enums = (
        select(State::ALL),
        select(Priority::ALL),
        proptest::option::of(1..4_u128),
        any::<bool>(),
    );
    let moments = (0..6_i64, 0..6_i64, times(), times());
    let counts = (1..4_i32, 0..3_i32);
    let labels = proptest::collection::btree_map(select(&["run", "k.x/y", "team"][..]), words(), 0..3);
    let parts = (any::<u64>(), texts, enums, moments, (counts, labels));
    let task = parts.prop_map(|(number, texts, enums, moments, (counts, labels))| {
        let (queue, task_type, title, reason, assignee) = texts;
        let (state, priority, parent, other) = enums;
        let (created, updated, scheduled, started) = moments;
        Task {
            queue,
            task_type,
            title,
            state_reason: reason.into(),
            assignee: assignee.map(|id| Actor {
                kind: ActorType::Human,
                id,
                name: String::new(),
            }),
            state,
            priority,
            parent_id: parent.map(id),
            namespace: if other { "other" } else { "default" }.to_owned(),
            create_time: time(created),
            update_time: time(updated),
            schedule_time: scheduled,
            start_time: started,
            end_time: state.is_settled().then_some(time(updated)),
            attempt: counts.0,
            retry_count: counts.1,
            labels: Arc::new(
                labels
                    .into_iter()
                    .map(|(key, value)| (key.to_owned(), value))
                    .collect(),
            ),
            ..maximal(id(number.into()))
        }
    });
    proptest::collection::vec(task, count)
}

/// Values that the population has, and some that it has not.
fn value(kind: Kind, ids: Vec<TaskId>) -> BoxedStrategy<Value> {
    match kind {
        Kind::Text => select(&["a", "b", "c", "ü"][..])
            .prop_map(|text| Value::Text(text.to_owned()))
            .boxed(),
        Kind::State => select(State::ALL).prop_map(Value::State).boxed(),
        Kind::Priority => select(Priority::ALL).prop_map(Value::Priority).boxed(),
        Kind::Outcome => select(AttemptOutcome::ALL).prop_map(Value::Outcome).boxed(),
        Kind::Time => (-1..7_i64).prop_map(|n| Value::Time(time(n))).boxed(),
        Kind::Int => (0..4_i64).prop_map(Value::Int).boxed(),
        Kind::Id => select(ids).prop_map(Value::Id).boxed(),
    }
}

fn op(kind: Kind) -> BoxedStrategy<Op> {
    let all = &[
        Op::Equal,
        Op::NotEqual,
        Op::Less,
        Op::LessOrEqual,
        Op::Greater,
        Op::GreaterOrEqual,
    ][..];
    match kind {
        Kind::State | Kind::Priority | Kind::Outcome | Kind::Id => select(&all[..2]).boxed(),
        Kind::Text | Kind::Time | Kind::Int => select(all).boxed(),
    }
}

fn filter(ids: Vec<TaskId>) -> impl Strategy<Value = Filter> {
    let field = || select(Schema::TASKS.fields());
    let compare = field().prop_flat_map(move |field| {
        (Just(field), op(field.kind()), value(field.kind(), ids.clone()))
            .prop_map(|(field, op, value)| Filter::Compare { field, op, value })
    });
    let state = select(State::ALL).prop_map(|state| Filter::Compare {
        field: Field::State,
        op: Op::Equal,
        value: Value::State(state),
    });
    let key = || select(&["run", "k.x/y", "none"][..]).prop_map(str::to_owned);
    let label = (key(), op(Kind::Text), select(&WORDS[..]).prop_map(str::to_owned))
        .prop_map(|(key, op, value)| Filter::CompareLabel { key, op, value });
    let leaf = prop_oneof![
        6 => compare,
        3 => state,
        3 => label,
        1 => field().prop_map(Filter::Has),
        1 => key().prop_map(Filter::HasLabel),
    ];
    let tree = leaf.prop_recursive(3, 12, 4, |inner| {
        let some = || proptest::collection::vec(inner.clone(), 2..4);
        prop_oneof![
            some().prop_map(Filter::And),
            some().prop_map(Filter::Or),
            inner.clone().prop_map(|it| Filter::Not(Box::new(it))),
        ]
    });
    prop_oneof![1 => Just(Filter::everything()), 20 => tree]
}

fn order() -> impl Strategy<Value = ListOrder> {
    let fields = [
        ListField::Id,
        ListField::CreateTime,
        ListField::UpdateTime,
        ListField::Priority,
        ListField::ScheduleTime,
    ];
    (select(fields.to_vec()), any::<bool>()).prop_map(|(field, descending)| ListOrder { field, descending })
}

/// The tasks in the order in which they were created, and where each was last changed.
struct Stock {
    tasks: Vec<Task>,
    changed: Vec<i64>,
}

impl Stock {
    fn new(mut tasks: Vec<Task>) -> Self {
        tasks.sort_by_key(|task| task.create_time);
        let mut order: Vec<usize> = (0..tasks.len()).collect();
        order.sort_by_key(|place| tasks[*place].update_time);
        let mut changed = vec![0; tasks.len()];
        for (position, place) in (1..).zip(order) {
            changed[place] = position;
        }
        Self { tasks, changed }
    }

    /// The events that say so.
    fn events(&self) -> Vec<Arc<Event>> {
        let count = self.tasks.len();
        let first = (1..).zip(&self.tasks).map(|(position, task)| Event {
            position,
            ..event(task, 1, EventType::Created, Detail::None)
        });
        let mut last: Vec<Event> = self
            .tasks
            .iter()
            .zip(&self.changed)
            .map(|(task, place)| Event {
                position: count as i64 + place,
                ..event(task, task.revision, EventType::Comment, Detail::None)
            })
            .collect();
        last.sort_by_key(|event| event.position);
        first.chain(last).map(Arc::new).collect()
    }

    fn key(&self, place: usize, field: ListField) -> SortKey {
        let task = &self.tasks[place];
        let (value, number) = match field {
            ListField::Id => (None, 0),
            ListField::CreateTime => (None, place as i64),
            ListField::UpdateTime => (None, self.changed[place]),
            ListField::Priority => (Some(task.priority.number().into()), place as i64),
            ListField::ScheduleTime => (task.schedule_time.map(Timestamp::as_micros), place as i64),
        };
        SortKey {
            value,
            number,
            id: task.id,
        }
    }
}

/// What the list must be: the evaluator's matches, sorted in memory.
fn expected(stock: &Stock, query: &ListQuery) -> Vec<TaskId> {
    let is_in = |task: &Task| task.namespace == query.namespace && query.filter.matches(task);
    let places = (0..stock.tasks.len()).filter(|place| is_in(&stock.tasks[*place]));
    let mut keys: Vec<SortKey> = places.map(|place| stock.key(place, query.order.field)).collect();
    keys.sort_by_key(|key| (key.value, key.number, key.id));
    if query.order.descending {
        keys.reverse();
    }
    // An absent value comes last either way.
    let (some, none): (Vec<_>, Vec<_>) = keys.into_iter().partition(|key| key.value.is_some());
    some.into_iter().chain(none).map(|key| key.id).collect()
}

async fn all_pages(store: &Store, mut query: ListQuery) -> Result<Vec<TaskId>, TestCaseError> {
    let mut found = Vec::new();
    for _ in 0..10_000 {
        let page = store
            .list(&query)
            .await
            .map_err(|error| TestCaseError::fail(format!("{error:?}")))?;
        prop_assert!(page.tasks.len() <= query.limit as usize);
        found.extend(page.tasks.iter().map(|task| task.id));
        let Some(next) = page.next else { return Ok(found) };
        query.after = SortKey::from_bytes(&next.to_bytes());
        prop_assert_eq!(query.after, Some(next));
    }
    Err(TestCaseError::fail("the pages do not end"))
}

async fn stocked(stock: &Stock) -> Fixture {
    let options = StoreOptions {
        indexed_labels: vec!["run".to_owned()],
        ..StoreOptions::new(Ids::seeded(1))
    };
    let mut fixture = Fixture::with(&options).await;
    fixture
        .writer
        .commit(&WriteBatch {
            inserted: stock.tasks.iter().cloned().map(Arc::new).collect(),
            events: stock.events(),
            ..WriteBatch::default()
        })
        .await
        .unwrap();
    fixture
}

#[test]
fn pages_add_up_to_what_the_evaluator_matches() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let mut runner = TestRunner::new(Config {
        cases: 150,
        failure_persistence: None,
        ..Config::default()
    });
    let stock = Stock::new(population(120).new_tree(&mut runner).unwrap().current());
    let fixture = runtime.block_on(stocked(&stock));
    let ids: Vec<TaskId> = stock
        .tasks
        .iter()
        .take(3)
        .map(|task| task.id)
        .chain((0..5).map(id))
        .collect();
    let cases = (
        filter(ids),
        order(),
        1..8_u32,
        prop_oneof![1..40_u32, Just(SCAN_ROWS)],
    );
    runner
        .run(&cases, |(filter, order, limit, scan_limit)| {
            let query = ListQuery {
                namespace: "default".to_owned(),
                filter,
                order,
                after: None,
                limit,
                scan_limit,
                payloads: false,
            };
            let wanted = expected(&stock, &query);
            let found = runtime.block_on(all_pages(&fixture.store, query))?;
            prop_assert_eq!(found, wanted);
            Ok(())
        })
        .unwrap();
}

#[tokio::test]
async fn payloads_come_only_where_asked_for() {
    let task = maximal(id(7));
    let fixture = stocked(&Stock::new(vec![task.clone()])).await;
    let mut query = ListQuery {
        namespace: task.namespace.clone(),
        filter: Filter::everything(),
        order: ListOrder {
            field: ListField::CreateTime,
            descending: true,
        },
        after: None,
        limit: 1,
        scan_limit: SCAN_ROWS,
        payloads: true,
    };
    assert_eq!(
        fixture.store.list(&query).await.unwrap().tasks,
        vec![task.clone()]
    );
    query.payloads = false;
    let bare = Task {
        input: task.input.as_ref().map(Payload::reference),
        output: task.output.as_ref().map(Payload::reference),
        checkpoint: task.checkpoint.as_ref().map(Payload::reference),
        ..task
    };
    assert_eq!(fixture.store.list(&query).await.unwrap().tasks, vec![bare]);
}

#[test]
fn other_bytes_are_no_sort_key() {
    assert_eq!(SortKey::from_bytes(&[]), None);
    for len in [15, 17, 23, 28, 33] {
        assert_eq!(SortKey::from_bytes(&vec![0; len]), None);
    }
}
