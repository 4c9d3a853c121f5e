//! Calls that give one command to many tasks.

use baton_domain::filter::{Filter, Schema};
use baton_domain::limits::{BULK_COUNT, BULK_COUNT_DEFAULT, BULK_IDS, MESSAGE_CHARS};
use baton_domain::{Actor, Span, State, TaskId};
use baton_proto::raw::v1 as raw;
use uuid::Uuid;

use super::lists::{read_filter, read_ids};
use crate::api::check;
use crate::api::convert::actor;
use crate::api::convert::time::read_delay;
use crate::api::repeat::Repeatable;
use crate::api::violations::{Path, Violations};

/// A request that gives one command to many tasks.
pub(in crate::api) trait Bulk: Repeatable {
    /// Reads it whole.
    fn read(self, v: &mut Violations) -> Option<BulkAsked>;
}

/// What a bulk call asks for.
#[derive(Clone, Debug)]
pub(in crate::api) struct BulkAsked {
    pub(in crate::api) namespace: String,
    pub(in crate::api) targets: Targets,
    pub(in crate::api) request_id: Option<Uuid>,
    pub(in crate::api) actor: Actor,
    pub(in crate::api) validate_only: bool,
    pub(in crate::api) aim: Aim,
}

/// Which tasks.
#[derive(Clone, Debug)]
pub(in crate::api) enum Targets {
    /// These.
    Ids(Vec<TaskId>),
    /// Those that match.
    Matching(Matching),
}

/// A part of the tasks that match a filter.
#[derive(Clone, Debug)]
pub(in crate::api) struct Matching {
    pub(in crate::api) filter: Filter,
    pub(in crate::api) max_count: usize,
    /// Where the call before stopped; read where the list is known.
    pub(in crate::api) page_token: String,
}

/// What each task is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::api) enum Aim {
    Reach(ReachableState),
    Cancel { reason: String },
    Retry { delay: Span },
    Discard,
}

/// The states that BulkUpdateState takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::api) enum ReachableState {
    Queued,
    InProgress,
    Review,
    Completed,
    Paused,
    Cancelled,
}

impl ReachableState {
    /// The state.
    pub(in crate::api) const fn state(self) -> State {
        match self {
            Self::Queued => State::Queued,
            Self::InProgress => State::InProgress,
            Self::Review => State::Review,
            Self::Completed => State::Completed,
            Self::Paused => State::Paused,
            Self::Cancelled => State::Cancelled,
        }
    }

    const fn from_state(state: State) -> Option<Self> {
        match state {
            State::Queued => Some(Self::Queued),
            State::InProgress => Some(Self::InProgress),
            State::Review => Some(Self::Review),
            State::Completed => Some(Self::Completed),
            State::Paused => Some(Self::Paused),
            State::Cancelled => Some(Self::Cancelled),
            State::Pending
            | State::Scheduled
            | State::Assigned
            | State::Blocked
            | State::InputRequired
            | State::Failed
            | State::Dead => None,
        }
    }
}

/// The fields that all bulk requests have, as they came.
struct RawBulk {
    namespace: String,
    request_id: String,
    actor: Option<raw::Actor>,
    ids: Vec<String>,
    filter: String,
    max_count: i32,
    validate_only: bool,
    page_token: String,
}

impl RawBulk {
    fn read(self, v: &mut Violations, aim: Option<Aim>) -> Option<BulkAsked> {
        let request_id = check::optional_uuid(v, &Path::REQUEST.field("request_id"), &self.request_id);
        let actor = actor::read_or(
            v,
            &Path::REQUEST.field("actor"),
            self.actor.clone(),
            Actor::anonymous,
        );
        let validate_only = self.validate_only;
        let namespace = check::name(v, &Path::REQUEST.field("namespace"), self.namespace.clone());
        let targets = self.read_targets(v);
        Some(BulkAsked {
            namespace: namespace?,
            targets: targets?,
            request_id: request_id?,
            actor: actor?,
            validate_only,
            aim: aim?,
        })
    }

    fn read_targets(self, v: &mut Violations) -> Option<Targets> {
        let ids_at = Path::REQUEST.field("ids");
        let max_count = check::within(
            v,
            &Path::REQUEST.field("max_count"),
            self.max_count,
            0..=BULK_COUNT,
        );
        match (self.ids.is_empty(), self.filter.trim().is_empty()) {
            (true, true) => {
                v.add(&ids_at, "must be given, or filter");
                None
            }
            (false, false) => {
                v.add(&ids_at, "must not be given together with filter");
                None
            }
            (false, true) => {
                if !self.page_token.is_empty() {
                    v.add(
                        &Path::REQUEST.field("page_token"),
                        "must be empty where ids are given",
                    );
                }
                if self.max_count != 0 {
                    v.add(&Path::REQUEST.field("max_count"), "must be 0 where ids are given");
                }
                read_ids(v, &ids_at, &self.ids, BULK_IDS).map(Targets::Ids)
            }
            (true, false) => {
                let filter = read_filter(v, &self.filter, Schema::TASKS);
                let max_count = max_count?;
                let count = if max_count == 0 {
                    BULK_COUNT_DEFAULT
                } else {
                    max_count
                };
                Some(Targets::Matching(Matching {
                    filter: filter?,
                    max_count: usize::try_from(count).ok()?,
                    page_token: self.page_token,
                }))
            }
        }
    }
}

/// Takes a bulk request apart into the fields that all have, and its own.
macro_rules! bulk {
    ($v:ident, $request:ident $(, $own:ident)?; $aim:expr) => {{
        let Self {
            namespace, request_id, actor, ids, filter, max_count, validate_only, page_token $(, $own)?
        } = $request;
        let aim = $aim;
        RawBulk { namespace, request_id, actor, ids, filter, max_count, validate_only, page_token }.read($v, aim)
    }};
}

impl Bulk for raw::BulkUpdateStateRequest {
    fn read(self, v: &mut Violations) -> Option<BulkAsked> {
        bulk!(v, self, state; read_aim(v, state))
    }
}

fn read_aim(v: &mut Violations, number: i32) -> Option<Aim> {
    let at = Path::REQUEST.field("state");
    let state = check::required_member(v, &at, number, State::from_number)?;
    let reachable = ReachableState::from_state(state);
    if reachable.is_none() {
        v.add(
            &at,
            format!("must be QUEUED, IN_PROGRESS, REVIEW, COMPLETED, PAUSED or CANCELLED, {state} is none"),
        );
    }
    reachable.map(Aim::Reach)
}

impl Bulk for raw::BulkCancelRequest {
    fn read(self, v: &mut Violations) -> Option<BulkAsked> {
        bulk!(v, self, reason; {
            let reason = check::text(v, &Path::REQUEST.field("reason"), reason, MESSAGE_CHARS);
            reason.map(|reason| Aim::Cancel { reason })
        })
    }
}

impl Bulk for raw::BulkRetryRequest {
    fn read(self, v: &mut Violations) -> Option<BulkAsked> {
        bulk!(v, self, delay; {
            let delay = read_delay(v, &Path::REQUEST.field("delay"), delay);
            delay.map(|delay| Aim::Retry { delay: delay.unwrap_or(Span::ZERO) })
        })
    }
}

impl Bulk for raw::BulkDiscardRequest {
    fn read(self, v: &mut Violations) -> Option<BulkAsked> {
        bulk!(v, self; Some(Aim::Discard))
    }
}
