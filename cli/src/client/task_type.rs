//! `baton type`: what is known of tasks by their type.

use baton_client::proto::{RetryPolicy, TaskType};
use baton_client::value;
use clap::{Args, Subcommand};

use super::create::TimeoutArgs;
use super::exit::{EXIT_CODES, Exit, Failure};
use super::names::{Exposure, Priority};
use super::options::{Options, Session};
use super::{pages, parse};

const EXAMPLES: &str = "\
Examples:
  baton type register rss-sweep --input-schema '{\"required\": [\"url\"]}' --queue feeds
  baton type register heartbeat --exposure internal
  baton type update rss-sweep --input-schema @sweep.schema.json
  baton type get rss-sweep";

/// `baton type ...`
#[derive(Args)]
#[command(after_help = format!("{EXAMPLES}\n\n{EXIT_CODES}"))]
pub(crate) struct TypeArgs {
    #[command(flatten)]
    pub(super) options: Options,
    #[command(subcommand)]
    pub(super) command: TypeCommand,
}

/// In the order of a type's life.
#[derive(Subcommand)]
pub(super) enum TypeCommand {
    /// Register a task type, or find it registered
    Register(Box<ContentArgs>),
    /// Show a task type
    Get(NameArgs),
    /// List task types by their names
    List(ListArgs),
    /// Edit a task type
    Update(Box<UpdateArgs>),
    /// Forget a task type; its tasks stay
    Delete(NameArgs),
}

type Object = serde_json::Map<String, serde_json::Value>;

/// What a type says.
#[derive(Args)]
pub(super) struct ContentArgs {
    /// Name: what the type of its tasks says
    #[arg(value_name = "NAME")]
    name: String,
    /// JSON Schema of inputs: JSON, @FILE, or - for standard input
    #[arg(long, value_name = "JSON", value_parser = parse::json_object)]
    input_schema: Option<Object>,
    /// JSON Schema of outputs, in the same ways
    #[arg(long, value_name = "JSON", value_parser = parse::json_object)]
    output_schema: Option<Object>,
    /// Who may create its tasks [default: public]
    #[arg(long, value_name = "WHO")]
    exposure: Option<Exposure>,
    /// Queue of tasks that name none
    #[arg(long)]
    queue: Option<String>,
    /// Priority of tasks that name none
    #[arg(long, value_name = "PRIORITY")]
    priority: Option<Priority>,
    /// Attempts of tasks that have no retry policy
    #[arg(long, value_name = "COUNT")]
    max_attempts: Option<i32>,
    #[command(flatten)]
    timeouts: TimeoutArgs,
    /// What it is for, as text for people
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
}

/// What to change.
#[derive(Args)]
pub(super) struct UpdateArgs {
    #[command(flatten)]
    content: ContentArgs,
    /// Only where it was not edited since: its etag
    #[arg(long, value_name = "ETAG")]
    etag: Option<String>,
}

/// Which type.
#[derive(Args)]
pub(super) struct NameArgs {
    /// Name of the type
    #[arg(value_name = "NAME")]
    name: String,
}

/// How many.
#[derive(Args)]
pub(super) struct ListArgs {
    /// How many types to show; 0 shows all
    #[arg(long, value_name = "COUNT", default_value_t = 50)]
    limit: usize,
}

impl ContentArgs {
    fn into_type(self) -> TaskType {
        let mut task_type = TaskType {
            name: self.name,
            description: self.description.unwrap_or_default(),
            input_schema: self.input_schema.map(value::to_struct),
            output_schema: self.output_schema.map(value::to_struct),
            queue: self.queue.unwrap_or_default(),
            retry_policy: self.max_attempts.map(|most| RetryPolicy {
                max_attempts: Some(most),
                ..RetryPolicy::default()
            }),
            timeouts: self.timeouts.timeouts(),
            ..TaskType::default()
        };
        if let Some(Exposure(exposure)) = self.exposure {
            task_type.set_exposure(exposure);
        }
        if let Some(Priority(priority)) = self.priority {
            task_type.set_priority(priority);
        }
        task_type
    }
}

pub(super) async fn carry_out(session: &Session, command: TypeCommand) -> Result<Exit, Failure> {
    let client = &session.client;
    match command {
        TypeCommand::Register(args) => {
            let registered = client.register_task_type(args.into_type()).await?;
            one(session, &registered)
        }
        TypeCommand::Get(NameArgs { name }) => {
            session.screen.task_type(&client.get_task_type(name).await?)?;
            Ok(Exit::Done)
        }
        TypeCommand::List(ListArgs { limit }) => {
            let all = client.list_task_types().page_size(pages::page_size(limit)).all();
            pages::show(session, limit, all, |screen, rows| screen.task_type_rows(rows)).await
        }
        TypeCommand::Update(args) => {
            let UpdateArgs { content, etag } = *args;
            let edit = TaskType {
                etag: etag.unwrap_or_default(),
                ..content.into_type()
            };
            one(session, &*client.update_task_type(edit, []).await?)
        }
        TypeCommand::Delete(NameArgs { name }) => {
            client.delete_task_type(&name).await?;
            session.screen.gone(&name)?;
            Ok(Exit::Done)
        }
    }
}

fn one(session: &Session, task_type: &TaskType) -> Result<Exit, Failure> {
    session.screen.task_type_rows(std::slice::from_ref(task_type))?;
    Ok(Exit::Done)
}
