//! The lifecycle as the design names it, read from `oracle/lifecycle.toml`.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use baton_proto::v1::task_event::Detail;
use baton_proto::v1::{AttemptOutcome, TaskEventType, TaskState};
use serde::Deserialize;

/// The one lifecycle.
pub static LIFECYCLE: LazyLock<Lifecycle> = LazyLock::new(|| {
    let text = include_str!("../../oracle/lifecycle.toml");
    toml::from_str::<Typed>(text)
        .expect("the data file is TOML of the form described at its top")
        .into()
});

/// What the data file says.
#[derive(Debug)]
pub struct Lifecycle {
    /// States that end waits; the others are open.
    pub settled: Vec<TaskState>,
    /// States without a way out.
    pub last: Vec<TaskState>,
    /// Where a task waits: the first line whose condition holds.
    pub place: Vec<(Need, TaskState)>,
    /// Every way in which every event may happen.
    pub moves: Vec<Move>,
    /// What a retry policy does not say.
    pub retry: Retry,
    /// Which fields may be edited when.
    pub edits: Edits,
    /// By call, the events that its answered revision may be of.
    pub calls: BTreeMap<String, Vec<TaskEventType>>,
}

/// One way in which an event may happen.
#[derive(Debug)]
pub struct Move {
    /// The event.
    pub event: TaskEventType,
    /// `None` among them: before the task was.
    pub from: Vec<Option<TaskState>>,
    /// Empty: the task stays where it is.
    pub to: Vec<TaskState>,
    /// Empty: the standing reason.
    pub reasons: Vec<String>,
    /// All of them hold.
    pub needs: Vec<Need>,
    /// Where a PAUSED task was paused; empty: anywhere.
    pub came_from: Vec<TaskState>,
    /// The state after is the one that the place rule gives.
    pub place: bool,
    /// The member of TaskEvent.detail; empty: none.
    pub detail: String,
    /// What happens to the attempt.
    pub attempt: Attempt,
    /// What happens to the fence.
    pub fence: Fence,
    /// Counters that rise by one.
    pub counts: Vec<String>,
    /// Fields that become empty.
    pub clears: Vec<String>,
    /// Only Baton itself does it.
    pub system: bool,
}

/// What an event does to the attempt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum Attempt {
    /// Nothing.
    #[default]
    #[serde(rename = "same")]
    Same,
    /// Another one is set up.
    #[serde(rename = "+1")]
    Next,
    /// A fresh budget.
    #[serde(rename = "1")]
    First,
}

/// What an event does to the fence.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum Fence {
    /// Nothing.
    #[default]
    #[serde(rename = "same")]
    Same,
    /// A grant.
    #[serde(rename = "+1")]
    Grant,
    /// A revocation, where there is an assignee.
    #[serde(rename = "+1 if held")]
    Revoke,
}

/// A condition of a move; `moves.rs` says what each means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Need {
    Always,
    SecondEvent,
    OpenDependency,
    NothingOpen,
    Assignee,
    NoAssignee,
    SameAssignee,
    Leased,
    Direct,
    TimeCome,
    TimeAhead,
    TimeNotAhead,
    VerificationNone,
    VerificationReceipt,
    VerificationManual,
    NotSelfApproved,
    OutcomeIsRetried,
    OutcomeIsNotRetried,
    ErrorIsRetryable,
    ErrorIsFinal,
    AttemptsLeft,
    AttemptsSpent,
    RetryWaitFits,
    QuestionIsNew,
    QuestionIsOpen,
    QuestionsLeft,
    ParentIsGone,
    FieldsMayChange,
    DependencyIsOpenOrWell,
    DependencySaysFail,
    DependencySaysCancel,
    WasRetried,
}

/// What a retry policy does not say.
#[derive(Debug)]
pub struct Retry {
    /// Attempts in all.
    pub max_attempts: i32,
    /// Milliseconds before the second attempt.
    pub initial_backoff_ms: f64,
    /// The longest wait in milliseconds.
    pub max_backoff_ms: f64,
    /// Each wait against the one before.
    pub multiplier: f64,
    /// The largest random addition, as a share of the first wait.
    pub jitter_share: f64,
    /// But at least so many milliseconds.
    pub least_jitter_ms: f64,
    /// Outcomes tried again where a policy names none.
    pub outcomes: Vec<AttemptOutcome>,
    /// Outcomes tried again where there is no policy.
    pub outcomes_without_policy: Vec<AttemptOutcome>,
}

/// Which fields may be edited when.
#[derive(Debug)]
pub struct Edits {
    /// While the task is open.
    pub open: Vec<String>,
    /// While it has not been started.
    pub not_started: Vec<String>,
    /// Once it is settled.
    pub settled: Vec<String>,
    /// The states before the start.
    pub not_started_states: Vec<TaskState>,
}

impl Lifecycle {
    /// Whether the state ends waits.
    pub fn is_settled(&self, state: TaskState) -> bool {
        self.settled.contains(&state)
    }

    /// Whether the state has no way out.
    pub fn is_final(&self, state: TaskState) -> bool {
        self.last.contains(&state)
    }
}

/// The state's name in the data file, for example `QUEUED`.
pub fn short(state: TaskState) -> &'static str {
    state.as_str_name().trim_start_matches("TASK_STATE_")
}

/// The event type's name in the data file, for example `STARTED`.
pub fn event_name(event: TaskEventType) -> &'static str {
    event.as_str_name().trim_start_matches("TASK_EVENT_TYPE_")
}

/// The state of that short name.
pub fn state(name: &str) -> TaskState {
    TaskState::from_str_name(&format!("TASK_STATE_{name}"))
        .unwrap_or_else(|| panic!("no state is called {name}"))
}

fn event_type(name: &str) -> TaskEventType {
    TaskEventType::from_str_name(&format!("TASK_EVENT_TYPE_{name}"))
        .unwrap_or_else(|| panic!("no event is called {name}"))
}

fn outcome(name: &str) -> AttemptOutcome {
    AttemptOutcome::from_str_name(&format!("ATTEMPT_OUTCOME_{name}"))
        .unwrap_or_else(|| panic!("no outcome is called {name}"))
}

fn states(names: &[String]) -> Vec<TaskState> {
    names.iter().map(|name| state(name)).collect()
}

/// The file as it is typed.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Typed {
    states: TypedStates,
    place: Vec<TypedPlace>,
    r#move: Vec<TypedMove>,
    retry: TypedRetry,
    edits: TypedEdits,
    calls: BTreeMap<String, Vec<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TypedStates {
    open: Vec<String>,
    settled: Vec<String>,
    r#final: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TypedPlace {
    when: Need,
    to: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TypedMove {
    event: String,
    from: Vec<String>,
    to: Vec<String>,
    #[serde(default)]
    reasons: Vec<String>,
    #[serde(default)]
    needs: Vec<Need>,
    #[serde(default)]
    came_from: Vec<String>,
    #[serde(default)]
    place: bool,
    #[serde(default)]
    detail: String,
    #[serde(default)]
    attempt: Attempt,
    #[serde(default)]
    fence: Fence,
    #[serde(default)]
    counts: Vec<String>,
    #[serde(default)]
    clears: Vec<String>,
    #[serde(default)]
    system: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TypedRetry {
    max_attempts: i32,
    initial_backoff_ms: f64,
    max_backoff_ms: f64,
    multiplier: f64,
    jitter_share: f64,
    least_jitter_ms: f64,
    outcomes: Vec<String>,
    outcomes_without_policy: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TypedEdits {
    open: Vec<String>,
    not_started: Vec<String>,
    settled: Vec<String>,
    not_started_states: Vec<String>,
}

impl From<Typed> for Lifecycle {
    fn from(typed: Typed) -> Self {
        let open = states(&typed.states.open);
        let settled = states(&typed.states.settled);
        assert!(
            open.iter().all(|s| !settled.contains(s)),
            "a state is open or settled"
        );
        let all = [&open[..], &settled[..]].concat();
        let place = typed.place.iter().map(|line| (line.when, state(&line.to)));
        let named = |names: &[String]| names.iter().map(|name| event_type(name)).collect();
        let calls = typed
            .calls
            .iter()
            .map(|(call, events)| (call.clone(), named(events)));
        Lifecycle {
            last: states(&typed.states.r#final),
            place: place.collect(),
            calls: calls.collect(),
            retry: typed.retry.into(),
            edits: typed.edits.into(),
            moves: typed.r#move.into_iter().map(|line| line.read(&all)).collect(),
            settled,
        }
    }
}

impl TypedMove {
    fn read(self, all: &[TaskState]) -> Move {
        let from = match self.from.as_slice() {
            [any] if any == "any" => all.iter().copied().map(Some).collect(),
            [none] if none == "none" => vec![None],
            named => states(named).into_iter().map(Some).collect(),
        };
        let stays = self.to == ["same"];
        Move {
            event: event_type(&self.event),
            from,
            to: if stays { Vec::new() } else { states(&self.to) },
            reasons: self.reasons,
            needs: self.needs,
            came_from: states(&self.came_from),
            place: self.place,
            detail: self.detail,
            attempt: self.attempt,
            fence: self.fence,
            counts: self.counts,
            clears: self.clears,
            system: self.system,
        }
    }
}

impl From<TypedRetry> for Retry {
    fn from(typed: TypedRetry) -> Self {
        let outcomes = |names: &[String]| names.iter().map(|name| outcome(name)).collect();
        Retry {
            max_attempts: typed.max_attempts,
            initial_backoff_ms: typed.initial_backoff_ms,
            max_backoff_ms: typed.max_backoff_ms,
            multiplier: typed.multiplier,
            jitter_share: typed.jitter_share,
            least_jitter_ms: typed.least_jitter_ms,
            outcomes: outcomes(&typed.outcomes),
            outcomes_without_policy: outcomes(&typed.outcomes_without_policy),
        }
    }
}

impl From<TypedEdits> for Edits {
    fn from(typed: TypedEdits) -> Self {
        Edits {
            open: typed.open,
            not_started: typed.not_started,
            settled: typed.settled,
            not_started_states: states(&typed.not_started_states),
        }
    }
}

/// What an event brings, as the data file names it; empty where it brings nothing.
pub(super) fn detail_name(detail: Option<&Detail>) -> &'static str {
    match detail {
        None => "",
        Some(Detail::Created(_)) => "created",
        Some(Detail::Updated(_)) => "updated",
        Some(Detail::Assigned(_)) => "assigned",
        Some(Detail::Progress(_)) => "progress",
        Some(Detail::Result(_)) => "result",
        Some(Detail::Failure(_)) => "failure",
        Some(Detail::Scheduled(_)) => "scheduled",
        Some(Detail::Input(_)) => "input",
        Some(Detail::Retried(_)) => "retried",
        Some(Detail::Dependency(_)) => "dependency",
        Some(Detail::Checkpoint(_)) => "checkpoint",
        Some(Detail::Output(_)) => "output",
        Some(Detail::Started(_)) => "started",
    }
}
