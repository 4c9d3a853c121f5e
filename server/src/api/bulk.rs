//! Calls that give one command to many tasks. Each task is moved by a command of its own, in chunks, so that other
//! work runs between them; each answers for itself.

use std::sync::Arc;

use baton_domain::limits::{BULK_COUNT_DEFAULT, REPLY_BYTES};
use baton_domain::{Action, Command, Rejection, Span, State, Task, TaskId, Timestamp, decide};
use baton_proto::raw::v1 as raw;
use futures::future::join_all;
use prost::Message;
use tonic::{Request, Response, Status};
use uuid::Builder;

use super::crud::FETCHED_MAX_COUNT;
use super::moves::{Again, answered};
use super::outcome::{moved, refused};
use super::page::{Listing, other_list};
use super::requests::bulk::{Aim, Bulk, BulkAsked, Matching, ReachableState, Targets};
use super::{TaskApi, failed, judge};
use crate::engine::{Class, Error, MoveRequest, RequestKey};
use crate::store::{ListField, ListOrder, ListQuery, SCAN_ROWS, SortKey};

/// Tasks moved at once.
const CHUNK: usize = 200;
/// Tasks that one read of a filter finds.
const FOUND_MAX_COUNT: usize = 1_000;
/// Results that an answer lists.
const RESULTS_MAX_COUNT: usize = BULK_COUNT_DEFAULT as usize;

/// A bulk call, and what its answer is made of.
pub(super) trait BulkAnswered: Bulk {
    /// The response of its call.
    type Answer;

    /// Makes the answer.
    fn answer(tally: Tally, next_page_token: String) -> Self::Answer;
}

/// The tasks that one call moves.
struct Selected {
    ids: Vec<TaskId>,
    /// The call was made before, whole or in part.
    replayed: bool,
    next_page_token: String,
}

impl TaskApi {
    pub(super) async fn run_bulk<B: BulkAnswered>(
        &self,
        request: Request<B>,
    ) -> Result<Response<B::Answer>, Status> {
        let mut request = request.into_inner();
        let again = Again::of(&mut request);
        let asked = judge::read(|v| request.read(v))?;
        let key = again.zip(asked.request_id).map(|(again, id)| again.key(id));
        // Nothing is changed, so there is nothing to remember.
        let key = key.filter(|_| !asked.validate_only);
        let selected = self.select(B::METHOD, &asked, key.as_ref()).await?;
        let mut tally = Tally::default();
        if asked.validate_only {
            for chunk in selected.ids.chunks(FETCHED_MAX_COUNT) {
                self.try_chunk(chunk, &asked, &mut tally).await?;
            }
        } else {
            for chunk in selected.ids.chunks(CHUNK) {
                let moves = chunk.iter().map(|id| self.move_one(*id, &asked, key.as_ref()));
                for (id, moved) in chunk.iter().zip(join_all(moves).await) {
                    tally.add(*id, moved.as_deref());
                }
            }
        }
        let answer = B::answer(tally, selected.next_page_token);
        Ok(answered(answer, selected.replayed))
    }

    /// Which tasks the call moves: those it moved when it was made first, if it was.
    async fn select(
        &self,
        method: &str,
        asked: &BulkAsked,
        key: Option<&RequestKey>,
    ) -> Result<Selected, Status> {
        let remembered = match key {
            Some(key) => {
                let recalled = self.engine.recall(&asked.namespace, key).await;
                recalled.map_err(failed::failed)?
            }
            None => None,
        };
        let replayed = remembered.is_some();
        let (mut ids, mut next_page_token) = (Vec::new(), String::new());
        match &asked.targets {
            Targets::Ids(given) => ids.clone_from(given),
            Targets::Matching(matching) => {
                (ids, next_page_token) = self.find(method, asked, matching, remembered.as_deref()).await?;
            }
        }
        let ids = match (remembered, key) {
            (Some(ids), _) => ids,
            (None, Some(key)) => {
                let first = self.engine.remember(&asked.namespace, key.clone(), ids);
                first.await.map_err(failed::failed)?
            }
            (None, None) => ids,
        };
        Ok(Selected {
            ids,
            replayed,
            next_page_token,
        })
    }

    /// The next tasks that match, and the token for those after them. A call that was made before goes on after the
    /// last task that it moved then.
    async fn find(
        &self,
        method: &str,
        asked: &BulkAsked,
        matching: &Matching,
        before: Option<&[TaskId]>,
    ) -> Result<(Vec<TaskId>, String), Status> {
        let listing = Listing {
            method,
            scope: &asked.namespace,
            filter: matching.filter.to_string(),
            order: format!("id {} validate_only={}", asked.aim.text(), asked.validate_only),
        };
        let keyring = self.engine.store().keyring();
        let mut after = match listing.open(keyring, &matching.page_token)? {
            Some(key) => Some(SortKey::from_bytes(&key).ok_or_else(other_list)?),
            None => None,
        };
        let mut count = matching.max_count;
        if let Some(before) = before {
            after = before.last().map(|id| SortKey::of_id(*id)).or(after);
            // Only whether anything is left.
            count = 1;
        }
        let query = ListQuery {
            namespace: asked.namespace.clone(),
            filter: matching.filter.clone(),
            order: ListOrder {
                field: ListField::Id,
                descending: false,
            },
            after,
            limit: 0,
            scan_limit: SCAN_ROWS,
            payloads: false,
        };
        let (ids, next) = self.find_ids(query, count).await?;
        let next = match before {
            Some(_) if !ids.is_empty() => after,
            Some(_) | None => next,
        };
        let token = next.map(|key| listing.next(keyring, key.to_bytes()));
        Ok((ids, token.unwrap_or_default()))
    }

    /// At most `count` ids of tasks that match, and where to go on. Stops early where a read reaches its scan limit.
    async fn find_ids(
        &self,
        mut query: ListQuery,
        count: usize,
    ) -> Result<(Vec<TaskId>, Option<SortKey>), Status> {
        let mut ids = Vec::new();
        loop {
            let wanted = (count - ids.len()).min(FOUND_MAX_COUNT);
            query.limit = u32::try_from(wanted).unwrap_or(u32::MAX);
            let found = self.engine.store().list(&query).await.map_err(failed::unread)?;
            let is_short = found.tasks.len() < wanted;
            ids.extend(found.tasks.iter().map(|task| task.id));
            if found.next.is_none() || is_short || ids.len() == count {
                return Ok((ids, found.next));
            }
            query.after = found.next;
        }
    }

    /// Says what would happen to each task, and does nothing.
    async fn try_chunk(&self, ids: &[TaskId], asked: &BulkAsked, tally: &mut Tally) -> Result<(), Status> {
        let now = self.now();
        let found = self.fetch_all(ids).await?;
        let rivals = self.engine.rivals(found.values()).await.map_err(failed::failed)?;
        for id in ids {
            let task = found.get(id).ok_or(Error::NotFound { id: *id });
            let tried = task.and_then(|task| match rivals.get(id) {
                Some(rival) if asked.aim.retries(task.state) => Err(rival.clone()),
                Some(_) | None => try_one(task, asked, now).map_err(Error::Rejected),
            });
            tally.add(*id, tried.as_ref());
        }
        Ok(())
    }

    /// Moves one task by the command that fits where it is. Where that is, only the engine can say: the command that
    /// fits most often is given first, and its refusal tells.
    async fn move_one(
        &self,
        id: TaskId,
        asked: &BulkAsked,
        key: Option<&RequestKey>,
    ) -> Result<Arc<Task>, Error> {
        let execute = |action| {
            self.engine.execute(MoveRequest {
                id,
                command: Command::new(asked.actor.clone(), action),
                etag: None,
                request: key.map(|key| key_of_one(key, id)),
                class: Class::Create,
            })
        };
        let first = execute(asked.aim.first_action()).await;
        let done = match first {
            Err(Error::Rejected(Rejection::IllegalMove { from, .. })) => match asked.aim.action_from(from) {
                Some(action) => execute(action).await,
                None => first,
            },
            Ok(_) | Err(_) => first,
        };
        done.map(|done| done.task)
    }
}

fn try_one(task: &Task, asked: &BulkAsked, now: Timestamp) -> Result<Task, Rejection> {
    let command = |action| Command::new(asked.actor.clone(), action);
    let decide = |action| decide(task, &command(action), now).map(|outcome| outcome.task);
    let first = decide(asked.aim.first_action());
    match (first, asked.aim.action_from(task.state)) {
        (Err(Rejection::IllegalMove { .. }), Some(action)) => decide(action),
        (first, _) => first,
    }
}

impl Aim {
    /// The command that is given to every task first.
    fn first_action(&self) -> Action {
        match self {
            Self::Cancel { reason } => Action::Cancel {
                reason: reason.clone(),
            },
            Self::Retry { delay } => Action::Retry {
                input: None,
                delay: *delay,
            },
            Self::Discard => Action::Discard,
            Self::Reach(ReachableState::Queued) => Action::Queue,
            Self::Reach(ReachableState::InProgress) => Action::Rework {
                message: String::new(),
            },
            // Without a receipt nothing is tried again, so there is nothing to spread.
            Self::Reach(ReachableState::Review) => Action::Submit {
                output: None,
                receipt: None,
                jitter: 0.0,
            },
            Self::Reach(ReachableState::Completed) => Action::Complete {
                output: None,
                receipt: None,
                jitter: 0.0,
            },
            Self::Reach(ReachableState::Paused) => Action::Pause {
                reason: String::new(),
            },
            Self::Reach(ReachableState::Cancelled) => Action::Cancel {
                reason: String::new(),
            },
        }
    }

    /// The command for a task that stands in `from`, where the first one is not for it.
    fn action_from(&self, from: State) -> Option<Action> {
        match (self, from) {
            (Self::Reach(ReachableState::Queued), State::Paused) => Some(Action::Resume),
            (Self::Reach(ReachableState::Queued), State::Assigned | State::InProgress) => {
                Some(Action::Release)
            }
            (Self::Reach(ReachableState::Queued), State::Failed | State::Dead) => Some(Action::Retry {
                input: None,
                delay: Span::ZERO,
            }),
            (Self::Reach(ReachableState::InProgress), State::Assigned) => Some(Action::Start {
                assignee: None,
                lease: None,
                start_time: None,
            }),
            (Self::Reach(ReachableState::Completed), State::Review) => Some(Action::Approve {
                message: String::new(),
            }),
            (Self::Reach(_) | Self::Cancel { .. } | Self::Retry { .. } | Self::Discard, _) => None,
        }
    }

    /// Whether a task in `state` is run again: then it needs its key.
    fn retries(&self, state: State) -> bool {
        let retries = matches!(self, Self::Retry { .. } | Self::Reach(ReachableState::Queued));
        retries && state.is_resting()
    }

    /// What a page token is bound to.
    fn text(&self) -> String {
        match self {
            Self::Reach(state) => format!("reach {}", state.state()),
            Self::Cancel { reason } => format!("cancel {reason}"),
            Self::Retry { delay } => format!("retry {}", delay.as_micros()),
            Self::Discard => "discard".to_owned(),
        }
    }
}

/// What came of the tasks so far.
#[derive(Default)]
pub(super) struct Tally {
    moved: Vec<raw::BulkTaskResult>,
    refused: Vec<raw::BulkTaskResult>,
    moved_bytes: usize,
    done_count: i32,
    failed_count: i32,
}

impl Tally {
    fn add(&mut self, id: TaskId, moved: Result<&Task, &Error>) {
        match moved {
            Ok(task) => self.add_moved(id, task),
            Err(error) => self.add_refused(id, error),
        }
    }

    fn add_moved(&mut self, id: TaskId, task: &Task) {
        self.done_count += 1;
        if self.moved.len() == RESULTS_MAX_COUNT || self.moved_bytes > REPLY_BYTES {
            return;
        }
        let result = moved(id, task);
        self.moved_bytes += result.encoded_len();
        self.moved.push(result);
    }

    fn add_refused(&mut self, id: TaskId, error: &Error) {
        self.failed_count += 1;
        if self.refused.len() == RESULTS_MAX_COUNT {
            return;
        }
        self.refused
            .push(refused(id.to_string(), &failed::refuse_error(error)));
    }

    /// Failures first, as many of all as an answer may list.
    fn into_results(self) -> Vec<raw::BulkTaskResult> {
        let mut bytes = 0;
        let fits = |result: &raw::BulkTaskResult| {
            bytes += result.encoded_len();
            bytes <= REPLY_BYTES
        };
        let all = self.refused.into_iter().chain(self.moved);
        all.take(RESULTS_MAX_COUNT).take_while(fits).collect()
    }
}

/// Declares what the four calls answer.
macro_rules! answered_in_bulk {
    ($($request:ident => $response:ident;)+) => { $(
        impl BulkAnswered for raw::$request {
            type Answer = raw::$response;

            fn answer(tally: Tally, next_page_token: String) -> Self::Answer {
                let (done_count, failed_count) = (tally.done_count, tally.failed_count);
                raw::$response { results: tally.into_results(), done_count, failed_count, next_page_token }
            }
        }
    )+ };
}

answered_in_bulk! {
    BulkUpdateStateRequest => BulkUpdateStateResponse;
    BulkCancelRequest => BulkCancelResponse;
    BulkRetryRequest => BulkRetryResponse;
    BulkDiscardRequest => BulkDiscardResponse;
}

/// The memory of one of the commands of a bulk call: its id is drawn from those of the call and of the task.
fn key_of_one(key: &RequestKey, id: TaskId) -> RequestKey {
    let mut hasher = blake3::Hasher::new_derive_key("baton 2026-11-22 request id of one task of a bulk call");
    hasher.update(key.id.as_bytes());
    hasher.update(id.0.as_bytes());
    let mut bytes = [0; 16];
    hasher.finalize_xof().fill(&mut bytes);
    RequestKey {
        id: Builder::from_custom_bytes(bytes).into_uuid(),
        ..key.clone()
    }
}
