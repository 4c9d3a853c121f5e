//! Messages as canonical protobuf JSON, by the contract's own description: whatever field the contract gets is here too.

use std::io;
use std::sync::LazyLock;

use baton_client::BulkOutcome;
use baton_client::proto::{
    BackupStoreResponse, BulkCancelResponse, ExplainTaskResponse, GetQueueStatsResponse,
    GetTaskStatsResponse, ImportNamespaceResponse, LeasedTask, PurgeQueueResponse, Queue, Receipt, Schedule,
    ScheduleTick, Task, TaskEvent, TaskRun, TaskType, TestWebhookResponse, WatchTasksResponse, Webhook,
    Worker,
};
use prost::Message;
use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor};

static CONTRACT: LazyLock<DescriptorPool> = LazyLock::new(|| {
    DescriptorPool::decode(baton_proto::DESCRIPTOR_SET).expect("the contract describes itself")
});

/// A message and its name in the contract.
pub(super) trait Named: Message {
    const NAME: &'static str;
}

macro_rules! named {
    ($($message:ident)+) => {$(
        impl Named for $message {
            const NAME: &'static str = concat!("baton.v1.", stringify!($message));
        }
    )+};
}

named!(Task TaskEvent TaskRun TaskType Worker Schedule ScheduleTick Receipt GetTaskStatsResponse ExplainTaskResponse
    WatchTasksResponse BulkCancelResponse LeasedTask Queue GetQueueStatsResponse PurgeQueueResponse
    Webhook TestWebhookResponse BackupStoreResponse ImportNamespaceResponse);

fn descriptor<M: Named>() -> MessageDescriptor {
    CONTRACT
        .get_message_by_name(M::NAME)
        .expect("the contract has every message")
}

/// The message that this JSON says.
pub(super) fn read<M: Named + Default>(json: serde_json::Value) -> Result<M, String> {
    let dynamic = DynamicMessage::deserialize(descriptor::<M>(), json).map_err(|error| error.to_string())?;
    dynamic.transcode_to().map_err(|error| error.to_string())
}

/// The message as one line.
pub(super) fn line<M: Named>(message: &M) -> io::Result<String> {
    let dynamic = DynamicMessage::decode(descriptor::<M>(), message.encode_to_vec().as_slice());
    serde_json::to_string(&dynamic.map_err(io::Error::other)?).map_err(io::Error::other)
}

/// What a bulk call did. The answers of all bulk calls are alike.
pub(super) fn bulk(outcome: &BulkOutcome) -> io::Result<String> {
    let BulkOutcome {
        results,
        done_count,
        failed_count,
        next_page_token,
    } = outcome.clone();
    line(&BulkCancelResponse {
        results,
        done_count,
        failed_count,
        next_page_token,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use baton_client::proto::{TaskState, WatchTaskResponse};
    use serde_json::{Value, json};

    fn parsed(message: &impl Named) -> Value {
        serde_json::from_str(&line(message).unwrap()).unwrap()
    }

    #[test]
    fn a_task_is_written_as_protobuf_says() {
        let task = Task {
            id: "1".to_owned(),
            state: TaskState::InProgress.into(),
            revision: 9_007_199_254_740_993,
            create_time: Some(prost_types::Timestamp {
                seconds: 1_795_338_000,
                nanos: 250_000_000,
            }),
            duration: Some(prost_types::Duration {
                seconds: 1,
                nanos: 500_000_000,
            }),
            input: Some(baton_client::value::json_text("{\"a\": 1}")),
            metadata: Some(baton_client::value::to_struct(
                [("k".to_owned(), json!([1, true]))].into_iter().collect(),
            )),
            ..Task::default()
        };
        assert_eq!(
            parsed(&task),
            json!({
                "id": "1",
                "state": "TASK_STATE_IN_PROGRESS",
                "revision": "9007199254740993",
                "createTime": "2026-11-22T09:00:00.250Z",
                "duration": "1.500s",
                "input": { "jsonText": "{\"a\": 1}" },
                "metadata": { "k": [1.0, true] },
            })
        );
    }

    #[test]
    fn every_named_message_is_in_the_contract() {
        parsed(&TaskEvent::default());
        parsed(&TaskRun::default());
        parsed(&Worker::default());
        parsed(&Schedule::default());
        parsed(&ScheduleTick::default());
        parsed(&TaskType::default());
        parsed(&Webhook::default());
        parsed(&TestWebhookResponse::default());
        parsed(&Receipt::default());
        parsed(&GetTaskStatsResponse::default());
        parsed(&ExplainTaskResponse::default());
        parsed(&WatchTasksResponse::default());
        parsed(&BulkCancelResponse::default());
    }

    #[test]
    fn both_watches_have_the_same_message() {
        let one = CONTRACT
            .get_message_by_name("baton.v1.WatchTaskResponse")
            .unwrap();
        let many = CONTRACT
            .get_message_by_name("baton.v1.WatchTasksResponse")
            .unwrap();
        let fields = |message: &prost_reflect::MessageDescriptor| {
            message
                .fields()
                .map(|field| (field.number(), field.name().to_owned()))
                .collect::<Vec<_>>()
        };
        assert_eq!(fields(&one), fields(&many));
        assert_eq!(
            WatchTaskResponse::default().encode_to_vec(),
            WatchTasksResponse::default().encode_to_vec()
        );
    }
}
