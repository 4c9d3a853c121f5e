//! `baton queue`: what limits the tasks that name a queue, and how it stands.

use std::time::Duration;

use baton_client::proto::{Queue, RateLimit, RetryPolicy};
use baton_client::value;
use clap::{Args, Subcommand};

use super::exit::{EXIT_CODES, Exit, Failure};
use super::options::{Options, Session};
use super::pages;
use super::parse;

const EXAMPLES: &str = "\
Examples:
  baton queue create steps --concurrency 5 --rate 10/1s
  baton queue create mail --key tenant --key-concurrency 1 --max-attempts 5 --retention 30d
  baton queue stats steps
  baton queue update steps --concurrency 8 --clear rate_limit
  baton queue pause steps --note 'the model is down' && baton queue resume steps
  baton queue purge steps --reason 'made by mistake'";

/// `baton queue ...`
#[derive(Args)]
#[command(after_help = format!("{EXAMPLES}\n\n{EXIT_CODES}"))]
pub(crate) struct QueueArgs {
    #[command(flatten)]
    pub(super) options: Options,
    #[command(subcommand)]
    pub(super) command: QueueCommand,
}

/// In the order of a queue's life.
#[derive(Subcommand)]
pub(super) enum QueueCommand {
    /// Create a queue, for the tasks that name it already too
    Create(CreateArgs),
    /// Show a queue with its limits
    Get(NameArgs),
    /// List the queues that were created, by their names
    List(ListArgs),
    /// Edit the limits, the policy or the retention of a queue
    Update(UpdateArgs),
    /// Delete a queue that no open task names
    Delete(NameArgs),
    /// Stop giving out tasks of a queue for now
    Pause(NoteArgs),
    /// Let a paused queue go on
    Resume(NoteArgs),
    /// Cancel the ready tasks of a queue
    Purge(PurgeArgs),
    /// Show what waits in a queue, what is leased, and how fast it goes
    Stats(NameArgs),
}

/// What is said of it.
#[derive(Args)]
struct SpecArgs {
    /// Tasks that may be leased at once
    #[arg(long, value_name = "COUNT")]
    concurrency: Option<i32>,
    /// Tasks that are given out in each period, such as 10/1s
    #[arg(long, value_name = "COUNT/TIME", value_parser = rate)]
    rate: Option<(i32, Duration)>,
    /// Tasks of --rate that may be given out at once after a quiet time [default: 1]
    #[arg(long, value_name = "COUNT", requires = "rate")]
    burst: Option<i32>,
    /// Label whose values have a limit each
    #[arg(long, value_name = "LABEL")]
    key: Option<String>,
    /// Tasks of one value of --key that may be leased at once
    #[arg(long, value_name = "COUNT")]
    key_concurrency: Option<i32>,
    /// Attempts of a task that does not say how many itself
    #[arg(long, value_name = "COUNT")]
    max_attempts: Option<i32>,
    /// Wait before its second attempt [default: 1.5s]
    #[arg(long, value_name = "TIME", value_parser = parse::span, requires = "max_attempts")]
    backoff: Option<Duration>,
    /// How long settled tasks are kept, such as 720h or 30d
    #[arg(long, value_name = "TIME", value_parser = days)]
    retention: Option<Duration>,
    /// What it is for, as text for people
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
}

impl SpecArgs {
    fn queue(self, name: String) -> Queue {
        let policy = self.max_attempts.map(|max_attempts| RetryPolicy {
            max_attempts: Some(max_attempts),
            initial_backoff: self.backoff.map(value::span),
            ..RetryPolicy::default()
        });
        let rate = self.rate.map(|(count, period)| RateLimit {
            count,
            period: Some(value::span(period)),
            burst: self.burst.unwrap_or_default(),
        });
        Queue {
            name,
            description: self.description.unwrap_or_default(),
            concurrency_limit: self.concurrency,
            rate_limit: rate,
            key_label: self.key.unwrap_or_default(),
            key_concurrency_limit: self.key_concurrency,
            retry_policy: policy,
            retention: self.retention.map(value::span),
            ..Queue::default()
        }
    }
}

/// A queue to be.
#[derive(Args)]
pub(super) struct CreateArgs {
    /// Its name, as tasks name it: a-z 0-9 . _ -
    #[arg(value_name = "NAME")]
    name: String,
    #[command(flatten)]
    spec: SpecArgs,
    /// It gives out nothing until it is resumed
    #[arg(long)]
    paused: bool,
}

/// Which queue.
#[derive(Args)]
pub(super) struct NameArgs {
    /// Name of the queue
    #[arg(value_name = "NAME")]
    name: String,
}

/// How many.
#[derive(Args)]
pub(super) struct ListArgs {
    /// How many queues to show; 0 shows all
    #[arg(long, value_name = "COUNT", default_value_t = 50)]
    limit: usize,
}

/// What to change.
#[derive(Args)]
pub(super) struct UpdateArgs {
    /// Name of the queue
    #[arg(value_name = "NAME")]
    name: String,
    #[command(flatten)]
    spec: SpecArgs,
    /// Field to empty, such as rate_limit or retention; may be given many times
    #[arg(long = "clear", value_name = "FIELD")]
    cleared: Vec<String>,
    /// Only where it was not edited since: its etag
    #[arg(long, value_name = "ETAG")]
    etag: Option<String>,
}

/// Which queue, and why.
#[derive(Args)]
pub(super) struct NoteArgs {
    /// Name of the queue
    #[arg(value_name = "NAME")]
    name: String,
    /// Why, for people
    #[arg(long, value_name = "TEXT", default_value = "")]
    note: String,
}

/// What to cancel.
#[derive(Args)]
pub(super) struct PurgeArgs {
    /// Name of the queue
    #[arg(value_name = "NAME")]
    name: String,
    /// Why, for people
    #[arg(long, value_name = "TEXT", default_value = "")]
    reason: String,
    /// Tasks at most; without it, all of them
    #[arg(long, value_name = "COUNT")]
    max_count: Option<i32>,
}

/// `10/1s`.
fn rate(text: &str) -> Result<(i32, Duration), String> {
    let expected = || "expected COUNT/TIME such as 10/1s or 300/1m".to_owned();
    let (count, period) = text.split_once('/').ok_or_else(expected)?;
    let count = count.parse().map_err(|_| expected())?;
    Ok((count, parse::span(period)?))
}

/// A time, of which days are a unit too: `30d`.
fn days(text: &str) -> Result<Duration, String> {
    const DAY: u64 = 86_400;
    let days = text.strip_suffix('d').and_then(|days| days.parse::<u64>().ok());
    match days.and_then(|days| days.checked_mul(DAY)) {
        Some(seconds) => Ok(Duration::from_secs(seconds)),
        None => parse::span(text),
    }
}

pub(super) async fn carry_out(session: &Session, command: QueueCommand) -> Result<Exit, Failure> {
    let client = &session.client;
    match command {
        QueueCommand::Create(CreateArgs { name, spec, paused }) => {
            let queue = Queue {
                paused,
                ..spec.queue(name)
            };
            one(session, &*client.create_queue(queue).await?)
        }
        QueueCommand::Get(NameArgs { name }) => {
            session.screen.queue(&client.get_queue(name).await?)?;
            Ok(Exit::Done)
        }
        QueueCommand::List(ListArgs { limit }) => {
            let all = client.list_queues().page_size(pages::page_size(limit)).all();
            pages::show(session, limit, all, |screen, rows| screen.queue_rows(rows)).await
        }
        QueueCommand::Update(args) => update(session, args).await,
        QueueCommand::Delete(NameArgs { name }) => {
            client.delete_queue(&name).await?;
            session.screen.gone(&name)?;
            Ok(Exit::Done)
        }
        QueueCommand::Pause(NoteArgs { name, note }) => {
            one(session, &*client.pause_queue(name).note(note).await?)
        }
        QueueCommand::Resume(NoteArgs { name, note }) => {
            one(session, &*client.resume_queue(name).note(note).await?)
        }
        QueueCommand::Purge(args) => purge(session, args).await,
        QueueCommand::Stats(NameArgs { name }) => {
            session.screen.queue_stats(&client.queue_stats(name).await?)?;
            Ok(Exit::Done)
        }
    }
}

async fn update(session: &Session, args: UpdateArgs) -> Result<Exit, Failure> {
    let UpdateArgs {
        name,
        spec,
        cleared,
        etag,
    } = args;
    let queue = Queue {
        etag: etag.unwrap_or_default(),
        ..spec.queue(name)
    };
    let mut fields: Vec<String> = Vec::new();
    if !cleared.is_empty() {
        // Naming some fields means naming all of them.
        fields.extend(given(&queue).map(str::to_owned));
        fields.extend(cleared);
    }
    let fields = fields.iter().map(String::as_str);
    one(session, &*session.client.update_queue(queue, fields).await?)
}

/// The fields that an update sets.
fn given(queue: &Queue) -> impl Iterator<Item = &'static str> {
    let given = [
        ("description", !queue.description.is_empty()),
        ("concurrency_limit", queue.concurrency_limit.is_some()),
        ("rate_limit", queue.rate_limit.is_some()),
        ("key_label", !queue.key_label.is_empty()),
        ("key_concurrency_limit", queue.key_concurrency_limit.is_some()),
        ("retry_policy", queue.retry_policy.is_some()),
        ("retention", queue.retention.is_some()),
    ];
    given
        .into_iter()
        .filter(|(_, given)| *given)
        .map(|(name, _)| name)
}

/// Calls until nothing is left that may be cancelled.
async fn purge(session: &Session, args: PurgeArgs) -> Result<Exit, Failure> {
    let PurgeArgs {
        name,
        reason,
        max_count,
    } = args;
    let mut purged = baton_client::proto::PurgeQueueResponse::default();
    loop {
        let call = session.client.purge_queue(&name).reason(&reason);
        let answer = call.max_count(max_count.unwrap_or_default()).await?;
        purged.cancelled_count += answer.cancelled_count;
        purged.passed_over_count += answer.passed_over_count;
        purged.remaining_count = answer.remaining_count;
        let is_stuck = answer.cancelled_count == 0;
        if max_count.is_some() || is_stuck || answer.remaining_count == 0 {
            session.screen.purged(&purged)?;
            return Ok(Exit::Done);
        }
    }
}

fn one(session: &Session, queue: &Queue) -> Result<Exit, Failure> {
    session.screen.queue_rows(std::slice::from_ref(queue))?;
    Ok(Exit::Done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_and_days_are_read() {
        assert_eq!(rate("10/1s"), Ok((10, Duration::from_secs(1))));
        assert_eq!(rate("300/1m"), Ok((300, Duration::from_secs(60))));
        assert!(rate("10").is_err() && rate("x/1s").is_err() && rate("10/x").is_err());
        assert_eq!(days("30d"), Ok(Duration::from_secs(30 * 86_400)));
        assert_eq!(days("90s"), Ok(Duration::from_secs(90)));
    }
}
