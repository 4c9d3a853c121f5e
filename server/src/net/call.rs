//! One call from its first byte to its last: what logs and metrics say about it.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;
use tokio_util::task::task_tracker::TaskTrackerToken;
use tonic::Code;

use super::auth::Caller;
use super::methods::Method;
use crate::api::status::code_name;
use crate::metrics::Ended;
use crate::seams::monotonic_now;

/// An open call. Dropping it ends it: one line of the log, its metrics, its place in the budgets.
pub(super) struct Call {
    method: Arc<Method>,
    peer: Option<SocketAddr>,
    caller: Option<Caller>,
    started: Instant,
    /// CANCELLED until the call says otherwise: whoever drops it early was given up by its caller.
    code: Code,
    stream: Option<OwnedSemaphorePermit>,
    _counted: TaskTrackerToken,
}

impl Call {
    pub(super) fn begin(method: Arc<Method>, peer: Option<SocketAddr>, counted: TaskTrackerToken) -> Self {
        Call {
            method,
            peer,
            caller: None,
            started: monotonic_now(),
            code: Code::Cancelled,
            stream: None,
            _counted: counted,
        }
    }

    pub(super) fn method(&self) -> &Arc<Method> {
        &self.method
    }

    pub(super) fn set_caller(&mut self, caller: &Caller) {
        self.caller = Some(caller.clone());
    }

    /// Holds a place among the open streams until the end.
    pub(super) fn hold(&mut self, place: OwnedSemaphorePermit) {
        self.method.calls.stream_began();
        self.stream = Some(place);
    }

    /// Says how the call ended.
    pub(super) fn end(&mut self, code: Code) {
        self.code = code;
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        let (duration, name) = (self.started.elapsed(), code_name(self.code));
        let code = Ended {
            number: self.code as usize,
            name,
        };
        if self.stream.is_some() {
            self.method.calls.stream_ended(code);
        } else {
            self.method.calls.unary_ended(code, duration);
        }
        tracing::debug!(
            rpc.method = &*self.method.name,
            rpc.code = name,
            duration_ms = duration.as_secs_f64() * 1_000.0,
            peer = self.peer.map(tracing::field::display),
            caller = self.caller.as_ref().map(|caller| &*caller.0),
            "rpc"
        );
    }
}
