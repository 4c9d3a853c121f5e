//! How a client command ends: its exit code, and what it says where it failed.

use std::io::{self, Write};
use std::process::ExitCode;

use baton_client::{Code, Delivery, Error, Reason, Refusal};
use serde_json::json;

use super::options::{Format, Options};
use super::show::text::clean;

/// For the help.
pub(crate) const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  refused, or something else failed; of a bulk call: some tasks were refused; of `doctor`: something is wrong
  2  the command line or a value in it is wrong
  3  what was named does not exist: a task, a queue, a worker
  4  the server cannot be reached or does not take work now
  5  the time ran out
  6  `wait`: the task settled, but not COMPLETED";

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    Done = 0,
    Refused = 1,
    Usage = 2,
    NotFound = 3,
    Unavailable = 4,
    TimedOut = 5,
    NotCompleted = 6,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit as u8)
    }
}

/// Why a command could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The call failed.
    #[error(transparent)]
    Call(#[from] Error),
    /// The command line is wrong in a way its parser cannot see.
    #[error("{0}")]
    Usage(String),
    /// The result could not be written.
    #[error("cannot write the result: {0}")]
    Output(#[from] io::Error),
}

/// Tells what went wrong, on stderr, for people or for programs.
pub(super) fn report(failure: &Failure, options: &Options) -> Exit {
    // Whoever reads the output has seen enough: `baton watch | head` is no failure to talk about.
    if matches!(failure, Failure::Output(error) if error.kind() == io::ErrorKind::BrokenPipe) {
        return Exit::Done;
    }
    let text = match options.format() {
        Format::Table => for_people(failure, &options.server),
        Format::Json => for_programs(failure),
    };
    // Where stderr is gone too, the exit code still tells.
    let told = writeln!(io::stderr().lock(), "{text}").is_ok();
    tracing::trace!(told, "reported a failure");
    exit_of(failure)
}

pub(super) fn exit_of(failure: &Failure) -> Exit {
    let error = match failure {
        Failure::Call(error) => error,
        Failure::Usage(_) => return Exit::Usage,
        Failure::Output(_) => return Exit::Refused,
    };
    match (error, error.code()) {
        (Error::Settings(_), _) | (_, Some(Code::InvalidArgument)) => Exit::Usage,
        (_, Some(Code::NotFound)) => Exit::NotFound,
        (_, Some(Code::DeadlineExceeded)) => Exit::TimedOut,
        (_, Some(Code::Unavailable)) => Exit::Unavailable,
        (Error::Transport(lost), _) if lost.delivery() != Delivery::Foreign => Exit::Unavailable,
        _ => Exit::Refused,
    }
}

/// The reason first, then all that helps, then what to do next.
fn for_people(failure: &Failure, servers: &[String]) -> String {
    let Failure::Call(error) = failure else {
        return format!("error: {failure}");
    };
    let mut lines = Vec::new();
    match error.refusal() {
        Some(refusal) => refused(refusal, &mut lines),
        None => {
            lines.push(format!("error: {}", clean(&error.to_string())));
            lines.extend(root_cause(error).map(|cause| format!("  cause: {}", clean(&cause))));
        }
    }
    if error.outcome_unknown() {
        lines.push("  whether anything was changed is not known".to_owned());
    }
    lines.extend(next_step(error, servers).map(|step| format!("  next: {step}")));
    lines.join("\n")
}

fn refused(refusal: &Refusal, lines: &mut Vec<String>) {
    lines.push(format!("error: {} ({})", clean(&refusal.message), refusal.reason));
    for violation in &refusal.violations {
        lines.push(format!(
            "  {}: {}",
            clean(&violation.field),
            clean(&violation.description)
        ));
    }
    let allowed = refusal.allowed_moves();
    if !allowed.is_empty() {
        // The contract's words with the hyphens of the commands.
        let commands = allowed.join(", ").replace('_', "-");
        lines.push(format!("  allowed now: {}", clean(&commands)));
    }
}

/// The last of the causes, which says most.
fn root_cause(error: &Error) -> Option<String> {
    let first = std::error::Error::source(error);
    std::iter::successors(first, |cause| cause.source())
        .last()
        .map(ToString::to_string)
}

/// What the user can do about it.
fn next_step(error: &Error, servers: &[String]) -> Option<String> {
    let step = match (error, error.reason()) {
        (Error::Transport(_), _) => {
            let servers = servers.join(", ");
            return Some(format!(
                "is a server running at {servers}? `baton serve` starts one, --server names another"
            ));
        }
        (Error::DeadlineExceeded { .. }, _) => "try again, or give it more time by --call-timeout",
        (_, Some(Reason::TaskNotFound)) => {
            "`baton task list` shows the tasks; --server and --namespace say where"
        }
        (_, Some(Reason::WorkerNotFound)) => {
            "`baton worker list` shows the workers; --server and --namespace say where"
        }
        (_, Some(Reason::QueueNotFound)) => {
            "`baton queue list` shows those that were created; a queue that only tasks name has nothing to show"
        }
        (_, Some(Reason::ScheduleNotFound)) => "`baton schedule list` shows the schedules",
        (_, Some(Reason::TaskTypeNotFound)) => "`baton type list` shows the types that are registered",
        (_, Some(Reason::WebhookNotFound)) => "`baton webhook list` shows the webhooks",
        (_, Some(Reason::BackupOff)) => {
            "start the server with --backup-folder FOLDER; a PostgreSQL is copied by its own tools (docs/operations.md)"
        }
        (_, Some(Reason::ImportTargetInUse)) => {
            "--namespace NAME imports into another one, which was never used"
        }
        (_, Some(Reason::LeaseRequired)) => {
            "a worker holds it: let that finish, or take it away by `baton task pause` or `baton task cancel`"
        }
        (_, Some(Reason::DuplicateTask)) => {
            "wait for that task, or say by --dedup-policy what else is to happen"
        }
        (Error::Refused(refusal), Some(Reason::InvalidStateTransition))
            if refusal
                .metadata
                .get("command")
                .is_some_and(|command| command == "delete") =>
        {
            "`baton task cancel ID` ends it first; `baton task delete --force ID` deletes it as it is"
        }
        (_, Some(Reason::InvalidStateTransition)) => "`baton task explain ID` says what the task waits for",
        (_, Some(Reason::EtagMismatch)) => {
            "look at the task again (`baton task get ID`) and repeat with its etag"
        }
        (_, Some(Reason::SelfApproval)) => "let somebody else approve, or say who you are by --actor",
        (_, Some(Reason::TaskHasDependants)) => "--force deletes it all the same",
        (_, Some(Reason::InvalidFilter)) => "`baton task list --help` shows filters",
        (_, Some(Reason::ApiKeyMissing | Reason::ApiKeyInvalid)) => {
            "set BATON_API_KEY to a key of this server"
        }
        (_, Some(Reason::ResumeTokenExpired | Reason::ResumeTokenForeign | Reason::ResumeTokenInvalid)) => {
            "begin again without --resume"
        }
        (_, Some(Reason::TaskIdReused)) => "leave --id out, or look at the task that has it",
        (_, Some(Reason::MethodUnknown)) => {
            "the server is older than this command: compare `baton --version` there"
        }
        (_, Some(Reason::Bug)) => "the server's log has the cause",
        _ if error.retry_after().is_some() || error.code() == Some(Code::Unavailable) => {
            "try again in a while"
        }
        _ => return None,
    };
    Some(step.to_owned())
}

/// One object on one line, like the results.
fn for_programs(failure: &Failure) -> String {
    let Failure::Call(error) = failure else {
        return json!({ "error": { "message": failure.to_string() } }).to_string();
    };
    let refusal = error.refusal();
    let violations: Vec<_> = error
        .violations()
        .iter()
        .map(|violation| json!({ "field": violation.field, "description": violation.description }))
        .collect();
    json!({ "error": {
        "code": error.code().map(|code| code as i32),
        "reason": error.reason().map(Reason::as_str),
        "message": refusal.map_or_else(|| error.to_string(), |refusal| refusal.message.clone()),
        "metadata": refusal.map(|refusal| &refusal.metadata),
        "violations": violations,
        "retryAfterMs": error.retry_after().map(|wait| u64::try_from(wait.as_millis()).unwrap_or(u64::MAX)),
        "outcomeUnknown": error.outcome_unknown(),
    }})
    .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use baton_client::Violation;

    fn refusal(code: Code, reason: &str) -> Refusal {
        Refusal {
            code,
            reason: Reason::from(reason),
            message: "words for people".to_owned(),
            metadata: Default::default(),
            violations: Vec::new(),
            retry_after: None,
            resource: None,
        }
    }

    fn failure(refusal: Refusal) -> Failure {
        Failure::Call(Error::Refused(Box::new(refusal)))
    }

    #[test]
    fn scripts_can_tell_failures_apart() {
        let table = [
            (Code::FailedPrecondition, Exit::Refused),
            (Code::InvalidArgument, Exit::Usage),
            (Code::NotFound, Exit::NotFound),
            (Code::Unavailable, Exit::Unavailable),
            (Code::PermissionDenied, Exit::Refused),
            (Code::Internal, Exit::Refused),
        ];
        for (code, exit) in table {
            assert_eq!(exit_of(&failure(refusal(code, "X"))), exit, "{code:?}");
        }
        let late = Error::DeadlineExceeded {
            method: "GetTask",
            within: std::time::Duration::from_secs(1),
        };
        assert_eq!(exit_of(&Failure::Call(late)), Exit::TimedOut);
        assert_eq!(exit_of(&Failure::Usage("x".to_owned())), Exit::Usage);
        for exit in [
            Exit::Done,
            Exit::Refused,
            Exit::Usage,
            Exit::NotFound,
            Exit::Unavailable,
            Exit::TimedOut,
        ] {
            assert!(
                EXIT_CODES.contains(&format!("\n  {}  ", exit as u8)),
                "{exit:?} stands in the help"
            );
        }
    }

    #[test]
    fn people_read_what_is_wrong_and_what_to_do() {
        let mut refused = refusal(Code::FailedPrecondition, "INVALID_STATE_TRANSITION");
        refused
            .metadata
            .insert("allowed".to_owned(), "queue, request_input".to_owned());
        refused.violations.push(Violation {
            field: "id".to_owned(),
            description: "a\u{1b}[2J".to_owned(),
        });
        assert_eq!(
            for_people(&failure(refused), &[]),
            "error: words for people (INVALID_STATE_TRANSITION)\n  id: a\\u{1b}[2J\n  allowed now: queue, request-input\n  \
             next: `baton task explain ID` says what the task waits for"
        );
    }

    #[test]
    fn programs_read_one_object() {
        let mut refused = refusal(Code::Unavailable, "OVERLOADED");
        refused.retry_after = Some(std::time::Duration::from_millis(1_500));
        let text = for_programs(&failure(refused));
        let read: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(read["error"]["reason"], "OVERLOADED");
        assert_eq!(read["error"]["code"], 14);
        assert_eq!(read["error"]["retryAfterMs"], 1_500);
        assert!(!text.contains('\n'));
    }
}
