//! `baton schedule`: tasks that come into being by themselves.

use std::time::Duration;

use baton_client::proto::schedule::Timing;
use baton_client::proto::{Actor, Schedule, Task};
use baton_client::value;
use clap::{Args, Subcommand};

use super::exit::{EXIT_CODES, Exit, Failure};
use super::names::{Overlap, Priority};
use super::options::{Options, Session};
use super::pages;
use super::parse::{self, Json};

const EXAMPLES: &str = "\
Examples:
  baton schedule create my-task my-task --every 5m
  baton schedule create nightly report.generate --cron '30 2 * * *' --time-zone Europe/Berlin
  baton schedule preview --cron '0 9 * * MON-FRI' --time-zone Europe/Berlin
  baton schedule pause nightly --note 'the feed moves house' && baton schedule trigger nightly
  baton task list --filter 'labels.\"baton.schedule\" = \"nightly\"'";

/// `baton schedule ...`
#[derive(Args)]
#[command(after_help = format!("{EXAMPLES}\n\n{EXIT_CODES}"))]
pub(crate) struct ScheduleArgs {
    #[command(flatten)]
    pub(super) options: Options,
    #[command(subcommand)]
    pub(super) command: ScheduleCommand,
}

/// In the order of a schedule's life.
#[derive(Subcommand)]
pub(super) enum ScheduleCommand {
    /// Create a schedule
    Create(Box<CreateArgs>),
    /// Show a schedule and what became of its last ticks
    Get(NameArgs),
    /// List schedules by their names
    List(ListArgs),
    /// Edit when a schedule ticks, or how
    Update(UpdateArgs),
    /// Delete a schedule; its tasks stay
    Delete(NameArgs),
    /// Stop a schedule for now
    Pause(NoteArgs),
    /// Let a paused schedule go on
    Resume(NoteArgs),
    /// Make a schedule's task now
    Trigger(NameArgs),
    /// Show the next ticks of a schedule, or of one that is not there yet
    Preview(PreviewArgs),
}

/// When it ticks, and how.
#[derive(Args)]
struct TimingArgs {
    /// Tick at the local times of a cron expression, such as '30 2 * * MON-FRI'
    #[arg(long, value_name = "EXPRESSION", group = "timing")]
    cron: Option<String>,
    /// Tick every so often, such as 5m or 1h
    #[arg(long, value_name = "TIME", value_parser = parse::span, group = "timing")]
    every: Option<Duration>,
    /// By how much each tick of --every is later than its multiple since 1970
    #[arg(long, value_name = "TIME", value_parser = parse::span)]
    phase: Option<Duration>,
    /// Zone whose local times --cron names, such as Europe/Berlin [default: UTC]
    #[arg(long, value_name = "NAME")]
    time_zone: Option<String>,
    /// No tick before this time
    #[arg(long, value_name = "TIME", value_parser = parse::time)]
    start: Option<prost_types::Timestamp>,
    /// No tick after this time
    #[arg(long, value_name = "TIME", value_parser = parse::time)]
    end: Option<prost_types::Timestamp>,
    /// Put each tick off by a share of this
    #[arg(long, value_name = "TIME", value_parser = parse::span)]
    jitter: Option<Duration>,
}

impl TimingArgs {
    fn fill(self, schedule: &mut Schedule) {
        let every = self.every.map(|every| Timing::Interval(value::span(every)));
        schedule.timing = self.cron.map(Timing::Cron).or(every);
        schedule.phase = self.phase.map(value::span);
        schedule.time_zone = self.time_zone.unwrap_or_default();
        schedule.start_time = self.start;
        schedule.end_time = self.end;
        schedule.jitter = self.jitter.map(value::span);
    }
}

/// What a tick does about others.
#[derive(Args)]
struct PolicyArgs {
    /// What a tick does while a task of the schedule is open [default: skip]
    #[arg(long, value_name = "POLICY")]
    overlap: Option<Overlap>,
    /// How late a tick may be and still make its task [default: 24h]
    #[arg(long, value_name = "TIME", value_parser = parse::span)]
    catchup_window: Option<Duration>,
    /// What it is for, as text for people
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
}

impl PolicyArgs {
    fn fill(self, schedule: &mut Schedule) {
        if let Some(Overlap(policy)) = self.overlap {
            schedule.set_overlap_policy(policy);
        }
        schedule.catchup_window = self.catchup_window.map(value::span);
        schedule.description = self.description.unwrap_or_default();
    }
}

/// A schedule to be.
#[derive(Args)]
pub(super) struct CreateArgs {
    /// Name for it: a-z 0-9 . _ -
    #[arg(value_name = "NAME")]
    name: String,
    /// Type of the task that a tick makes
    #[arg(value_name = "TYPE")]
    task_type: String,
    #[command(flatten)]
    timing: TimingArgs,
    #[command(flatten)]
    policy: PolicyArgs,
    /// Title of the task
    #[arg(long)]
    title: Option<String>,
    /// What the task works on: JSON, @FILE, or - for standard input
    #[arg(long, value_name = "JSON", value_parser = parse::json)]
    input: Option<Json>,
    /// Queue of the task [default: "default"]
    #[arg(long)]
    queue: Option<String>,
    /// How urgent the task is [default: normal]
    #[arg(long, value_name = "PRIORITY")]
    priority: Option<Priority>,
    /// Label of the task; may be given many times
    #[arg(long = "label", value_name = "KEY=VALUE", value_parser = parse::pair)]
    labels: Vec<(String, String)>,
    /// Who is to do the task, such as human:ada
    #[arg(long, value_name = "WHO", value_parser = parse::actor)]
    assignee: Option<Actor>,
    /// It does not tick until it is resumed
    #[arg(long)]
    paused: bool,
}

/// Which schedule.
#[derive(Args)]
pub(super) struct NameArgs {
    /// Name of the schedule
    #[arg(value_name = "NAME")]
    name: String,
}

/// How many.
#[derive(Args)]
pub(super) struct ListArgs {
    /// How many schedules to show; 0 shows all
    #[arg(long, value_name = "COUNT", default_value_t = 50)]
    limit: usize,
}

/// What to change.
#[derive(Args)]
pub(super) struct UpdateArgs {
    /// Name of the schedule
    #[arg(value_name = "NAME")]
    name: String,
    #[command(flatten)]
    timing: TimingArgs,
    #[command(flatten)]
    policy: PolicyArgs,
    /// Only where it was not edited since: its etag
    #[arg(long, value_name = "ETAG")]
    etag: Option<String>,
}

/// Which schedule, and why.
#[derive(Args)]
pub(super) struct NoteArgs {
    /// Name of the schedule
    #[arg(value_name = "NAME")]
    name: String,
    /// Why, for people
    #[arg(long, value_name = "TEXT", default_value = "")]
    note: String,
}

/// Whose ticks.
#[derive(Args)]
pub(super) struct PreviewArgs {
    /// Name of a schedule that is there; without one, --cron or --every says when
    #[arg(
        value_name = "NAME",
        required_unless_present = "timing",
        conflicts_with = "timing"
    )]
    name: Option<String>,
    #[command(flatten)]
    timing: TimingArgs,
    /// How many ticks to show
    #[arg(long, value_name = "COUNT", default_value_t = 10)]
    count: i32,
    /// Only ticks after this time [default: now]
    #[arg(long, value_name = "TIME", value_parser = parse::time)]
    after: Option<prost_types::Timestamp>,
}

pub(super) async fn carry_out(session: &Session, command: ScheduleCommand) -> Result<Exit, Failure> {
    let client = &session.client;
    match command {
        ScheduleCommand::Create(args) => {
            let created = client.create_schedule(new_schedule(*args)).await?;
            one(session, &created)
        }
        ScheduleCommand::Get(NameArgs { name }) => {
            session.screen.schedule(&client.get_schedule(name).await?)?;
            Ok(Exit::Done)
        }
        ScheduleCommand::List(ListArgs { limit }) => {
            let all = client.list_schedules().page_size(pages::page_size(limit)).all();
            pages::show(session, limit, all, |screen, rows| screen.schedule_rows(rows)).await
        }
        ScheduleCommand::Update(args) => {
            let updated = client.update_schedule(changed(args), []).await?;
            one(session, &updated)
        }
        ScheduleCommand::Delete(NameArgs { name }) => {
            client.delete_schedule(&name).await?;
            session.screen.gone(&name)?;
            Ok(Exit::Done)
        }
        ScheduleCommand::Pause(NoteArgs { name, note }) => {
            one(session, &*client.pause_schedule(name).note(note).await?)
        }
        ScheduleCommand::Resume(NoteArgs { name, note }) => {
            one(session, &*client.resume_schedule(name).note(note).await?)
        }
        ScheduleCommand::Trigger(NameArgs { name }) => {
            let triggered = client.trigger_schedule(name).await?;
            session.screen.task_row(&triggered.task)?;
            Ok(Exit::Done)
        }
        ScheduleCommand::Preview(args) => preview(session, args).await,
    }
}

async fn preview(session: &Session, args: PreviewArgs) -> Result<Exit, Failure> {
    let call = if let Some(name) = args.name {
        session.client.preview_schedule(name)
    } else {
        let mut schedule = Schedule::default();
        args.timing.fill(&mut schedule);
        session.client.preview_new_schedule(schedule)
    };
    let mut call = call.count(args.count);
    if let Some(after) = args.after {
        call = call.after(after);
    }
    let answer = call.await?;
    session.screen.ticks(&answer.ticks)?;
    session.screen.note(&answer.words);
    Ok(Exit::Done)
}

fn one(session: &Session, schedule: &Schedule) -> Result<Exit, Failure> {
    session.screen.schedule_rows(std::slice::from_ref(schedule))?;
    Ok(Exit::Done)
}

fn new_schedule(args: CreateArgs) -> Schedule {
    let mut task = Task {
        r#type: args.task_type,
        title: args.title.unwrap_or_default(),
        input: args.input.map(|Json(text)| value::json_text(text)),
        queue: args.queue.unwrap_or_default(),
        labels: args.labels.into_iter().collect(),
        assignee: args.assignee,
        ..Task::default()
    };
    if let Some(Priority(priority)) = args.priority {
        task.set_priority(priority);
    }
    let mut schedule = Schedule {
        name: args.name,
        task: Some(task),
        paused: args.paused,
        ..Schedule::default()
    };
    args.timing.fill(&mut schedule);
    args.policy.fill(&mut schedule);
    schedule
}

fn changed(args: UpdateArgs) -> Schedule {
    let mut schedule = Schedule {
        name: args.name,
        etag: args.etag.unwrap_or_default(),
        ..Schedule::default()
    };
    args.timing.fill(&mut schedule);
    args.policy.fill(&mut schedule);
    schedule
}
