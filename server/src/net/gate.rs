//! What is the same for all calls, in reading order: who may come in, how long they may stay, and how they leave.

use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::{HeaderMap, Request, Response};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tonic::body::Body;
use tonic::transport::server::TcpConnectInfo;
use tonic::{Code, Status};
use tower::Service;

use super::answer::Answer;
use super::auth::ApiKeys;
use super::call::Call;
use super::deadline::{self, Deadline};
use super::drain::Shutdown;
use super::foreign;
use super::methods::{Kind, Methods};
use super::routes::{Handler, Routes};
use super::unary::Unary;
use crate::api::status::{Reason, Refusal};
use crate::config::Limits;
use crate::panics::{self, Panic};

/// Streams of health and reflection open at once: nobody needs a key for the former.
const FOREIGN_STREAMS_MAX_COUNT: usize = 1_000;

/// What calls are measured against.
pub(super) struct Rules {
    pub(super) methods: Methods,
    pub(super) keys: Option<ApiKeys>,
    pub(super) shutdown: Shutdown,
    pub(super) max_unary: Duration,
    watches: Arc<Semaphore>,
    foreign_streams: Arc<Semaphore>,
}

impl Rules {
    pub(super) fn new(methods: Methods, keys: Option<ApiKeys>, limits: &Limits, shutdown: Shutdown) -> Self {
        Rules {
            methods,
            keys,
            shutdown,
            max_unary: Duration::from_millis(limits.max_unary_ms),
            watches: Arc::new(Semaphore::new(limits.max_watches as usize)),
            foreign_streams: Arc::new(Semaphore::new(FOREIGN_STREAMS_MAX_COUNT)),
        }
    }

    fn begin<B>(&self, request: &Request<B>) -> Call {
        let peer = request
            .extensions()
            .get::<TcpConnectInfo>()
            .and_then(TcpConnectInfo::remote_addr);
        Call::begin(
            self.methods.find(request.uri().path()),
            peer,
            self.shutdown.count_call(),
        )
    }

    /// Lets a call in, or says why not. What handlers may need of it goes into the request's extensions.
    fn admit<B>(&self, call: &mut Call, request: &mut Request<B>) -> Result<Option<Deadline>, Refusal> {
        let (kind, streams) = (call.method().kind, call.method().streams);
        if let Some(keys) = &self.keys
            && kind != Kind::Health
        {
            let caller = keys.authenticate(request.headers())?;
            call.set_caller(&caller);
            request.extensions_mut().insert(caller);
        }
        if self.shutdown.draining().is_cancelled() && kind != Kind::Health {
            return Err(Shutdown::refusal());
        }
        let longest = (!streams && !call.method().takes_long).then_some(self.max_unary);
        let deadline = deadline::of(request.headers(), longest)?;
        if let Some(deadline) = deadline {
            request.extensions_mut().insert(deadline);
        }
        if streams {
            call.hold(self.reserve_stream(kind)?);
        }
        Ok(deadline)
    }

    fn reserve_stream(&self, kind: Kind) -> Result<OwnedSemaphorePermit, Refusal> {
        let (budget, limit) = match kind {
            Kind::Contract => (&self.watches, "limits.max_watches of the server's settings"),
            Kind::Health | Kind::Reflection => (&self.foreign_streams, "streams of health and reflection"),
        };
        Arc::clone(budget).try_acquire_owned().map_err(|_| {
            let message = "as many streams are open as this server serves at once";
            Refusal::new(Reason::QuotaExceeded, message).quota("streams", limit)
        })
    }

    /// When a stream that has nothing to say must end. Ours say goodbye by themselves when draining begins; those of
    /// tonic would stay for ever.
    fn stream_cut(&self, kind: Kind) -> &CancellationToken {
        match kind {
            Kind::Contract => self.shutdown.expired(),
            Kind::Health | Kind::Reflection => self.shutdown.draining(),
        }
    }
}

/// The services behind the rules.
#[derive(Clone)]
pub(super) struct Gate {
    rules: Arc<Rules>,
    routes: Routes,
}

impl Gate {
    pub(super) fn new(rules: Rules, routes: Routes) -> Self {
        Gate {
            rules: Arc::new(rules),
            routes,
        }
    }
}

impl Service<Request<Body>> for Gate {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Handler;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let mut call = self.rules.begin(&request);
        match self.rules.admit(&mut call, &mut request) {
            Err(refusal) => Box::pin(std::future::ready(Ok(refuse(call, refusal)))),
            Ok(deadline) => {
                let handler = self.routes.call(request);
                let rules = Arc::clone(&self.rules);
                Box::pin(async move { Ok(answer(&rules, call, handler, deadline).await) })
            }
        }
    }
}

/// Runs the handler until it answers, panics, or its time is over.
async fn answer(
    rules: &Rules,
    call: Call,
    mut handler: Handler,
    deadline: Option<Deadline>,
) -> Response<Body> {
    let guarded = std::future::poll_fn(|cx| match panics::catch(|| handler.as_mut().poll(cx)) {
        Ok(Poll::Pending) => Poll::Pending,
        Ok(Poll::Ready(Ok(response))) => Poll::Ready(Ok(response)),
        Err(panic) => Poll::Ready(Err(panic)),
    });
    // The handler comes first: an answer that is there is given, however late it is.
    let answered = tokio::select! {
        biased;
        answered = guarded => answered,
        () = deadline::reached(deadline) => return refuse(call, deadline::exceeded()),
        () = rules.shutdown.expired().cancelled() => {
            // What it asked for may be on its way to the disk.
            let refusal = if call.method().changes {
                Shutdown::outcome_unknown()
            } else {
                Shutdown::refusal()
            };
            return refuse(call, refusal);
        }
    };
    match answered {
        Err(panic) => {
            let refusal = bug(&call, &panic);
            refuse(call, refusal)
        }
        Ok(response) => pass(rules, call, response, deadline),
    }
}

/// Hands on what the handler answered. A refusal stands in the headers; what else comes has a body to look after.
fn pass(
    rules: &Rules,
    mut call: Call,
    response: Response<Body>,
    deadline: Option<Deadline>,
) -> Response<Body> {
    match status_in(response.headers()) {
        Some(Err(refusal)) => refuse(call, refusal),
        Some(Ok(code)) => {
            call.end(code);
            response
        }
        None => response.map(|body| {
            let (kind, streams) = (call.method().kind, call.method().streams);
            let answer = Answer::new(body, call);
            if streams {
                Body::new(answer.cut_at(deadline, rules.stream_cut(kind)))
            } else {
                Body::new(Unary::new(answer, deadline))
            }
        }),
    }
}

fn refuse(mut call: Call, refusal: Refusal) -> Response<Body> {
    call.end(refusal.reason().code());
    Status::from(refusal).into_http()
}

/// The status in headers or trailers, if they have one: its code, or our words for one that tonic made.
pub(super) fn status_in(headers: &HeaderMap) -> Option<Result<Code, Refusal>> {
    let code = Code::from_bytes(headers.get(Status::GRPC_STATUS)?.as_bytes());
    Some(foreign::translate(code, headers).map_or(Ok(code), Err))
}

/// Logs a caught panic, once, and makes the refusal that says nothing of it.
pub(super) fn bug(call: &Call, panic: &Panic) -> Refusal {
    crate::metrics::panicked();
    tracing::error!(
        rpc.method = &*call.method().name,
        panic.message,
        panic.location,
        "a call panicked: a fault of the server"
    );
    Refusal::opaque_bug()
}
