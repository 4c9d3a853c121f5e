//! Prints what the store alone can write: microseconds a task for creates and moves, by the size of the batch.
//!
//! `cargo run --release -p baton-server --example store_rates [tasks [batch]]`; the file is made in a folder of its own under
//! the current one, flushed as in production, and removed at the end.

use std::sync::Arc;
use std::time::Duration;

use baton_domain::{
    Action, Actor, Command, Event, NewTask, Outcome, Payload, PayloadKind, Priority, Task, TaskId, Timestamp,
    Verification, create, decide,
};
use baton_server::seams::{Clock, Ids};
use baton_server::store::{DatabaseUrl, Heads, Opened, Store, StoreOptions, WriteBatch, Writer};

struct Bench {
    writer: Writer,
    heads: Heads,
    ids: Ids,
    clock: Clock,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let tasks: usize = std::env::args().nth(1).map_or(Ok(50_000), |text| text.parse())?;
    println!("batch  create  start  complete  (us a task, {tasks} tasks)");
    let only: Option<usize> = std::env::args().nth(2).map(|text| text.parse()).transpose()?;
    for size in [1, 16, 64, 256, 500, 1_000]
        .into_iter()
        .filter(|size| only.is_none_or(|only| only == *size))
    {
        let folder = tempfile::tempdir_in(".")?;
        let url = DatabaseUrl::Sqlite(folder.path().join("rates.db"));
        let ids = Ids::system();
        let Opened {
            store: _store,
            writer,
            heads,
            ..
        } = Store::open(&url, &StoreOptions::new(ids.clone())).await?;
        let mut bench = Bench {
            writer,
            heads,
            ids,
            clock: Clock::system(),
        };
        let count = if size == 1 { tasks / 20 } else { tasks };
        let (created, creating) = bench.create(count, size).await?;
        let (started, starting) = bench
            .advance(
                created,
                size,
                &Action::Start {
                    assignee: None,
                    lease: None,
                    start_time: None,
                },
            )
            .await?;
        let output = Some(payload(100));
        let (_, completing) = bench
            .advance(
                started,
                size,
                &Action::Complete {
                    output,
                    receipt: None,
                    jitter: 0.0,
                },
            )
            .await?;
        let each = |took: Duration| took.as_secs_f64() * 1e6 / count as f64;
        println!(
            "{size:5} {:7.1} {:6.1} {:9.1}",
            each(creating),
            each(starting),
            each(completing)
        );
    }
    Ok(())
}

impl Bench {
    async fn create(
        &mut self,
        count: usize,
        size: usize,
    ) -> Result<(Vec<Arc<Task>>, Duration), Box<dyn std::error::Error>> {
        let (mut tasks, mut took) = (Vec::with_capacity(count), Duration::ZERO);
        while tasks.len() < count {
            let now = self.clock.now_micros();
            let mut batch = WriteBatch::default();
            for _ in 0..size.min(count - tasks.len()) {
                let Outcome { events, task, .. } = create(
                    new_task(TaskId(self.ids.uuid_v7(now))),
                    &Actor::anonymous(),
                    Timestamp::from_micros(now),
                );
                self.number(events, &mut batch);
                batch.inserted.push(Arc::new(task));
            }
            took += self.commit(&batch).await?;
            tasks.extend(batch.inserted);
        }
        Ok((tasks, took))
    }

    async fn advance(
        &mut self,
        tasks: Vec<Arc<Task>>,
        size: usize,
        action: &Action,
    ) -> Result<(Vec<Arc<Task>>, Duration), Box<dyn std::error::Error>> {
        let (mut moved, mut took) = (Vec::with_capacity(tasks.len()), Duration::ZERO);
        let command = Command::new(Actor::anonymous(), action.clone());
        for tasks in tasks.chunks(size) {
            let now = Timestamp::from_micros(self.clock.now_micros());
            let mut batch = WriteBatch::default();
            for before in tasks {
                let Outcome { events, task, .. } =
                    decide(before, &command, now).map_err(|refused| format!("{refused:?}"))?;
                self.number(events, &mut batch);
                batch.updated.push((Arc::clone(before), Arc::new(task)));
            }
            took += self.commit(&batch).await?;
            moved.extend(batch.updated.into_iter().map(|(_, now)| now));
        }
        Ok((moved, took))
    }

    fn number(&mut self, events: Vec<Event>, batch: &mut WriteBatch) {
        for mut event in events {
            event.position = self.heads.advance(&event.namespace, event.time);
            batch.events.push(Arc::new(event));
        }
    }

    async fn commit(&mut self, batch: &WriteBatch) -> Result<Duration, Box<dyn std::error::Error>> {
        let began = self.clock.now_micros();
        self.writer.commit(batch).await?;
        Ok(Duration::from_micros(self.clock.now_micros().abs_diff(began)))
    }
}

fn payload(bytes: usize) -> Payload {
    let body = vec![b'x'; bytes];
    Payload {
        kind: PayloadKind::JsonText,
        media_type: String::new(),
        version: 0,
        size: i64::try_from(bytes).unwrap_or(i64::MAX),
        sha256: [1; 32],
        body: Some(body.into()),
    }
}

fn new_task(id: TaskId) -> NewTask {
    let label = |(key, value): (&str, &str)| (key.to_owned(), value.to_owned());
    NewTask {
        id,
        namespace: "default".to_owned(),
        queue: "default".to_owned(),
        task_type: "send_email".to_owned(),
        function: None,
        title: "Send the invoice".to_owned(),
        description: String::new(),
        input: Some(payload(200)),
        priority: Some(Priority::Normal),
        labels: Arc::new([("team", "payments"), ("run", "4711")].map(label).into()),
        metadata: None,
        assignee: None,
        parent_id: None,
        dependencies: Vec::new(),
        schedule: None,
        retry_policy: None,
        timeouts: baton_domain::Timeouts::default(),
        verification: Verification::None,
        verification_grace: None,
        dedup: None,
        spec_hash: [7; 32],
        hold: false,
    }
}
