//! The moves that may be made to many tasks at once: cancel, retry, discard.

use std::time::Duration;

use baton_client::{BulkOutcome, Call, Change, Reply, Rpc, Selection, value};
use clap::Args;

use super::dead::DEAD;
use super::exit::{Exit, Failure};
use super::filter::all_of;
use super::moves::{Guard, change};
use super::options::Session;
use super::parse::{self, Json};

/// One task by id, many by ids, or all that match.
#[derive(Args)]
pub(crate) struct ManyArgs {
    /// Tasks to change
    #[arg(value_name = "ID", required_unless_present = "filter", conflicts_with = "filter", num_args = 1..)]
    ids: Vec<String>,
    /// Change all tasks that match, such as 'queue = mail AND labels.team = "finance"'
    #[arg(long, value_name = "FILTER")]
    filter: Option<String>,
    /// How many tasks a filter may touch, at most 10000 [default: 1000]
    #[arg(long, value_name = "COUNT", requires = "filter")]
    max_count: Option<i32>,
    /// Only say what would happen; needs --filter or several ids
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    guard: Guard,
}

/// What the arguments come to.
enum Tasks {
    One(String, Guard),
    Many(Selection, Settings),
}

/// What all bulk calls can be told.
struct Settings {
    max_count: i32,
    dry_run: bool,
    guard: Guard,
}

impl ManyArgs {
    /// A filter finds only DEAD tasks then; ids are what they were.
    fn of_the_dead(mut self) -> Self {
        let of_these = |filter: String| match filter.trim() {
            "" => filter,
            _ => all_of(&[DEAD.to_owned(), filter]),
        };
        self.filter = self.filter.map(of_these);
        self
    }

    fn tasks(mut self) -> Result<Tasks, Failure> {
        if self.ids.len() == 1
            && !self.dry_run
            && let Some(id) = self.ids.pop()
        {
            return Ok(Tasks::One(id, self.guard));
        }
        if self.guard.etag.is_some() {
            let why = "--etag is one task's: it cannot guard many";
            return Err(Failure::Usage(why.to_owned()));
        }
        // Beside `state = DEAD` it would mean all of them: more likely a variable of a script is empty.
        if self
            .filter
            .as_ref()
            .is_some_and(|filter| filter.trim().is_empty())
        {
            let why = "--filter is empty: say which tasks, such as 'type = report'; 'state = DEAD' takes all of the dead";
            return Err(Failure::Usage(why.to_owned()));
        }
        let selection = self.filter.map_or(Selection::Ids(self.ids), Selection::Filter);
        Ok(Tasks::Many(
            selection,
            Settings {
                max_count: self.max_count.unwrap_or_default(),
                dry_run: self.dry_run,
                guard: self.guard,
            },
        ))
    }
}

/// Makes the change and shows what it came to.
async fn change_many<R>(session: &Session, call: Call<R>) -> Result<Exit, Failure>
where
    R: Change + Rpc<Output = Reply<BulkOutcome>>,
{
    let outcome = call.await?;
    session.screen.bulk(&outcome)?;
    Ok(if outcome.failed_count == 0 {
        Exit::Done
    } else {
        Exit::Refused
    })
}

/// Puts the settings of a bulk call on it; the calls have the same methods but no common trait for them.
macro_rules! settled {
    ($call:expr, $settings:expr) => {{
        let Settings {
            max_count,
            dry_run,
            guard,
        } = $settings;
        let mut call = $call.max_count(max_count);
        if dry_run {
            call = call.validate_only();
        }
        match guard.request_id {
            Some(request_id) => call.request_id(request_id),
            None => call,
        }
    }};
}

/// Which tasks to call off, and why.
#[derive(Args)]
pub(crate) struct CancelArgs {
    #[command(flatten)]
    tasks: ManyArgs,
    /// Why, for people; the tasks show it
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

pub(super) async fn cancel(session: &Session, args: CancelArgs) -> Result<Exit, Failure> {
    let reason = args.reason.unwrap_or_default();
    match args.tasks.tasks()? {
        Tasks::One(id, guard) => change(session, guard, session.client.cancel(id).reason(reason)).await,
        Tasks::Many(selection, settings) => {
            let call = session.client.bulk_cancel(selection).reason(reason);
            change_many(session, settled!(call, settings)).await
        }
    }
}

/// Which tasks to bring back, and when.
#[derive(Args)]
pub(crate) struct RetryArgs {
    #[command(flatten)]
    tasks: ManyArgs,
    /// New input, for one task only: JSON, @FILE, or - for standard input
    #[arg(long, value_name = "JSON", value_parser = parse::json, conflicts_with = "filter")]
    input: Option<Json>,
    /// Ready after this long, such as 90s [default: at once]
    #[arg(long, value_name = "TIME", value_parser = parse::span)]
    r#in: Option<Duration>,
}

impl RetryArgs {
    /// See [`ManyArgs::of_the_dead`].
    pub(super) fn of_the_dead(mut self) -> Self {
        self.tasks = self.tasks.of_the_dead();
        self
    }
}

pub(super) async fn retry(session: &Session, args: RetryArgs) -> Result<Exit, Failure> {
    let RetryArgs {
        tasks,
        input,
        r#in: delay,
    } = args;
    match tasks.tasks()? {
        Tasks::One(id, guard) => {
            let mut call = session.client.retry(id);
            if let Some(Json(text)) = input {
                call = call.input(value::json_text(text));
            }
            if let Some(delay) = delay {
                call = call.delay(delay);
            }
            change(session, guard, call).await
        }
        Tasks::Many(..) if input.is_some() => {
            Err(Failure::Usage("--input is for one task at a time".to_owned()))
        }
        Tasks::Many(selection, settings) => {
            let mut call = session.client.bulk_retry(selection);
            if let Some(delay) = delay {
                call = call.delay(delay);
            }
            change_many(session, settled!(call, settings)).await
        }
    }
}

/// Which tasks to give up.
#[derive(Args)]
pub(crate) struct DiscardArgs {
    #[command(flatten)]
    tasks: ManyArgs,
}

impl DiscardArgs {
    /// See [`ManyArgs::of_the_dead`].
    pub(super) fn of_the_dead(self) -> Self {
        DiscardArgs {
            tasks: self.tasks.of_the_dead(),
        }
    }
}

pub(super) async fn discard(session: &Session, args: DiscardArgs) -> Result<Exit, Failure> {
    match args.tasks.tasks()? {
        Tasks::One(id, guard) => change(session, guard, session.client.discard(id)).await,
        Tasks::Many(selection, settings) => {
            change_many(
                session,
                settled!(session.client.bulk_discard(selection), settings),
            )
            .await
        }
    }
}
