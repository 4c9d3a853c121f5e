//! What can go wrong with a call, typed.

use std::collections::BTreeMap;
use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use baton_proto::v1::BulkTaskError;
use tonic::{Code, Status, TimeoutExpired};
use tonic_types::StatusExt;

use crate::Reason;

/// Why a call has no good answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Baton answered, and said no.
    #[error("{0}")]
    Refused(Box<Refusal>),
    /// Nothing of Baton answered: the connection could not be made or broke, or something between refused.
    #[error("{0}")]
    Transport(#[from] Box<TransportError>),
    /// The time of the call ran out, repeats included. Whether a change was made is not known.
    #[error("{method}: no answer within {within:?}")]
    DeadlineExceeded {
        /// The RPC, for example `CreateTask`.
        method: &'static str,
        /// How long the caller waited.
        within: Duration,
    },
    /// The settings of the client are wrong; nothing was sent.
    #[error("{0}")]
    Settings(String),
    /// A value could not be written as JSON, or a payload is no JSON.
    #[error("not JSON")]
    Json(#[from] serde_json::Error),
    /// The answer lacks what the contract promises; the server and this crate do not fit together.
    #[error("the answer of {method} lacks its {field}")]
    Malformed {
        /// The RPC.
        method: &'static str,
        /// What is missing.
        field: &'static str,
    },
}

/// An answer of Baton that says no: code, reason, words for people, and the variable parts.
#[derive(Clone, Debug, PartialEq)]
pub struct Refusal {
    /// The kind of refusal.
    pub code: Code,
    /// The stable word that programs switch on.
    pub reason: Reason,
    /// What is wrong, for people.
    pub message: String,
    /// The variable parts, for example `from`, `command` and `allowed` of a move that is not allowed.
    pub metadata: BTreeMap<String, String>,
    /// Every field of the request that breaks a rule.
    pub violations: Vec<Violation>,
    /// How long to wait before the same call may succeed.
    pub retry_after: Option<Duration>,
    /// The kind and the name of what is missing or in the way, for example `task` and its id.
    pub resource: Option<(String, String)>,
}

/// One field of a request that breaks a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The field as the request spells it, for example `task.labels`.
    pub field: String,
    /// What is wrong with it.
    pub description: String,
}

impl Refusal {
    /// The moves that the task's state allows, where the refusal is INVALID_STATE_TRANSITION.
    pub fn allowed_moves(&self) -> Vec<&str> {
        let allowed = self.metadata.get("allowed").map_or("", String::as_str);
        let moves = allowed.split([',', ' ']);
        moves.filter(|one| !one.is_empty()).collect()
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.message, self.reason)?;
        for violation in &self.violations {
            write!(f, "; {}: {}", violation.field, violation.description)?;
        }
        Ok(())
    }
}

impl From<&BulkTaskError> for Refusal {
    fn from(error: &BulkTaskError) -> Self {
        Refusal {
            code: Code::from(error.code),
            reason: Reason::from(error.reason.as_str()),
            message: error.message.clone(),
            metadata: error.metadata.clone(),
            violations: Vec::new(),
            retry_after: None,
            resource: None,
        }
    }
}

/// A call that nothing of Baton answered.
#[derive(Debug, thiserror::Error)]
#[error("{method}: {}", what(.delivery, .status))]
pub struct TransportError {
    method: &'static str,
    delivery: Delivery,
    #[source]
    status: Box<Status>,
}

/// Whether the request can have reached the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// The server was never reached: nothing was done.
    Unreached,
    /// The request was not looked at, because its connection was just closing: nothing was done.
    Unsent,
    /// The connection broke or the server restarted meanwhile: the request may have been carried out.
    Unknown,
    /// Something refused the request that is not Baton: a proxy, or HTTP itself.
    Foreign,
}

fn what(delivery: &Delivery, status: &Status) -> String {
    match delivery {
        Delivery::Unreached => "the server cannot be reached".to_owned(),
        Delivery::Unsent => "the connection closed before the request was taken".to_owned(),
        Delivery::Unknown => "the connection broke before the answer came".to_owned(),
        Delivery::Foreign => format!(
            "refused below Baton with {:?}: {}",
            status.code(),
            status.message()
        ),
    }
}

impl TransportError {
    /// Whether the request can have reached the server.
    pub fn delivery(&self) -> Delivery {
        self.delivery
    }

    /// The gRPC code that the transport gave it.
    pub fn code(&self) -> Code {
        self.status.code()
    }
}

impl Error {
    /// Sorts a status into what Baton said, what the transport lost, and what ran out of time.
    pub(crate) fn from_status(method: &'static str, within: Duration, status: Status) -> Self {
        let details = status.get_error_details();
        if status.code() == Code::DeadlineExceeded || caused_by::<TimeoutExpired>(&status).is_some() {
            return Error::DeadlineExceeded { method, within };
        }
        let Some(info) = details.error_info() else {
            let delivery = delivery(&status);
            let status = Box::new(status);
            return Error::Transport(Box::new(TransportError {
                method,
                delivery,
                status,
            }));
        };
        let fields = details.bad_request().map(|bad| bad.field_violations.as_slice());
        let violations = fields.unwrap_or_default().iter().map(|violation| Violation {
            field: violation.field.clone(),
            description: violation.description.clone(),
        });
        let resource = details.resource_info();
        Error::Refused(Box::new(Refusal {
            code: status.code(),
            reason: Reason::from(info.reason.as_str()),
            message: status.message().to_owned(),
            metadata: info.metadata.clone().into_iter().collect(),
            violations: violations.collect(),
            retry_after: details.retry_info().and_then(|info| info.retry_delay),
            resource: resource.map(|info| (info.resource_type.clone(), info.resource_name.clone())),
        }))
    }

    /// What Baton said; nothing where Baton did not answer.
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Error::Refused(refusal) => Some(refusal),
            Error::Transport(_)
            | Error::DeadlineExceeded { .. }
            | Error::Settings(_)
            | Error::Json(_)
            | Error::Malformed { .. } => None,
        }
    }

    /// The gRPC code, as far as a call was made.
    pub fn code(&self) -> Option<Code> {
        match self {
            Error::Refused(refusal) => Some(refusal.code),
            Error::Transport(error) => Some(error.code()),
            Error::DeadlineExceeded { .. } => Some(Code::DeadlineExceeded),
            Error::Settings(_) | Error::Json(_) | Error::Malformed { .. } => None,
        }
    }

    /// Why Baton refused.
    pub fn reason(&self) -> Option<&Reason> {
        self.refusal().map(|refusal| &refusal.reason)
    }

    /// Every field of the request that breaks a rule.
    pub fn violations(&self) -> &[Violation] {
        self.refusal().map_or(&[], |refusal| &refusal.violations)
    }

    /// The moves that the task's state allows, where the refusal is INVALID_STATE_TRANSITION.
    pub fn allowed_moves(&self) -> Vec<&str> {
        self.refusal().map(Refusal::allowed_moves).unwrap_or_default()
    }

    /// How long to wait before the same call may succeed.
    pub fn retry_after(&self) -> Option<Duration> {
        self.refusal().and_then(|refusal| refusal.retry_after)
    }

    /// The id of the task that is in the way, where the code is ALREADY_EXISTS.
    pub fn existing_id(&self) -> Option<&str> {
        let refusal = self.refusal()?;
        let (kind, name) = refusal.resource.as_ref()?;
        (refusal.code == Code::AlreadyExists && kind == "task").then_some(name)
    }

    /// True where the task, or another thing that the call names, does not exist.
    pub fn is_not_found(&self) -> bool {
        self.code() == Some(Code::NotFound)
    }

    /// True where a change may or may not have been made: only a repeat with the same `task_id` or `request_id`, or
    /// a look at the task, can tell.
    pub fn outcome_unknown(&self) -> bool {
        match self {
            Error::Refused(refusal) => refusal.reason == Reason::OutcomeUnknown,
            Error::Transport(error) => error.delivery == Delivery::Unknown,
            Error::DeadlineExceeded { .. } | Error::Malformed { .. } => true,
            Error::Settings(_) | Error::Json(_) => false,
        }
    }
}

/// A status without the server's reason: the causes that the transport attached say how far the request came. Codes do
/// not: they depend on which features of tonic are compiled in.
fn delivery(status: &Status) -> Delivery {
    if caused_by::<tonic::ConnectError>(status).is_some() {
        return Delivery::Unreached;
    }
    if caused_by::<hyper::Error>(status).is_some_and(hyper::Error::is_canceled) {
        return Delivery::Unsent;
    }
    match caused_by::<h2::Error>(status) {
        Some(error) if was_left_untouched(error) => Delivery::Unsent,
        Some(_) => Delivery::Unknown,
        None if status.source().is_some() || status.code() == Code::Unavailable => Delivery::Unknown,
        None => Delivery::Foreign,
    }
}

/// The two ways in which HTTP/2 promises that a request was not looked at: its stream was refused, or lies beyond the
/// last one that a closing server says it takes (RFC 9113, 6.8; h2 gives only those streams the GOAWAY as their error).
fn was_left_untouched(error: &h2::Error) -> bool {
    match error.reason() {
        Some(h2::Reason::REFUSED_STREAM) => error.is_remote(),
        Some(h2::Reason::NO_ERROR) => error.is_go_away() && error.is_remote(),
        Some(_) | None => false,
    }
}

/// The first cause of this type.
fn caused_by<E: StdError + 'static>(status: &Status) -> Option<&E> {
    std::iter::successors(status.source(), |&cause| cause.source()).find_map(|cause| cause.downcast_ref())
}
