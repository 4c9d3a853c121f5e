//! The unary RPCs of the contract, each a row of a table: its request, its answer, and what makes it repeatable.

use std::future::Future;
use std::time::Duration;

use baton_proto::v1 as pb;
use tonic::transport::Channel;
use tonic::{Request, Response, Status};

use crate::Error;
use crate::settings::Defaults;

/// The header by which the server tells that an answer is a repeat's.
const REPLAYED: &str = "baton-replayed";

mod sealed {
    pub trait Sealed {}
}

/// A request of the contract that has one answer. Only this crate implements it.
pub trait Rpc: sealed::Sealed + Clone + Send + Sync + 'static {
    /// What the call answers.
    type Output: Send + 'static;
    #[doc(hidden)]
    type Response: Send;
    /// The name of the RPC, for example `CreateTask`.
    const METHOD: &'static str;
    /// True for a call whose answer may be made to wait: it goes where the streams go.
    #[doc(hidden)]
    const WAITS: bool = false;

    /// Gives the request what the caller left out.
    #[doc(hidden)]
    fn fill_in(&mut self, defaults: &Defaults);
    /// Whether carrying the request out twice is the same as once.
    #[doc(hidden)]
    fn repeatable(&self) -> bool;
    /// The time the call takes by its nature, on top of the timeout.
    #[doc(hidden)]
    fn own_time(&self) -> Duration {
        Duration::ZERO
    }
    #[doc(hidden)]
    fn send(
        channel: Channel,
        request: Request<Self>,
    ) -> impl Future<Output = Result<Response<Self::Response>, Status>> + Send;
    #[doc(hidden)]
    fn output(response: Response<Self::Response>) -> Result<Self::Output, Error>;
}

/// A request that changes something on behalf of an actor.
pub trait Change: Rpc {
    #[doc(hidden)]
    fn actor_mut(&mut self) -> &mut Option<pb::Actor>;
    #[doc(hidden)]
    fn request_id_mut(&mut self) -> &mut String;
}

/// A change that can be made to depend on the task's etag.
pub trait Guarded: Change {
    #[doc(hidden)]
    fn etag_mut(&mut self) -> &mut String;
}

/// A UUIDv7: unique without asking anybody, and in the order of time, which indexes like.
pub(crate) fn new_id() -> String {
    uuid::Uuid::now_v7().to_string()
}

fn fill_in_change(request: &mut impl Change, defaults: &Defaults) {
    if request.actor_mut().is_none() {
        request.actor_mut().clone_from(&defaults.actor);
    }
    if defaults.request_ids && request.request_id_mut().is_empty() {
        *request.request_id_mut() = new_id();
    }
}

fn fill_in_namespace(namespace: &mut String, defaults: &Defaults) {
    if namespace.is_empty() {
        namespace.clone_from(&defaults.namespace);
    }
}

fn replayed<T>(response: &Response<T>) -> bool {
    response.metadata().contains_key(REPLAYED)
}

fn lacking<T>(part: Option<T>, method: &'static str, field: &'static str) -> Result<T, Error> {
    part.ok_or(Error::Malformed { method, field })
}

/// The parts that every row has: names, and the generated client's method.
macro_rules! wire {
    ($service:ident, $request:ident, $method:ident, $response:ident) => {
        type Response = pb::$response;
        const METHOD: &'static str = {
            let name = stringify!($request);
            // Every request is named after its RPC: `XxxRequest`.
            name.split_at(name.len() - "Request".len()).0
        };

        async fn send(channel: Channel, request: Request<Self>) -> Result<Response<pb::$response>, Status> {
            $service::new(channel).$method(request).await
        }
    };
}

mod changes;
mod reads;
