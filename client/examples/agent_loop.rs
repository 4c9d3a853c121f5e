//! An agent that takes tasks from a queue one after the other, asks a person where it cannot go on, and hands its work
//! in for review. A person's part is played at the end of the file.
//!
//! Run it beside a server: `cargo run -p baton-client --example agent_loop [http://127.0.0.1:50051]`. It makes three tasks
//! of its own and ends when they are done.

use std::collections::HashSet;

use baton_client::proto::Task;
use baton_client::{
    Client, DEFAULT_ENDPOINT, Error, EventType, NewTask, Reason, WatchItem, WatchOptions, actor, value,
};
use serde_json::json;

const QUEUE: &str = "agent-example";

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let endpoint = std::env::args().nth(1).unwrap_or(DEFAULT_ENDPOINT.to_owned());
    let builder = Client::builder().endpoint(endpoint);
    let person = builder.clone().actor(actor::human("ada")).build()?;
    let agent = builder.actor(actor::agent("writer-1")).build()?;

    let topics = ["queues", "leases", "feeds"];
    let new = topics.map(|topic| {
        let title = format!("Write about {topic}");
        NewTask::new("article").queue(QUEUE).title(title).needs_approval()
    });
    let tasks = person.batch_create(new).await?.into_inner();
    let ids: HashSet<String> = tasks.into_iter().map(|task| task.id).collect();

    let supervisor = tokio::spawn(supervise(person, ids.clone()));
    let mut open = ids;
    let options = WatchOptions::tasks()
        .filter(format!("queue = \"{QUEUE}\" AND state = QUEUED"))
        .from_snapshot();
    let mut queued = agent.watch(options).await?;
    while !open.is_empty() {
        let id = match queued.next().await.ok_or("the feed ended")?? {
            WatchItem::Snapshot(task) => task.id,
            WatchItem::Event(event) => event.task_id,
            _ => continue,
        };
        if open.remove(&id)
            && let Some(task) = take(&agent, &id).await?
        {
            write(&agent, &task).await?;
        }
    }
    supervisor.await??;
    Ok(())
}

/// Starts the task; nothing where another agent was faster.
async fn take(agent: &Client, id: &str) -> Result<Option<Task>, Error> {
    match agent.start(id).await {
        Ok(task) => Ok(Some(task.into_inner())),
        Err(error) if error.reason() == Some(&Reason::InvalidStateTransition) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Does the work. What it needs to know it asks for, and waits until somebody has answered.
async fn write(agent: &Client, task: &Task) -> Result<(), Error> {
    println!("agent: took {:?}", task.title);
    let mut feed = agent.watch(WatchOptions::task(&task.id)).await?;
    agent
        .request_input(&task.id, "In which tone?")
        .key("tone")
        .choices(["plain", "funny"])
        .await?;
    while let Some(item) = feed.next().await {
        if let WatchItem::Event(event) = item?
            && event.r#type() == EventType::InputProvided
        {
            break;
        }
    }
    let task = agent.get(&task.id).await?.task;
    let answers = task
        .input_requests
        .iter()
        .filter_map(|request| request.answer.as_ref());
    let tone: String = answers
        .last()
        .map(value::read_json)
        .transpose()?
        .unwrap_or_default();
    agent.progress(&task.id).percent(90).step("polishing").await?;
    agent
        .complete(&task.id)
        .output_json(&json!({ "text": format!("{} ({tone})", task.title) }))
        .await?;
    Ok(())
}

/// The person: answers what is asked, approves what is handed in, until all is done.
async fn supervise(person: Client, ids: HashSet<String>) -> Result<(), Error> {
    let mut done = 0;
    let options = WatchOptions::tasks()
        .filter(format!("queue = \"{QUEUE}\""))
        .from_oldest();
    let mut feed = person.watch(options).await?;
    while done < ids.len() {
        let Some(item) = feed.next().await else { break };
        let WatchItem::Event(event) = item? else { continue };
        if !ids.contains(&event.task_id) {
            continue;
        }
        match event.r#type() {
            EventType::InputRequested => {
                person
                    .provide_input(&event.task_id, value::json("plain")?)
                    .key("tone")
                    .await?;
            }
            EventType::Submitted | EventType::Completed
                if event.to_state() == baton_client::State::Review =>
            {
                println!("person: approved {}", event.task_id);
                person.approve(&event.task_id).message("good").await?;
                done += 1;
            }
            _ => {}
        }
    }
    Ok(())
}
