//! The RPCs that change queues.

use baton_proto::v1 as pb;

use super::{Change, Guarded, Rpc, fill_in_change, fill_in_namespace, lacking, sealed};
use crate::Error;
use crate::call::Reply;
use crate::settings::Defaults;

/// Changes with `request_id` and `actor`; `namespace` says where the request names its namespace.
macro_rules! changes {
    ($($method:ident $request:ident $response:ident -> $output:ty, $take:expr, $namespace:expr;)+) => {$(
        impl sealed::Sealed for pb::$request {}
        impl Rpc for pb::$request {
            type Output = Reply<$output>;
            wire!(QueueService, $method, $response);

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
                let output = lacking(take(answer), Self::METHOD, "queue")?;
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
    CreateQueue CreateQueueRequest CreateQueueResponse -> pb::Queue, |response| response.queue,
        |request| request.queue.as_mut().map(|queue| &mut queue.namespace);
    UpdateQueue UpdateQueueRequest UpdateQueueResponse -> pb::Queue, |response| response.queue,
        |request| request.queue.as_mut().map(|queue| &mut queue.namespace);
    DeleteQueue DeleteQueueRequest DeleteQueueResponse -> (), |pb::DeleteQueueResponse {}| Some(()),
        |request| Some(&mut request.namespace);
    PauseQueue PauseQueueRequest PauseQueueResponse -> pb::Queue, |response| response.queue,
        |request| Some(&mut request.namespace);
    ResumeQueue ResumeQueueRequest ResumeQueueResponse -> pb::Queue, |response| response.queue,
        |request| Some(&mut request.namespace);
    PurgeQueue PurgeQueueRequest PurgeQueueResponse -> pb::PurgeQueueResponse, Some,
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

guarded! { DeleteQueueRequest PauseQueueRequest ResumeQueueRequest }
