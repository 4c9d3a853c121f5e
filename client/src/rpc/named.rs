//! The RPCs that change what is named: queues, schedules, task types and webhooks.

use baton_proto::v1 as pb;

use super::{Change, Guarded, Rpc, fill_in_change, fill_in_namespace, lacking, sealed};
use crate::Error;
use crate::answers::Triggered;
use crate::call::Reply;
use crate::settings::Defaults;

/// Changes with `request_id` and `actor`; `namespace` says where the request names its namespace.
macro_rules! changes {
    ($($service:ident $method:ident $request:ident $response:ident -> $output:ty, $take:expr, $namespace:expr;)+) => {$(
        impl sealed::Sealed for pb::$request {}
        impl Rpc for pb::$request {
            type Output = Reply<$output>;
            wire!($service, $method, $response);

            fn fill_in(&mut self, defaults: &Defaults) {
                fill_in_change(self, defaults);
                let namespace: fn(&mut pb::$request) -> Option<&mut String> = $namespace;
                if let Some(namespace) = namespace(self) {
                    fill_in_namespace(namespace, defaults);
                }
            }

            fn repeatable(&self) -> bool {
                !self.request_id.is_empty()
            }

            fn output(answer: pb::$response, replayed: bool) -> Result<Self::Output, Error> {
                let take: fn(pb::$response) -> Option<$output> = $take;
                let output = lacking(take(answer), Self::METHOD, "answer")?;
                Ok(Reply::new(output, replayed))
            }
        }

        impl Change for pb::$request {
            fn actor_mut(&mut self) -> &mut Option<pb::Actor> {
                &mut self.actor
            }

            fn request_id_mut(&mut self) -> &mut String {
                &mut self.request_id
            }
        }
    )+};
}

changes! {
    QueueService CreateQueue CreateQueueRequest CreateQueueResponse -> pb::Queue, |response| response.queue,
        |request| request.queue.as_mut().map(|queue| &mut queue.namespace);
    QueueService UpdateQueue UpdateQueueRequest UpdateQueueResponse -> pb::Queue, |response| response.queue,
        |request| request.queue.as_mut().map(|queue| &mut queue.namespace);
    QueueService DeleteQueue DeleteQueueRequest DeleteQueueResponse -> (), |pb::DeleteQueueResponse {}| Some(()),
        |request| Some(&mut request.namespace);
    QueueService PauseQueue PauseQueueRequest PauseQueueResponse -> pb::Queue, |response| response.queue,
        |request| Some(&mut request.namespace);
    QueueService ResumeQueue ResumeQueueRequest ResumeQueueResponse -> pb::Queue, |response| response.queue,
        |request| Some(&mut request.namespace);
    QueueService PurgeQueue PurgeQueueRequest PurgeQueueResponse -> pb::PurgeQueueResponse, Some,
        |request| Some(&mut request.namespace);
    ScheduleService CreateSchedule CreateScheduleRequest CreateScheduleResponse -> pb::Schedule, |response| response.schedule,
        |request| request.schedule.as_mut().map(|schedule| &mut schedule.namespace);
    ScheduleService UpdateSchedule UpdateScheduleRequest UpdateScheduleResponse -> pb::Schedule, |response| response.schedule,
        |request| request.schedule.as_mut().map(|schedule| &mut schedule.namespace);
    ScheduleService DeleteSchedule DeleteScheduleRequest DeleteScheduleResponse -> (), |pb::DeleteScheduleResponse {}| Some(()),
        |request| Some(&mut request.namespace);
    ScheduleService PauseSchedule PauseScheduleRequest PauseScheduleResponse -> pb::Schedule, |response| response.schedule,
        |request| Some(&mut request.namespace);
    ScheduleService ResumeSchedule ResumeScheduleRequest ResumeScheduleResponse -> pb::Schedule, |response| response.schedule,
        |request| Some(&mut request.namespace);
    ScheduleService TriggerSchedule TriggerScheduleRequest TriggerScheduleResponse -> Triggered, |response| Triggered::of(response),
        |request| Some(&mut request.namespace);
    TaskTypeService RegisterTaskType RegisterTaskTypeRequest RegisterTaskTypeResponse -> pb::TaskType,
        |response| response.task_type, |request| request.task_type.as_mut().map(|task_type| &mut task_type.namespace);
    TaskTypeService UpdateTaskType UpdateTaskTypeRequest UpdateTaskTypeResponse -> pb::TaskType,
        |response| response.task_type, |request| request.task_type.as_mut().map(|task_type| &mut task_type.namespace);
    TaskTypeService DeleteTaskType DeleteTaskTypeRequest DeleteTaskTypeResponse -> (),
        |pb::DeleteTaskTypeResponse {}| Some(()), |request| Some(&mut request.namespace);
    WebhookService CreateWebhook CreateWebhookRequest CreateWebhookResponse -> pb::Webhook, |response| response.webhook,
        |request| request.webhook.as_mut().map(|webhook| &mut webhook.namespace);
    WebhookService UpdateWebhook UpdateWebhookRequest UpdateWebhookResponse -> pb::Webhook, |response| response.webhook,
        |request| request.webhook.as_mut().map(|webhook| &mut webhook.namespace);
    WebhookService DeleteWebhook DeleteWebhookRequest DeleteWebhookResponse -> (), |pb::DeleteWebhookResponse {}| Some(()),
        |request| Some(&mut request.namespace);
    WebhookService PauseWebhook PauseWebhookRequest PauseWebhookResponse -> pb::Webhook, |response| response.webhook,
        |request| Some(&mut request.namespace);
    WebhookService ResumeWebhook ResumeWebhookRequest ResumeWebhookResponse -> pb::Webhook, |response| response.webhook,
        |request| Some(&mut request.namespace);
}

macro_rules! guarded {
    ($($request:ident)+) => {$(
        impl Guarded for pb::$request {
            fn etag_mut(&mut self) -> &mut String {
                &mut self.etag
            }
        }
    )+};
}

guarded! {
    DeleteQueueRequest PauseQueueRequest ResumeQueueRequest
    DeleteScheduleRequest PauseScheduleRequest ResumeScheduleRequest TriggerScheduleRequest
    DeleteTaskTypeRequest
    DeleteWebhookRequest PauseWebhookRequest ResumeWebhookRequest
}
