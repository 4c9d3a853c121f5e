//! One program hands out work and waits for it; another one does it. Here both live in one.
//!
//! Run it beside a server: `cargo run -p baton-client --example create_and_wait [http://127.0.0.1:50051]`

use std::time::Duration;

use baton_client::{Client, DEFAULT_ENDPOINT, NewTask, State, actor, value};
use serde_json::{Value, json};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let endpoint = std::env::args().nth(1).unwrap_or(DEFAULT_ENDPOINT.to_owned());
    let client = Client::builder()
        .endpoint(endpoint)
        .actor(actor::service("shop"))
        .build()?;

    let new = NewTask::new("sum")
        .title("Add two numbers")
        .input_json(&json!({ "a": 19, "b": 23 }));
    let task = client.create(new).await?;
    println!("created {}", task.id);

    let worker = tokio::spawn(work(client.clone(), task.id.clone()));
    let waited = client.wait(&task.id, Duration::from_secs(60)).await?;
    worker.await??;

    if waited.timed_out || waited.task.state() != State::Completed {
        return Err(format!("the task is {}", waited.task.state().as_str_name()).into());
    }
    let output: Value = value::read_json(&waited.task.output.ok_or("no output")?)?;
    println!("the sum is {}", output["sum"]);
    Ok(())
}

/// Takes the task, adds, and hands the sum in.
async fn work(client: Client, id: String) -> Result<(), baton_client::Error> {
    let task = client
        .start(&id)
        .actor(actor::service("adder"))
        .await?
        .into_inner();
    let input: Value = match &task.input {
        Some(input) => value::read_json(input)?,
        None => Value::Null,
    };
    client.progress(&id).percent(50).step("adding").await?;
    let sum = input["a"].as_i64().unwrap_or(0) + input["b"].as_i64().unwrap_or(0);
    client.complete(&id).output_json(&json!({ "sum": sum })).await?;
    Ok(())
}
