//! From which states each command is legal: the one table behind `decide`, the errors and the diagram.

use crate::command::CommandName;
use crate::task::State;

const OPEN: &[State] = &[
    State::Pending,
    State::Scheduled,
    State::Queued,
    State::Assigned,
    State::InProgress,
    State::Blocked,
    State::Paused,
    State::InputRequired,
    State::Review,
];
const NOT_FINAL: &[State] = &[
    State::Pending,
    State::Scheduled,
    State::Queued,
    State::Assigned,
    State::InProgress,
    State::Blocked,
    State::Paused,
    State::InputRequired,
    State::Review,
    State::Failed,
    State::Dead,
];
const NOT_STARTED: &[State] = &[State::Pending, State::Scheduled, State::Queued, State::Blocked];

/// The states in which `command` may be given.
#[must_use]
pub const fn sources(command: CommandName) -> &'static [State] {
    match command {
        CommandName::Queue => &[State::Pending, State::Scheduled, State::Blocked],
        CommandName::Schedule => &[State::Pending, State::Scheduled, State::Queued],
        CommandName::Assign => &[State::Queued],
        CommandName::Start => &[State::Queued, State::Assigned],
        CommandName::Renew => &[State::Assigned, State::InProgress],
        CommandName::Progress
        | CommandName::SaveCheckpoint
        | CommandName::AppendOutput
        | CommandName::Complete
        | CommandName::Snooze
        | CommandName::RequestInput
        | CommandName::Submit => &[State::InProgress],
        CommandName::Fail | CommandName::Release => &[State::Assigned, State::InProgress],
        CommandName::Retry | CommandName::Discard => &[State::Failed, State::Dead],
        CommandName::Pause => &[
            State::Pending,
            State::Scheduled,
            State::Queued,
            State::Assigned,
            State::InProgress,
            State::Blocked,
            State::InputRequired,
            State::Review,
        ],
        CommandName::Resume => &[State::Paused],
        CommandName::ProvideInput => &[State::InputRequired],
        CommandName::Approve | CommandName::Rework | CommandName::Reject => &[State::Review],
        CommandName::Comment | CommandName::Update | CommandName::Delete => State::ALL,
        CommandName::AddDependency | CommandName::RemoveDependency => NOT_STARTED,
        CommandName::Tick | CommandName::Cancel | CommandName::CancelByParent | CommandName::Supersede => {
            OPEN
        }
        // A resting task may be retried: it must then know what settled meanwhile.
        CommandName::SettleDependency => NOT_FINAL,
    }
}

/// Whether `command` may be given in `state`.
#[must_use]
pub fn is_legal(state: State, command: CommandName) -> bool {
    sources(command).contains(&state)
}

/// Whether the last holder by lease may still give `command` in `state`: it handed the work over and then found out
/// how it ended.
#[must_use]
pub const fn is_late_receipt(state: State, command: CommandName) -> bool {
    matches!(command, CommandName::Complete | CommandName::Fail)
        && matches!(state, State::InputRequired | State::Review)
}

/// What a client may ask of a task in `state`.
#[must_use]
pub fn allowed(state: State) -> Vec<CommandName> {
    CommandName::ALL
        .iter()
        .copied()
        .filter(|c| !c.is_internal() && is_legal(state, *c))
        .collect()
}
