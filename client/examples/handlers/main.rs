//! A worker with three handlers: one that checks its configuration, a digest of errors for a chat, and a clean-up.
//! docs/handlers.md goes through it.
//!
//! Run it beside a server: `cargo run -p baton-client --example handlers [http://127.0.0.1:50051 [http://host/webhook]]`.
//! It makes a task of each type, prints how they end, and stops.

mod clean_up;
mod digest;
mod webhook;

use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use baton_client::{Client, Context, DEFAULT_ENDPOINT, Failure, NewTask, Worker, value};
use clean_up::{Record, State};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

const QUEUE: &str = "handlers-example";

#[derive(Debug, Deserialize)]
struct Config {
    my_field: Option<String>,
}

#[derive(Debug, Serialize)]
struct Done {
    items_processed: usize,
}

async fn my_task(_context: Context, config: Config) -> Result<Done, Failure> {
    let Some(field) = config.my_field else {
        // Another attempt would find the same: none is made.
        return Err(Failure::new("Config missing: my_field").non_retryable());
    };
    Ok(Done {
        items_processed: field.len(),
    })
}

fn worker(client: Client, webhook: Option<String>) -> baton_client::WorkerBuilder {
    let day = Duration::from_secs(24 * 60 * 60);
    let timestamp = SystemTime::now() - 31 * day;
    let state = Arc::new(Mutex::new(State {
        rss_drafts: vec![Record { timestamp }],
        ..State::default()
    }));
    Worker::builder(client)
        .queue(QUEUE)
        .concurrency(5)
        .handler("my-task", my_task)
        .handler("slack-notify", move |context, (): ()| {
            digest::digest(context, webhook.clone())
        })
        .handler("db-cleanup", move |_, (): ()| {
            let state = Arc::clone(&state);
            async move {
                let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
                Ok(clean_up::clean_up(&mut state, SystemTime::now()))
            }
        })
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let client = Client::new(arguments.next().unwrap_or(DEFAULT_ENDPOINT.to_owned()))?;
    let stop = CancellationToken::new();
    let worker = worker(client.clone(), arguments.next());
    // A program that does nothing else calls `run`, which heeds SIGTERM.
    let worker = tokio::spawn(worker.run_until(stop.clone().cancelled_owned()));
    let config = serde_json::json!({ "my_field": "abc" });
    let tasks = [
        NewTask::new("my-task").input_json(&config),
        NewTask::new("my-task").input_json(&serde_json::json!({})),
        NewTask::new("slack-notify"),
        NewTask::new("db-cleanup"),
    ];
    for task in tasks {
        let task = client.create(task.queue(QUEUE)).await?;
        let ended = client.wait(&task.id, Duration::from_secs(60)).await?.task;
        let output: Option<Value> = ended.output.as_ref().map(value::read_json).transpose()?;
        let what = match (&output, &ended.error) {
            (_, Some(error)) => error.message.clone(),
            (Some(output), None) => output.to_string(),
            (None, None) => ended.state().as_str_name().to_owned(),
        };
        println!("{}: {what}", ended.r#type);
    }
    stop.cancel();
    worker.await??;
    Ok(())
}
