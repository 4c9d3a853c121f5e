//! `baton task update` and `baton task delete`.

use baton_client::proto::Task;
use baton_client::{View, value};
use clap::Args;

use super::exit::{Exit, Failure};
use super::moves::{One, change};
use super::names::Priority;
use super::options::Session;
use super::parse::{self, Json};

/// What is not named stays as it is.
#[derive(Args)]
pub(crate) struct UpdateArgs {
    #[command(flatten)]
    one: One,
    /// One line for people
    #[arg(long)]
    title: Option<String>,
    /// What it is about, as long text
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    /// How urgent it is
    #[arg(long, value_name = "PRIORITY")]
    priority: Option<Priority>,
    /// Label to add or change; may be given many times
    #[arg(long = "label", value_name = "KEY=VALUE", value_parser = parse::pair)]
    labels: Vec<(String, String)>,
    /// Label to take away; may be given many times
    #[arg(long = "remove-label", value_name = "KEY")]
    remove_labels: Vec<String>,
    /// Anything else about it, as a JSON object; replaced whole
    #[arg(long, value_name = "JSON", value_parser = parse::json_object)]
    metadata: Option<serde_json::Map<String, serde_json::Value>>,
    /// What to work on: JSON, @FILE or -; before the first start only
    #[arg(long, value_name = "JSON", value_parser = parse::json)]
    input: Option<Json>,
    /// Queue to wait in; before the first start only
    #[arg(long)]
    queue: Option<String>,
    /// What kind of work it is; before the first start only
    #[arg(long = "type", value_name = "TYPE")]
    task_type: Option<String>,
    /// Field to empty, such as description or retry_policy; may be given many times
    #[arg(long = "clear", value_name = "FIELD")]
    cleared: Vec<String>,
}

pub(super) async fn update(session: &Session, args: UpdateArgs) -> Result<Exit, Failure> {
    let mut args = args;
    let mut task = Task {
        id: args.one.id.clone(),
        ..Task::default()
    };
    let mut fields = std::mem::take(&mut args.cleared);
    let mut named = |field: &str| fields.push(field.to_owned());
    if !args.labels.is_empty() || !args.remove_labels.is_empty() {
        // The server replaces the map whole, so it is read first; the etag keeps a change in between from being lost.
        let call = session.client.get(&args.one.id).view(View::Basic);
        let now = call.await?.task;
        task.labels = now.labels;
        task.labels.extend(args.labels);
        task.labels.retain(|key, _| !args.remove_labels.contains(key));
        args.one.guard.etag.get_or_insert(now.etag);
        named("labels");
    }
    if let Some(title) = args.title {
        task.title = title;
        named("title");
    }
    if let Some(description) = args.description {
        task.description = description;
        named("description");
    }
    if let Some(Priority(priority)) = args.priority {
        task.set_priority(priority);
        named("priority");
    }
    if let Some(metadata) = args.metadata {
        task.metadata = Some(value::to_struct(metadata));
        named("metadata");
    }
    if let Some(Json(text)) = args.input {
        task.input = Some(value::json_text(text));
        named("input");
    }
    if let Some(queue) = args.queue {
        task.queue = queue;
        named("queue");
    }
    if let Some(task_type) = args.task_type {
        task.r#type = task_type;
        named("type");
    }
    if fields.is_empty() {
        return Err(Failure::Usage(
            "nothing to change: name a field, such as --title".to_owned(),
        ));
    }
    let call = session.client.update(task, fields.iter().map(String::as_str));
    change(session, args.one.guard, call).await
}

/// A task that is gone cannot be brought back.
#[derive(Args)]
pub(crate) struct DeleteArgs {
    #[command(flatten)]
    one: One,
    /// Delete it even if it is open, or open tasks wait for it or are its children
    #[arg(long)]
    force: bool,
}

pub(super) async fn delete(session: &Session, args: DeleteArgs) -> Result<Exit, Failure> {
    let mut call = args.one.guard.put_on(session.client.delete(&args.one.id));
    if args.force {
        call = call.force();
    }
    call.await?;
    session.screen.gone(&args.one.id)?;
    Ok(Exit::Done)
}
