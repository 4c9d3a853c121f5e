//! GetTaskStats.

use baton_domain::Timestamp;
use baton_domain::filter::{Field, Record, Scalar};
use baton_domain::limits::REPLY_BYTES;
use baton_proto::raw::v1 as raw;
use prost::Message;
use tonic::{Request, Response, Status};

use super::convert::time;
use super::requests::lists::{self, Stats};
use super::status::{Reason, Refusal};
use super::{TaskApi, failed, judge};
use crate::store::TaskGroup;

impl TaskApi {
    pub(super) async fn get_task_stats(
        &self,
        request: Request<raw::GetTaskStatsRequest>,
    ) -> Result<Response<raw::GetTaskStatsResponse>, Status> {
        let request = request.into_inner();
        let Stats { namespace, filter } = judge::read(|v| lists::read_stats(v, request))?;
        let as_of = self.now();
        let groups = self.engine.store().task_groups(&namespace).await;
        let groups = groups.map_err(failed::unread)?.into_iter();
        let groups: Vec<_> = groups.filter(|group| filter.matches(&Counted(group))).collect();
        let answer = raw::GetTaskStatsResponse {
            total: groups.iter().map(|group| group.count).sum(),
            groups: groups.into_iter().map(|group| write(group, as_of)).collect(),
        };
        if answer.encoded_len() > REPLY_BYTES {
            let message = "there are more groups than fit into 3 MiB: filter by queue or type";
            return Err(Refusal::new(Reason::MessageTooLarge, message)
                .quota("reply bytes", message)
                .into());
        }
        Ok(Response::new(answer))
    }
}

fn write(group: TaskGroup, as_of: Timestamp) -> raw::TaskStatsGroup {
    let TaskGroup {
        state,
        queue,
        task_type,
        count,
        oldest_ready_time,
    } = group;
    raw::TaskStatsGroup {
        state: state.number(),
        queue,
        r#type: task_type,
        count,
        oldest_ready_time: oldest_ready_time.map(time::write),
        as_of_time: Some(time::write(as_of)),
    }
}

/// A group of tasks as filters see it: by the fields that it was counted by.
struct Counted<'a>(&'a TaskGroup);

impl Record for Counted<'_> {
    fn value(&self, field: Field) -> Option<Scalar<'_>> {
        match field {
            Field::State => Some(Scalar::State(self.0.state)),
            Field::Queue => Some(Scalar::Text(&self.0.queue)),
            Field::Type => Some(Scalar::Text(&self.0.task_type)),
            Field::Id
            | Field::StateReason
            | Field::Priority
            | Field::Title
            | Field::ParentId
            | Field::CreatorId
            | Field::AssigneeId
            | Field::CreateTime
            | Field::UpdateTime
            | Field::ScheduleTime
            | Field::StartTime
            | Field::EndTime
            | Field::Attempt
            | Field::RetryCount
            | Field::TaskId
            | Field::Outcome => None,
        }
    }

    fn label(&self, _: &str) -> Option<&str> {
        None
    }
}
