//! `baton watch`: what happens, as it happens.

mod bars;

use std::io::IsTerminal;

use baton_client::proto::WatchTasksResponse;
use baton_client::{WatchItem, WatchOptions};
use clap::{Args, ValueEnum};

use super::exit::{EXIT_CODES, Exit, Failure};
use super::names::EventType;
use super::options::{Format, Options, Session};
use super::show::Screen;
use bars::Bars;

/// `baton watch ...`
#[derive(Args)]
#[command(after_help = format!("\
On a terminal every running task has a progress bar, and a line tells what else happens. Elsewhere, and with --output \
json, each line is one WatchTasksResponse in canonical protobuf JSON with a task, an event, or nothing but a token. The \
watch goes on over restarts of the server. To go on after a restart of your own program without missing anything, keep \
the last resumeToken and give it to --resume.

Examples:
  baton watch
  baton watch ID
  baton watch --filter 'queue = mail' --from now --output json | jq -r '.events[]?.type'

{EXIT_CODES}"))]
pub(crate) struct WatchArgs {
    #[command(flatten)]
    pub(super) options: Options,
    #[command(flatten)]
    pub(super) what: What,
}

/// Which tasks, from where.
#[derive(Args)]
pub(crate) struct What {
    /// Task to watch until it settles [default: all tasks, for ever]
    #[arg(value_name = "ID")]
    id: Option<String>,
    /// Only tasks that match, over id, queue, type, state and labels
    #[arg(long, value_name = "FILTER", conflicts_with = "id")]
    filter: Option<String>,
    /// Only events of this type, or one of these
    #[arg(long = "type", value_name = "TYPE")]
    types: Vec<EventType>,
    /// Begin with the tasks as they are, with what happens next, or with the oldest event that is still kept
    #[arg(
        long,
        value_name = "START",
        default_value = "snapshot",
        conflicts_with = "resume"
    )]
    from: From,
    /// Go on after the message with this token
    #[arg(long, value_name = "TOKEN")]
    resume: Option<String>,
    /// With inputs and outputs, in json
    #[arg(long)]
    full: bool,
}

/// Where a watch begins; its argument explains the values.
#[derive(Clone, Copy, ValueEnum)]
enum From {
    Snapshot,
    Now,
    Oldest,
}

impl What {
    fn options(self) -> WatchOptions {
        let mut options = match self.id {
            Some(id) => WatchOptions::task(id),
            None => WatchOptions::tasks().filter(self.filter.unwrap_or_default()),
        };
        options = options.event_types(self.types.into_iter().map(|EventType(event_type)| event_type));
        if self.full {
            options = options.full();
        }
        match (self.resume, self.from) {
            (Some(token), _) => options.resume(token),
            (None, From::Snapshot) => options.from_snapshot(),
            (None, From::Now) => options,
            (None, From::Oldest) => options.from_oldest(),
        }
    }
}

/// What the watch looks like.
enum Look {
    Lines(Screen),
    Bars(Box<Bars>),
}

impl Look {
    fn of(asked: Option<Format>, terminal: bool) -> Self {
        match (asked, terminal) {
            (Some(Format::Json), _) | (None, false) => Look::Lines(Screen::new(Format::Json)),
            (Some(Format::Table), false) => Look::Lines(Screen::new(Format::Table)),
            (Some(Format::Table) | None, true) => Look::Bars(Box::new(Bars::new())),
        }
    }
}

pub(super) async fn watch(session: &Session, what: What) -> Result<Exit, Failure> {
    let mut look = Look::of(session.asked, std::io::stdout().is_terminal());
    let mut watch = session.client.watch(what.options()).await?;
    while let Some(item) = watch.next().await {
        let item = item?;
        match &mut look {
            Look::Lines(screen) => screen.watched(&message(item, watch.resume_token()))?,
            Look::Bars(bars) => bars.show(&item)?,
        }
    }
    Ok(Exit::Done)
}

/// The item as the message that would carry it alone. A token that stands for a group of items comes with its last one; in
/// between stands the token of the group before.
fn message(item: WatchItem, token: Option<&str>) -> WatchTasksResponse {
    let mut message = WatchTasksResponse {
        resume_token: token.unwrap_or_default().to_owned(),
        ..WatchTasksResponse::default()
    };
    match item {
        WatchItem::Snapshot(task) => message.tasks.push(*task),
        WatchItem::SnapshotComplete => message.snapshot_complete = true,
        WatchItem::Event(event) | WatchItem::Left(event) => message.events.push(*event),
        WatchItem::Bookmark(time) => message.time = time,
        // Of a newer client; there is nothing to show but the token.
        _ => {}
    }
    message
}
