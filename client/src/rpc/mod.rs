//! The unary RPCs of the contract, each a row of a table: its request, its answer, and what makes it repeatable.

use std::time::Duration;

use baton_proto::v1 as pb;
use bytes::Bytes;
use prost::Message;
use tonic::{Response, Status};

use crate::Error;
use crate::settings::Defaults;
use crate::wire::Encoded;

/// The header by which the server tells that an answer is a repeat's.
const REPLAYED: &str = "baton-replayed";

mod sealed {
    pub trait Sealed: prost::Message {}
}

/// A request of the contract that has one answer. Only this crate implements it.
pub trait Rpc: sealed::Sealed + Clone + Send + Sync + 'static {
    /// What the call answers.
    type Output: Send + 'static;
    #[doc(hidden)]
    type Response: Message + Default;
    /// The name of the RPC, for example `CreateTask`.
    const METHOD: &'static str;
    /// Where HTTP finds it, for example `/baton.v1.TaskService/CreateTask`.
    #[doc(hidden)]
    const PATH: &'static str;
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
    /// `replayed`: the answer is a repeat's.
    #[doc(hidden)]
    fn output(answer: Self::Response, replayed: bool) -> Result<Self::Output, Error>;
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

/// The request as it is sent, once or several times.
pub(crate) fn encoded<R: Rpc>(request: &R) -> Encoded {
    Encoded {
        message: request.encode_to_vec().into(),
        method: R::METHOD,
        path: R::PATH,
        waits: R::WAITS,
        repeatable: request.repeatable(),
    }
}

/// What the answer says. One that cannot be read is INTERNAL, as with tonic's own codec.
pub(crate) fn decoded<R: Rpc>(answer: Response<Bytes>, within: Duration) -> Result<R::Output, Error> {
    let replayed = answer.metadata().contains_key(REPLAYED);
    match R::Response::decode(answer.into_inner()) {
        Ok(answer) => R::output(answer, replayed),
        Err(error) => {
            let status = Status::internal(error.to_string());
            Err(Error::from_status(R::METHOD, within, status))
        }
    }
}

fn lacking<T>(part: Option<T>, method: &'static str, field: &'static str) -> Result<T, Error> {
    part.ok_or(Error::Malformed { method, field })
}

/// The parts that every row has: its names, and its answer's type.
macro_rules! wire {
    ($service:ident, $method:ident, $response:ident) => {
        type Response = pb::$response;
        const METHOD: &'static str = stringify!($method);
        const PATH: &'static str = concat!("/baton.v1.", stringify!($service), "/", stringify!($method));
    };
}

mod changes;
mod leases;
mod named;
mod reads;
