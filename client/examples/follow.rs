//! Follows the tasks of one queue: first what is there, then what happens, over restarts of the server too.
//!
//! Run it beside a server: `cargo run -p baton-client --example follow [http://127.0.0.1:50051]`. It makes a task of its
//! own to have something to follow, and ends when that one is done.

use std::collections::HashMap;

use baton_client::proto::{Task, TaskEvent};
use baton_client::{Client, DEFAULT_ENDPOINT, Error, NewTask, State, WatchItem, WatchOptions};

/// What a program that follows a feed keeps: the revision and the state of each task.
#[derive(Default)]
struct Mirror {
    tasks: HashMap<String, (i64, State)>,
}

impl Mirror {
    fn put(&mut self, task: &Task) {
        println!("{} is {}", task.id, task.state().as_str_name());
        self.tasks.insert(task.id.clone(), (task.revision, task.state()));
    }

    /// A snapshot is not one instant: what it holds already is not applied again.
    fn apply(&mut self, event: &TaskEvent) {
        let (revision, state) = self
            .tasks
            .entry(event.task_id.clone())
            .or_insert((0, State::Unspecified));
        if event.sequence > *revision {
            println!("{} had {}", event.task_id, event.r#type().as_str_name());
            (*revision, *state) = (event.sequence, event.to_state());
        }
    }

    fn is_done(&self, id: &str) -> bool {
        self.tasks
            .get(id)
            .is_some_and(|(_, state)| *state == State::Completed)
    }
}

#[tokio::main]
async fn main() -> Result<(), Error> {
    let endpoint = std::env::args().nth(1).unwrap_or(DEFAULT_ENDPOINT.to_owned());
    let client = Client::new(endpoint)?;

    let options = WatchOptions::tasks()
        .filter("queue = \"follow-example\"")
        .from_snapshot();
    let mut watch = client.watch(options).await?;
    let own = client
        .create(NewTask::new("example").queue("follow-example"))
        .await?;
    let worker = tokio::spawn(work(client.clone(), own.id.clone()));

    let mut mirror = Mirror::default();
    while !mirror.is_done(&own.id) {
        match watch.next().await {
            Some(Ok(WatchItem::Snapshot(task))) => mirror.put(&task),
            Some(Ok(WatchItem::SnapshotComplete)) => println!("now follows what happens"),
            Some(Ok(WatchItem::Event(event) | WatchItem::Left(event))) => mirror.apply(&event),
            // A quiet moment, or something newer than this program: nothing to apply.
            Some(Ok(_)) => {}
            Some(Err(error)) => return Err(error),
            None => break,
        }
    }
    match worker.await {
        Ok(outcome) => outcome,
        Err(panic) => std::panic::resume_unwind(panic.into_panic()),
    }
}

async fn work(client: Client, id: String) -> Result<(), Error> {
    client.start(&id).await?;
    for percent in [25, 50, 75] {
        client.progress(&id).percent(percent).await?;
    }
    client.complete(&id).await?;
    Ok(())
}
