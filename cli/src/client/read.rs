//! The commands that only look: get, list, wait, explain, events, stats.

use std::time::Duration;

use baton_client::proto::TaskEvent;
use baton_client::{State as TaskState, View};
use clap::Args;
use futures::TryStreamExt;

use super::exit::{Exit, Failure};
use super::names::{EventType, State};
use super::options::Session;
use super::{filter, pages, parse};

/// A task.
#[derive(Args)]
pub(crate) struct IdArgs {
    /// Task to look at
    #[arg(value_name = "ID")]
    id: String,
}

/// A task and how much of it.
#[derive(Args)]
pub(crate) struct GetArgs {
    #[command(flatten)]
    one: IdArgs,
    /// Show this many of its newest events too, at most 100
    #[arg(long, value_name = "COUNT", default_value_t = 0)]
    events: i32,
}

pub(super) async fn get(session: &Session, args: GetArgs) -> Result<Exit, Failure> {
    let fetched = session.client.get(args.one.id).event_limit(args.events).await?;
    session.screen.task(&fetched.task)?;
    if !fetched.events.is_empty() {
        session.screen.events(&fetched.events)?;
    }
    Ok(Exit::Done)
}

/// Which tasks; all that is said must be true of a task.
#[derive(Args)]
#[command(after_help = "\
Filters compare fields (id, state, queue, type, priority, title, parent_id, assignee.id, creator.id, labels.KEY, \
create_time, ...) by = != < <= > >=, joined by AND, OR, NOT and parentheses:
  baton task list --filter 'state = FAILED AND create_time > \"2026-11-22T00:00:00Z\"'
  baton task list --filter 'priority = HIGH AND NOT labels.team = \"finance\"'")]
pub(crate) struct ListArgs {
    /// In this state, or one of these
    #[arg(long = "state", value_name = "STATE")]
    states: Vec<State>,
    #[command(flatten)]
    which: TaskFilter,
    /// create_time, update_time, priority or schedule_time, with " asc" or " desc"
    #[arg(long, value_name = "ORDER", default_value = "create_time desc")]
    order_by: String,
    /// How many tasks to show; 0 shows all
    #[arg(long, value_name = "COUNT", default_value_t = 50)]
    limit: usize,
    /// With input and output (in json)
    #[arg(long)]
    full: bool,
}

impl ListArgs {
    /// All that was said, in the language of filters.
    fn filter(&self) -> String {
        let states = self.states.iter().map(|State(state)| state.as_str_name());
        let states = filter::one_of("state", states);
        let parts: Vec<_> = states.into_iter().chain(self.which.parts()).collect();
        filter::all_of(&parts)
    }
}

/// Which tasks, whatever their state.
#[derive(Args)]
pub(super) struct TaskFilter {
    /// In this queue
    #[arg(long)]
    queue: Option<String>,
    /// Of this type
    #[arg(long = "type", value_name = "TYPE")]
    task_type: Option<String>,
    /// With this label; may be given many times
    #[arg(long = "label", value_name = "KEY=VALUE", value_parser = parse::pair)]
    labels: Vec<(String, String)>,
    /// Parts of this task
    #[arg(long, value_name = "ID")]
    parent: Option<String>,
    /// Anything else, in the language below
    #[arg(long, value_name = "FILTER")]
    filter: Option<String>,
}

impl TaskFilter {
    /// What was said, each for itself in the language of filters.
    pub(super) fn parts(&self) -> Vec<String> {
        let fields = [
            ("queue", &self.queue),
            ("type", &self.task_type),
            ("parent_id", &self.parent),
        ];
        let said = fields
            .into_iter()
            .filter_map(|(field, value)| Some(filter::equal(field, value.as_deref()?)));
        let labels = self.labels.iter().map(|(key, value)| filter::label(key, value));
        said.chain(labels).chain(self.filter.clone()).collect()
    }
}

pub(super) async fn list(session: &Session, args: ListArgs) -> Result<Exit, Failure> {
    let mut call = session
        .client
        .list()
        .filter(args.filter())
        .order_by(&args.order_by);
    if args.full {
        call = call.view(View::Full);
    }
    let all = call.page_size(pages::page_size(args.limit)).all();
    pages::show(session, args.limit, all, |screen, tasks| screen.task_rows(tasks)).await
}

/// A task, and how long to wait for what.
#[derive(Args)]
pub(crate) struct WaitArgs {
    #[command(flatten)]
    one: IdArgs,
    /// How long to wait, such as 5m [default: as long as it takes]
    #[arg(long, value_name = "TIME", value_parser = parse::span)]
    timeout: Option<Duration>,
    /// Wait for this state, or one of these [default: any settled one]
    #[arg(long = "until", value_name = "STATE")]
    until: Vec<State>,
}

pub(super) async fn wait(session: &Session, args: WaitArgs) -> Result<Exit, Failure> {
    let until: Vec<TaskState> = args.until.iter().map(|State(state)| *state).collect();
    let within = args.timeout.unwrap_or(Duration::MAX);
    let waited = session
        .client
        .wait(args.one.id, within)
        .until(until.iter().copied())
        .await?;
    session.screen.task_row(&waited.task)?;
    Ok(if waited.timed_out {
        Exit::TimedOut
    } else if !until.is_empty() || waited.task.state() == TaskState::Completed {
        Exit::Done
    } else {
        Exit::NotCompleted
    })
}

pub(super) async fn explain(session: &Session, args: IdArgs) -> Result<Exit, Failure> {
    let explained = session.client.explain(args.id).await?;
    session.screen.explanation(&explained)?;
    Ok(Exit::Done)
}

/// A task and which of its events.
#[derive(Args)]
pub(crate) struct EventsArgs {
    #[command(flatten)]
    one: IdArgs,
    /// Only events of this type, or one of these
    #[arg(long = "type", value_name = "TYPE")]
    types: Vec<EventType>,
    /// With the payloads that events name, in json
    #[arg(long)]
    full: bool,
}

pub(super) async fn events(session: &Session, args: EventsArgs) -> Result<Exit, Failure> {
    let types = args.types.iter().map(|EventType(event_type)| *event_type);
    let view = if args.full { View::Full } else { View::Basic };
    let call = session
        .client
        .list_events(args.one.id)
        .event_types(types)
        .view(view);
    let events: Vec<TaskEvent> = call.page_size(1_000).all().try_collect().await?;
    session.screen.events(&events)?;
    Ok(Exit::Done)
}

/// Which tasks to count.
#[derive(Args)]
pub(crate) struct StatsArgs {
    /// Only tasks that match, over state, queue and type
    #[arg(long, value_name = "FILTER")]
    filter: Option<String>,
}

pub(super) async fn stats(session: &Session, args: StatsArgs) -> Result<Exit, Failure> {
    let stats = session
        .client
        .stats()
        .filter(args.filter.unwrap_or_default())
        .await?;
    session.screen.stats(&stats)?;
    Ok(Exit::Done)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: ListArgs,
    }

    fn filter(arguments: &[&str]) -> String {
        let line = std::iter::once("list").chain(arguments.iter().copied());
        Line::try_parse_from(line).unwrap().args.filter()
    }

    #[test]
    fn what_is_said_in_flags_becomes_one_filter() {
        assert_eq!(filter(&[]), "");
        assert_eq!(filter(&["--filter", "a = b"]), "a = b");
        let all = filter(&[
            "--state",
            "queued",
            "--state",
            "in-progress",
            "--queue",
            "a\"b",
            "--label",
            "k.1=v",
            "--filter",
            "x = 1 OR y = 2",
        ]);
        assert_eq!(
            all,
            "(state = TASK_STATE_QUEUED OR state = TASK_STATE_IN_PROGRESS) AND (queue = \"a\\\"b\") \
             AND (labels.\"k.1\" = \"v\") AND (x = 1 OR y = 2)"
        );
    }
}
