//! The moves that clients make.

use std::time::Duration;

use baton_client::proto::{Actor, Task};
use baton_client::{Call, Guarded, Reply, Rpc, value};
use clap::Args;

use super::exit::{Exit, Failure};
use super::names::OnFailure;
use super::options::Session;
use super::parse::{self, Json, WhenArgs};

/// The task that a move is about.
#[derive(Args)]
pub(crate) struct One {
    /// Task to change
    #[arg(value_name = "ID")]
    pub(super) id: String,
    #[command(flatten)]
    pub(super) guard: Guard,
}

/// The task that its holder moves.
#[derive(Args)]
pub(crate) struct Held {
    #[command(flatten)]
    pub(super) one: One,
    /// Token of the lease by which the task is held, where it is; better kept in the environment, where other users of the
    /// machine do not see it
    #[arg(
        long,
        env = "BATON_LEASE_TOKEN",
        value_name = "TOKEN",
        hide_env_values = true,
        help_heading = "Safety"
    )]
    lease_token: Option<String>,
}

impl Held {
    /// Empty where the task is not held by lease.
    pub(super) fn token(&self) -> String {
        self.lease_token.clone().unwrap_or_default()
    }
}

/// How long a lease lasts.
#[derive(Args)]
pub(crate) struct Terms {
    /// Hold it by lease, such as 10m: it goes back when this time is over after the start, or 10 s without one; the
    /// holder shows the lease token that this prints with every further command
    #[arg(long, value_name = "TIME", value_parser = parse::span)]
    pub(super) lease_duration: Option<Duration>,
}

/// What keeps a change from being made at the wrong moment, or twice.
#[derive(Args)]
pub(crate) struct Guard {
    /// Change the task only if this is still its etag (`get` shows it)
    #[arg(long, help_heading = "Safety")]
    pub(super) etag: Option<String>,
    /// UUID of your own: repeating the command with the same one is harmless for 24 hours
    #[arg(long, value_name = "UUID", help_heading = "Safety")]
    pub(super) request_id: Option<String>,
}

impl Guard {
    pub(super) fn put_on<R: Guarded>(self, mut call: Call<R>) -> Call<R> {
        if let Some(etag) = self.etag {
            call = call.etag(etag);
        }
        if let Some(request_id) = self.request_id {
            call = call.request_id(request_id);
        }
        call
    }
}

/// Makes the change and shows the task after it.
pub(super) async fn change<R>(session: &Session, guard: Guard, call: Call<R>) -> Result<Exit, Failure>
where
    R: Guarded + Rpc<Output = Reply<Task>>,
{
    let task = guard.put_on(call).await?;
    session.screen.task_row(&task)?;
    Ok(Exit::Done)
}

/// As [`change`], and shows the lease that came of it.
pub(super) async fn grant<R>(session: &Session, guard: Guard, call: Call<R>) -> Result<Exit, Failure>
where
    R: Guarded + Rpc<Output = Reply<Task>>,
{
    let task = guard.put_on(call).await?;
    match task.lease().cloned() {
        Some(lease) => session.screen.leased(task.into_inner(), lease)?,
        None => session.screen.task_row(&task)?,
    }
    Ok(Exit::Done)
}

pub(super) async fn queue(session: &Session, One { id, guard }: One) -> Result<Exit, Failure> {
    change(session, guard, session.client.queue(id)).await
}

pub(super) async fn release(session: &Session, held: Held) -> Result<Exit, Failure> {
    let token = held.token();
    let One { id, guard } = held.one;
    change(session, guard, session.client.release(id).lease_token(token)).await
}

pub(super) async fn resume(session: &Session, One { id, guard }: One) -> Result<Exit, Failure> {
    change(session, guard, session.client.resume(id)).await
}

/// A task that becomes ready later.
#[derive(Args)]
pub(crate) struct LaterArgs {
    #[command(flatten)]
    one: One,
    #[command(flatten)]
    when: WhenArgs,
}

pub(super) async fn schedule(session: &Session, args: LaterArgs) -> Result<Exit, Failure> {
    let call = session.client.schedule(args.one.id, args.when.when());
    change(session, args.one.guard, call).await
}

/// A task whose work is put off.
#[derive(Args)]
pub(crate) struct SnoozeArgs {
    #[command(flatten)]
    held: Held,
    #[command(flatten)]
    when: WhenArgs,
}

pub(super) async fn snooze(session: &Session, args: SnoozeArgs) -> Result<Exit, Failure> {
    let token = args.held.token();
    let One { id, guard } = args.held.one;
    let call = session.client.snooze(id, args.when.when());
    change(session, guard, call.lease_token(token)).await
}

/// A task and who is to do it.
#[derive(Args)]
pub(crate) struct AssignArgs {
    #[command(flatten)]
    one: One,
    /// Who is to do it: human:ID, agent:ID or service:ID
    #[arg(value_name = "WHO", value_parser = parse::actor)]
    assignee: Actor,
    #[command(flatten)]
    terms: Terms,
}

pub(super) async fn assign(session: &Session, args: AssignArgs) -> Result<Exit, Failure> {
    let mut call = session.client.assign(args.one.id, args.assignee);
    if let Some(duration) = args.terms.lease_duration {
        call = call.lease_duration(duration);
    }
    grant(session, args.one.guard, call).await
}

/// An answer to a question.
#[derive(Args)]
pub(crate) struct ProvideInputArgs {
    #[command(flatten)]
    one: One,
    /// The answer, as text
    #[arg(value_name = "TEXT", required_unless_present = "json")]
    text: Option<String>,
    /// The answer, as JSON, @FILE, or - for standard input
    #[arg(long, conflicts_with = "text", value_parser = parse::json)]
    json: Option<Json>,
    /// Which question is answered [default: the only open one]
    #[arg(long)]
    key: Option<String>,
}

pub(super) async fn provide_input(session: &Session, args: ProvideInputArgs) -> Result<Exit, Failure> {
    let answer = match args.json {
        Some(Json(text)) => value::json_text(text),
        None => value::json(&args.text.unwrap_or_default())?,
    };
    let call = session.client.provide_input(args.one.id, answer);
    change(session, args.one.guard, call.key(args.key.unwrap_or_default())).await
}

/// A task and, perhaps, what the reviewer says.
#[derive(Args)]
pub(crate) struct ApproveArgs {
    #[command(flatten)]
    one: One,
    /// What the reviewer says
    #[arg(long, value_name = "TEXT")]
    message: Option<String>,
}

pub(super) async fn approve(session: &Session, args: ApproveArgs) -> Result<Exit, Failure> {
    let call = session.client.approve(args.one.id);
    change(
        session,
        args.one.guard,
        call.message(args.message.unwrap_or_default()),
    )
    .await
}

/// A task and what is to be done better.
#[derive(Args)]
pub(crate) struct MessageArgs {
    #[command(flatten)]
    one: One,
    /// What is to be done better
    #[arg(value_name = "TEXT")]
    message: String,
}

pub(super) async fn rework(session: &Session, args: MessageArgs) -> Result<Exit, Failure> {
    let call = session.client.request_rework(args.one.id, args.message);
    change(session, args.one.guard, call).await
}

/// A task and, perhaps, why.
#[derive(Args)]
pub(crate) struct ReasonArgs {
    #[command(flatten)]
    one: One,
    /// Why, for people; the task shows it
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

pub(super) async fn pause(session: &Session, args: ReasonArgs) -> Result<Exit, Failure> {
    let call = session.client.pause(args.one.id);
    change(
        session,
        args.one.guard,
        call.reason(args.reason.unwrap_or_default()),
    )
    .await
}

pub(super) async fn reject(session: &Session, args: ReasonArgs) -> Result<Exit, Failure> {
    let call = session.client.reject(args.one.id);
    change(
        session,
        args.one.guard,
        call.reason(args.reason.unwrap_or_default()),
    )
    .await
}

/// A task and a comment.
#[derive(Args)]
pub(crate) struct CommentArgs {
    /// Task to comment on
    #[arg(value_name = "ID")]
    id: String,
    /// The comment
    #[arg(value_name = "TEXT")]
    message: String,
    /// UUID of your own: repeating the command with the same one is harmless for 24 hours
    #[arg(long, value_name = "UUID")]
    request_id: Option<String>,
}

pub(super) async fn comment(session: &Session, args: CommentArgs) -> Result<Exit, Failure> {
    let mut call = session.client.comment(args.id, args.message);
    if let Some(request_id) = args.request_id {
        call = call.request_id(request_id);
    }
    let commented = call.await?.into_inner();
    if let Some(event) = &commented.event {
        session.screen.event(event)?;
    }
    Ok(Exit::Done)
}

/// A task and the one it is to wait for.
#[derive(Args)]
pub(crate) struct AddDependencyArgs {
    #[command(flatten)]
    one: One,
    /// Task to wait for
    #[arg(value_name = "ON")]
    on: String,
    /// What to do if that one does not complete
    #[arg(long, value_name = "RULE", default_value = "fail")]
    on_failure: OnFailure,
}

pub(super) async fn add_dependency(session: &Session, args: AddDependencyArgs) -> Result<Exit, Failure> {
    let OnFailure(rule) = args.on_failure;
    let call = session
        .client
        .add_dependency(args.one.id, args.on)
        .on_failure(rule);
    change(session, args.one.guard, call).await
}

/// A task and the one it no longer waits for.
#[derive(Args)]
pub(crate) struct RemoveDependencyArgs {
    #[command(flatten)]
    one: One,
    /// Task it no longer waits for
    #[arg(value_name = "ON")]
    on: String,
}

pub(super) async fn remove_dependency(
    session: &Session,
    args: RemoveDependencyArgs,
) -> Result<Exit, Failure> {
    let call = session.client.remove_dependency(args.one.id, args.on);
    change(session, args.one.guard, call).await
}
