//! A server that answers each request as the test wrote down beforehand, and keeps what it was sent.

use std::collections::{HashMap, VecDeque};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use futures::future::BoxFuture;
use futures::stream::{self, BoxStream};
use futures::{FutureExt, StreamExt};
use http::HeaderMap;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame;
use prost::Message;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::body::Body;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

/// How one request is answered.
pub(crate) enum Step {
    /// With a message, and headers beside it.
    Answer(Bytes, Vec<(&'static str, &'static str)>),
    /// With an error.
    Refuse(Status),
    /// With messages, and then this end.
    Stream(Vec<Bytes>, End),
    /// Never. The sender is dropped when the client gives the call up.
    Hang(oneshot::Sender<()>),
}

/// How a stream ends.
pub(crate) enum End {
    /// In good order.
    Ok,
    /// With an error.
    Status(Status),
    /// Not: it stays open. The sender is dropped when the client leaves.
    Open(oneshot::Sender<()>),
    /// By a reset, after these bytes of a message that is not whole. A reset overtakes what was sent before it: where
    /// that matters, it waits for this.
    Cut(Bytes, Option<oneshot::Receiver<()>>),
}

/// One request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    message: Bytes,
}

impl Seen {
    pub(crate) fn read<M: Message + Default>(&self) -> M {
        M::decode(self.message.clone()).expect("the client sends what the contract says")
    }
}

pub(crate) struct Scripted {
    pub(crate) address: SocketAddr,
    state: Arc<State>,
}

/// What answers each request.
type Answers = Box<dyn Fn(Seen) -> BoxFuture<'static, Step> + Send + Sync>;

struct State {
    answers: Answers,
    seen: Mutex<Vec<Seen>>,
}

impl Scripted {
    /// Starts the server. A request beyond the script is refused as UNIMPLEMENTED.
    pub(crate) async fn start(script: impl IntoIterator<Item = Step>) -> Self {
        let script: VecDeque<_> = script.into_iter().collect();
        let script = Arc::new(Mutex::new(script));
        let next = move |_| {
            let step = script.lock().expect("no test panicked here").pop_front();
            let beyond = || Step::Refuse(Status::unimplemented("beyond the script"));
            futures::future::ready(step.unwrap_or_else(beyond)).boxed()
        };
        Self::answering(Box::new(next)).await
    }

    /// Starts the server, which answers each request by what it asks.
    pub(crate) async fn answering(answers: Answers) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("it listens");
        let state = Arc::new(State {
            answers,
            seen: Mutex::new(Vec::new()),
        });
        let shared = Arc::clone(&state);
        let service = tower::service_fn(move |request| answer(Arc::clone(&shared), request));
        let server = tonic::transport::Server::builder()
            .serve_with_incoming(service, TcpListenerStream::new(listener));
        tokio::spawn(server);
        Scripted { address, state }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// A client with default settings, but for short waits before repeats.
    pub(crate) fn client(&self) -> baton_client::Client {
        self.builder().build().expect("good settings")
    }

    pub(crate) fn builder(&self) -> baton_client::ClientBuilder {
        baton_client::Client::builder()
            .endpoint(self.url())
            .retry(baton_client::RetrySettings {
                initial_backoff: Duration::from_millis(1),
                ..Default::default()
            })
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.state.seen.lock().expect("no test panicked here").clone()
    }

    pub(crate) fn paths(&self) -> Vec<String> {
        self.seen().into_iter().map(|seen| seen.path).collect()
    }
}

/// A message as the answer.
pub(crate) fn answer_with(message: &impl Message) -> Step {
    Step::Answer(message.encode_to_vec().into(), Vec::new())
}

/// A message as the answer to a repeat.
pub(crate) fn replay_with(message: &impl Message) -> Step {
    Step::Answer(message.encode_to_vec().into(), vec![("baton-replayed", "true")])
}

/// An error with a reason, as Baton makes it.
pub(crate) fn refusal(code: Code, reason: &str) -> Status {
    refusal_with(code, reason, &[], None)
}

pub(crate) fn refusal_with(
    code: Code,
    reason: &str,
    metadata: &[(&str, &str)],
    retry_after: Option<Duration>,
) -> Status {
    let mut details = ErrorDetails::new();
    let metadata: HashMap<_, _> = metadata
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect();
    details.set_error_info(reason, "baton.dev", metadata);
    if retry_after.is_some() {
        details.set_retry_info(retry_after);
    }
    Status::with_error_details(code, "words for people", details)
}

/// A step that hangs, and what tells that the client gave up.
pub(crate) fn hang() -> (Step, oneshot::Receiver<()>) {
    let (sender, receiver) = oneshot::channel();
    (Step::Hang(sender), receiver)
}

/// The end of a stream that stays open, and what tells that the client left.
pub(crate) fn stay_open() -> (End, oneshot::Receiver<()>) {
    let (sender, receiver) = oneshot::channel();
    (End::Open(sender), receiver)
}

/// The length-prefixed frame of a message.
pub(crate) fn frame(message: &[u8]) -> Bytes {
    let mut bytes = BytesMut::with_capacity(message.len() + 5);
    bytes.put_u8(0);
    bytes.put_u32(u32::try_from(message.len()).expect("small messages"));
    bytes.put_slice(message);
    bytes.freeze()
}

async fn answer(state: Arc<State>, request: http::Request<Body>) -> Result<http::Response<Body>, Infallible> {
    let (head, body) = request.into_parts();
    let Ok(body) = body.collect().await else {
        return Ok(Status::cancelled("the client left").into_http());
    };
    let message = body.to_bytes().slice(5..);
    let seen = Seen {
        path: head.uri.path().to_owned(),
        headers: head.headers,
        message,
    };
    state
        .seen
        .lock()
        .expect("no test panicked here")
        .push(seen.clone());
    Ok(match (state.answers)(seen).await {
        Step::Answer(message, headers) => {
            let mut response = streaming(vec![message], End::Ok);
            for (name, value) in headers {
                response
                    .headers_mut()
                    .insert(name, http::HeaderValue::from_static(value));
            }
            response
        }
        Step::Refuse(status) => status.into_http(),
        Step::Stream(messages, end) => streaming(messages, end),
        Step::Hang(sender) => {
            let _gone = sender;
            std::future::pending().await
        }
    })
}

type Frames = BoxStream<'static, Result<Frame<Bytes>, Status>>;

fn streaming(messages: Vec<Bytes>, end: End) -> http::Response<Body> {
    let messages = stream::iter(messages).map(|message| Ok(Frame::data(frame(&message))));
    let end: Frames = match end {
        End::Ok => trailers(&Status::ok("")),
        End::Status(status) => trailers(&status),
        End::Open(sender) => stream::once(async move {
            let _left = sender;
            std::future::pending().await
        })
        .boxed(),
        End::Cut(half, when) => {
            let reset = async move {
                if let Some(when) = when {
                    when.await.expect("the test says when");
                }
                Err(Status::internal("cut"))
            };
            stream::iter([Ok(Frame::data(half))])
                .chain(stream::once(reset))
                .boxed()
        }
    };
    let mut response = http::Response::new(Body::new(StreamBody::new(messages.chain(end))));
    let grpc = http::HeaderValue::from_static("application/grpc");
    response.headers_mut().insert(http::header::CONTENT_TYPE, grpc);
    response
}

fn trailers(status: &Status) -> Frames {
    let mut map = HeaderMap::new();
    status.add_header(&mut map).expect("a status fits headers");
    stream::iter([Ok(Frame::trailers(map))]).boxed()
}
