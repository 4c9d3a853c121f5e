//! ExplainTask: why a task is where it is, and what could change that.

use std::collections::HashMap;

use baton_domain::{Actor, Dependency, EventType, State, Task, TaskId, Timestamp, reason};
use baton_proto::raw::v1 as raw;
use baton_proto::raw::v1::CauseType;
use tonic::{Request, Response, Status};

use super::convert::{actor, time};
use super::crud::FETCHED_MAX_COUNT;
use super::requests::admin::read_explain;
use super::{TaskApi, failed, judge};
use crate::store::{EventsOfQuery, Window};

impl TaskApi {
    pub(super) async fn explain_task(
        &self,
        request: Request<raw::ExplainTaskRequest>,
    ) -> Result<Response<raw::ExplainTaskResponse>, Status> {
        let request = request.into_inner();
        let id = judge::read(|v| read_explain(v, request))?;
        let task = self.fetch(id).await?;
        let causes = match task.state {
            State::Pending => self.causes_of_stop(&task, HELD).await?,
            State::Paused => self.causes_of_stop(&task, PAUSED).await?,
            State::Blocked => self.causes_of_wait(&task).await?,
            State::Scheduled => scheduled(&task).into_iter().collect(),
            State::Queued => self.causes_of_queue(&task).await?,
            State::Assigned => vec![held(&task, CauseType::Assigned, "its assignee has not started")],
            State::InProgress => vec![held(&task, CauseType::Running, "its assignee works on it")],
            State::InputRequired => vec![unanswered(&task)],
            State::Review => vec![cause(CauseType::WaitingForReview, "its work waits for a review")],
            State::Completed | State::Failed | State::Dead | State::Cancelled => vec![settled(&task)],
        };
        let moves = task.wake_time().into_iter().chain(task.lease_end()).min();
        // What its queue gives out next is as good as its own move.
        let of_queue = causes.iter().filter(|cause| !cause.queue.is_empty());
        let ends = of_queue.filter_map(|cause| cause.change_time);
        let next = moves.map(time::write).into_iter().chain(ends);
        let next_change_time = next.min_by_key(|time| (time.seconds, time.nanos));
        Ok(Response::new(raw::ExplainTaskResponse {
            causes,
            next_change_time,
        }))
    }

    /// Who held or stopped it, and what it waits for besides.
    async fn causes_of_stop(&self, task: &Task, stop: Stop) -> Result<Vec<raw::Cause>, Status> {
        let Stop { kind, message, event } = stop;
        let who = self.actor_of_last(task, event).await?;
        let stop = raw::Cause {
            actor: who.as_ref().map(actor::write),
            ..cause(kind, message)
        };
        let mut causes = vec![stop];
        causes.extend(self.open_dependencies(task).await?);
        Ok(causes)
    }

    async fn causes_of_wait(&self, task: &Task) -> Result<Vec<raw::Cause>, Status> {
        let mut causes = self.open_dependencies(task).await?;
        causes.extend(scheduled(task).filter(|_| task.schedule_time > Some(self.now())));
        Ok(causes)
    }

    async fn actor_of_last(&self, task: &Task, kind: EventType) -> Result<Option<Actor>, Status> {
        let query = EventsOfQuery {
            window: Window::Before(i64::MAX),
            types: vec![kind],
            limit: 1,
            payloads: false,
        };
        let found = self.engine.store().events_of(task.id, &query).await;
        Ok(found.map_err(failed::unread)?.pop().map(|event| event.actor))
    }

    async fn open_dependencies(&self, task: &Task) -> Result<Vec<raw::Cause>, Status> {
        let open: Vec<&Dependency> = task.dependencies.iter().filter(|d| d.result.is_none()).collect();
        let ids: Vec<TaskId> = open.iter().map(|dependency| dependency.task_id).collect();
        let mut states: HashMap<TaskId, State> = HashMap::with_capacity(ids.len());
        for chunk in ids.chunks(FETCHED_MAX_COUNT) {
            let found = self.fetch_all(chunk).await?;
            states.extend(found.into_values().map(|task| (task.id, task.state)));
        }
        let write = |id: &TaskId| depends(*id, states.get(id).copied());
        Ok(ids.iter().map(write).collect())
    }
}

/// What keeps a task where nothing else does: somebody's decision.
struct Stop {
    kind: CauseType,
    message: &'static str,
    /// Who did it says the last event of this type.
    event: EventType,
}

const HELD: Stop = Stop {
    kind: CauseType::Hold,
    message: "it is held until QueueTask or ScheduleTask",
    event: EventType::Created,
};

const PAUSED: Stop = Stop {
    kind: CauseType::Paused,
    message: "it is paused until ResumeTask",
    event: EventType::Paused,
};

pub(super) fn cause(kind: CauseType, message: &str) -> raw::Cause {
    raw::Cause {
        r#type: kind.into(),
        message: message.to_owned(),
        ..raw::Cause::default()
    }
}

fn depends(id: TaskId, state: Option<State>) -> raw::Cause {
    let stands = state.map_or("gone, which is about to be noticed", State::name);
    raw::Cause {
        task_id: id.to_string(),
        task_state: state.map_or(0, State::number),
        ..cause(
            CauseType::Dependency,
            &format!("it waits for task {id}, which is {stands}"),
        )
    }
}

fn scheduled(task: &Task) -> Option<raw::Cause> {
    let until: Timestamp = task.schedule_time?;
    let (kind, message) = if task.state_reason == reason::RETRY_BACKOFF {
        (
            CauseType::RetryBackoff,
            "it failed and waits for its next attempt",
        )
    } else {
        (CauseType::ScheduleTime, "its schedule_time has not come")
    };
    Some(raw::Cause {
        change_time: Some(time::write(until)),
        ..cause(kind, message)
    })
}

/// Somebody has it; by lease only until that ends.
fn held(task: &Task, kind: CauseType, message: &str) -> raw::Cause {
    raw::Cause {
        actor: task.assignee.as_ref().map(actor::write),
        change_time: task.lease_end().map(time::write),
        ..cause(kind, message)
    }
}

fn unanswered(task: &Task) -> raw::Cause {
    let key = task.open_input_request().map(|request| request.key.clone());
    raw::Cause {
        input_key: key.unwrap_or_default(),
        ..cause(
            CauseType::WaitingForInput,
            "a question is open: ProvideInput answers it",
        )
    }
}

fn settled(task: &Task) -> raw::Cause {
    let message = if task.state.is_resting() {
        format!(
            "it is {}: RetryTask brings it back, DiscardTask gives it up",
            task.state
        )
    } else {
        format!("it is {}, which is final", task.state)
    };
    cause(CauseType::Settled, &message)
}
