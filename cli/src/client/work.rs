//! The moves of the one who works on a task.

use std::time::Duration;

use baton_client::proto::{Actor, Receipt};
use baton_client::value;
use clap::Args;

use super::exit::{Exit, Failure};
use super::moves::{Held, One, Terms, change, grant};
use super::names::Outcome;
use super::options::Session;
use super::parse::{self, Json};
use super::show;

/// A task and who starts it.
#[derive(Args)]
pub(crate) struct StartArgs {
    #[command(flatten)]
    held: Held,
    /// Who works on it [default: its assignee, else who acts]
    #[arg(long = "as", value_name = "WHO", value_parser = parse::actor)]
    assignee: Option<Actor>,
    #[command(flatten)]
    terms: Terms,
}

pub(super) async fn start(session: &Session, args: StartArgs) -> Result<Exit, Failure> {
    let token = args.held.token();
    let One { id, guard } = args.held.one;
    let mut call = session.client.start(id).lease_token(token);
    if let Some(assignee) = args.assignee {
        call = call.assignee(assignee);
    }
    match args.terms.lease_duration {
        Some(duration) => grant(session, guard, call.lease_duration(duration)).await,
        None => change(session, guard, call).await,
    }
}

/// How far the work is.
#[derive(Args)]
pub(crate) struct ProgressArgs {
    #[command(flatten)]
    held: Held,
    /// How much is done, 0 to 100
    #[arg(value_name = "PERCENT", value_parser = clap::value_parser!(i32).range(0..=100))]
    percent: Option<i32>,
    /// What is being done, as a short name
    #[arg(long, value_name = "TEXT")]
    step: Option<String>,
    /// What is being done, as a sentence
    #[arg(long, value_name = "TEXT")]
    message: Option<String>,
    /// How long the rest will take, such as 5m
    #[arg(long, value_name = "TIME", value_parser = parse::span)]
    remaining: Option<Duration>,
}

pub(super) async fn progress(session: &Session, args: ProgressArgs) -> Result<Exit, Failure> {
    let token = args.held.token();
    let One { id, guard } = args.held.one;
    let mut call = session.client.progress(id);
    if let Some(percent) = args.percent {
        call = call.percent(percent);
    }
    if let Some(step) = args.step {
        call = call.step(step);
    }
    if let Some(message) = args.message {
        call = call.message(message);
    }
    if let Some(remaining) = args.remaining {
        call = call.time_remaining(remaining);
    }
    change(session, guard, call.lease_token(token)).await
}

/// A task and what the work made.
#[derive(Args)]
pub(crate) struct ResultArgs {
    #[command(flatten)]
    held: Held,
    /// What the work made: JSON, @FILE, or - for standard input
    #[arg(long, value_name = "JSON", value_parser = parse::json)]
    result: Option<Json>,
    /// How the work ended and how to verify it, such as '{"status": "completed", "verification": [{"kind": "command",
    /// "value": "make test"}]}'; @FILE or -
    #[arg(long, value_name = "JSON", value_parser = show::receipt)]
    receipt: Option<Receipt>,
}

pub(super) async fn complete(session: &Session, args: ResultArgs) -> Result<Exit, Failure> {
    let token = args.held.token();
    let One { id, guard } = args.held.one;
    let mut call = session.client.complete(id);
    if let Some(Json(text)) = args.result {
        call = call.output(value::json_text(text));
    }
    call = call.with(|request| request.receipt = args.receipt);
    change(session, guard, call.lease_token(token)).await
}

pub(super) async fn submit(session: &Session, args: ResultArgs) -> Result<Exit, Failure> {
    let token = args.held.token();
    let One { id, guard } = args.held.one;
    let mut call = session.client.submit(id);
    if let Some(Json(text)) = args.result {
        call = call.output(value::json_text(text));
    }
    call = call.with(|request| request.receipt = args.receipt);
    change(session, guard, call.lease_token(token)).await
}

/// What went wrong.
#[derive(Args)]
pub(crate) struct FailArgs {
    #[command(flatten)]
    held: Held,
    /// What happened, for people
    #[arg(value_name = "TEXT")]
    message: String,
    /// Stable word that programs switch on, such as rate_limited
    #[arg(long)]
    code: Option<String>,
    /// More about it, as a JSON object
    #[arg(long, value_name = "JSON", value_parser = parse::json_object)]
    details: Option<serde_json::Map<String, serde_json::Value>>,
    /// No further attempt before this time has passed, such as 30s
    #[arg(long, value_name = "TIME", value_parser = parse::span)]
    retry_after: Option<Duration>,
    /// No further attempt at all
    #[arg(long, conflicts_with = "retry_after")]
    non_retryable: bool,
    /// How the attempt ended
    #[arg(long, value_name = "OUTCOME", default_value = "error")]
    outcome: Outcome,
}

pub(super) async fn fail(session: &Session, args: FailArgs) -> Result<Exit, Failure> {
    let token = args.held.token();
    let One { id, guard } = args.held.one;
    let Outcome(outcome) = args.outcome;
    let mut call = session.client.fail(id, args.message).outcome(outcome);
    if let Some(code) = args.code {
        call = call.code(code);
    }
    if let Some(details) = args.details {
        call = call.details(details);
    }
    if let Some(wait) = args.retry_after {
        call = call.retry_after(wait);
    }
    if args.non_retryable {
        call = call.non_retryable();
    }
    change(session, guard, call.lease_token(token)).await
}

/// A question.
#[derive(Args)]
pub(crate) struct RequestInputArgs {
    #[command(flatten)]
    held: Held,
    /// The question
    #[arg(value_name = "TEXT")]
    prompt: String,
    /// Name of the question, unique in the task [default: drawn]
    #[arg(long)]
    key: Option<String>,
    /// Answer to choose from; may be given many times [default: any answer]
    #[arg(long = "choice", value_name = "TEXT")]
    choices: Vec<String>,
    /// JSON Schema of the answer, as a JSON object, for whoever asks a person or a model
    #[arg(long, value_name = "JSON", value_parser = parse::json_object)]
    schema: Option<serde_json::Map<String, serde_json::Value>>,
    /// By when it is answered, such as 2026-11-22T09:00:00Z; then --default is the answer, or the task fails
    #[arg(long, value_name = "TIME", value_parser = parse::time)]
    deadline: Option<prost_types::Timestamp>,
    /// Answer where nobody gives one by then: JSON, @FILE, or -
    #[arg(long, value_name = "JSON", value_parser = parse::json, requires = "deadline")]
    default: Option<Json>,
}

pub(super) async fn request_input(session: &Session, args: RequestInputArgs) -> Result<Exit, Failure> {
    let token = args.held.token();
    let One { id, guard } = args.held.one;
    let call = session.client.request_input(id, args.prompt);
    let call = call.key(args.key.unwrap_or_default()).choices(args.choices);
    let call = call.with(|request| {
        let question = request.input_request.get_or_insert_default();
        question.schema = args.schema.map(value::to_struct);
        question.deadline_time = args.deadline;
        question.default_input = args.default.map(|Json(text)| value::json_text(text));
    });
    change(session, guard, call.lease_token(token)).await
}
