//! A service for tests: hangs, panics, streams without end, and tells when it was entered and dropped.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures::stream::{self, BoxStream};
use futures::{FutureExt, StreamExt};
use http::{Request, Response};
use http_body_util::BodyExt;
use prost::Message;
use prost_types::method_options::IdempotencyLevel;
use prost_types::{
    FileDescriptorProto, FileDescriptorSet, MethodDescriptorProto, MethodOptions, ServiceDescriptorProto,
};
use tokio::sync::Semaphore;
use tonic::body::Body;
use tonic::server::{Grpc, NamedService};
use tonic::{Code, Status};
use tonic_prost::ProstCodec;
use tower::{Service, service_fn};

use crate::net::Shutdown;
use crate::net::auth::Caller;
use crate::net::deadline::Deadline;

/// An answer that is larger than the windows of [`Client`](super::client::Client).
pub(super) const LARGE_BYTES: usize = 3 * 1024 * 1024;

/// What the probe has noticed.
pub(super) struct Signals {
    /// A permit for each hanging call, and each with a large answer, that has begun.
    pub(super) entered: Semaphore,
    /// A permit for each of them that was dropped.
    pub(super) dropped: Semaphore,
}

impl Signals {
    pub(super) async fn wait(signal: &Semaphore) {
        super::within(signal.acquire()).await.unwrap().forget();
    }
}

#[derive(Clone)]
pub(super) struct Probe {
    pub(super) signals: Arc<Signals>,
    shutdown: Shutdown,
}

/// The methods, and whether they stream.
/// Those that count are for the test of the metrics alone: metrics are shared by all tests of a process.
const METHODS: [(&str, bool); 13] = [
    ("Echo", false),
    ("Who", false),
    ("Hang", false),
    ("HangReading", false),
    ("Large", false),
    ("Panic", false),
    ("Stream", true),
    ("Flood", true),
    ("Feed", true),
    ("PanicLate", true),
    ("Refuse", false),
    ("Counted", false),
    ("CountedStream", true),
];

/// The descriptors of the probe, encoded.
pub(super) fn descriptors() -> &'static [u8] {
    let text = || Some(".google.protobuf.StringValue".to_owned());
    let method = |&(name, streams): &(&str, bool)| MethodDescriptorProto {
        name: Some(name.to_owned()),
        input_type: text(),
        output_type: text(),
        server_streaming: Some(streams),
        options: (name == "HangReading").then(|| MethodOptions {
            idempotency_level: Some(IdempotencyLevel::NoSideEffects.into()),
            ..Default::default()
        }),
        ..Default::default()
    };
    let file = FileDescriptorProto {
        name: Some("baton/test/probe.proto".to_owned()),
        package: Some("baton.test".to_owned()),
        service: vec![ServiceDescriptorProto {
            name: Some("Probe".to_owned()),
            method: METHODS.iter().map(method).collect(),
            ..Default::default()
        }],
        ..Default::default()
    };
    FileDescriptorSet { file: vec![file] }.encode_to_vec().leak()
}

/// Held by a call that hangs.
struct Presence(Arc<Signals>);

impl Presence {
    fn enter(signals: &Arc<Signals>) -> Self {
        signals.entered.add_permits(1);
        Presence(Arc::clone(signals))
    }
}

impl Drop for Presence {
    fn drop(&mut self) {
        self.0.dropped.add_permits(1);
    }
}

type Answer = Result<tonic::Response<String>, Status>;
type Answers = BoxStream<'static, Result<String, Status>>;

impl Probe {
    pub(super) fn new(shutdown: Shutdown) -> Self {
        let signals = Signals {
            entered: Semaphore::new(0),
            dropped: Semaphore::new(0),
        };
        Probe {
            signals: Arc::new(signals),
            shutdown,
        }
    }

    async fn unary(self, name: &str, request: tonic::Request<String>) -> Answer {
        let extensions = request.extensions();
        match name {
            "Counted" if request.get_ref() == "hang" => std::future::pending().await,
            "Echo" | "Counted" => Ok(tonic::Response::new(request.into_inner())),
            "Who" => {
                let caller = extensions.get::<Caller>().map(|caller| caller.0.to_string());
                let limited = extensions.get::<Deadline>().is_some();
                Ok(tonic::Response::new(format!("{caller:?} {limited}")))
            }
            "Large" => Ok(tonic::Response::new("x".repeat(LARGE_BYTES))),
            "Hang" | "HangReading" => {
                let _presence = Presence::enter(&self.signals);
                std::future::pending().await
            }
            "Panic" => panic!("the secret of {}", request.into_inner()),
            // What a library underneath might answer without asking us.
            "Refuse" => Err(Status::new(Code::Internal, "Error encoding: secret")),
            _ => Err(Status::unimplemented("")),
        }
    }

    async fn streaming(self, name: &str) -> Result<tonic::Response<Answers>, Status> {
        let presence = Presence::enter(&self.signals);
        let first = stream::once(async { Ok("first".to_owned()) });
        let stream = match name {
            "Stream" | "CountedStream" => first.chain(stream::pending()).boxed(),
            "Flood" => stream::repeat_with(|| Ok("x".repeat(1_000))).boxed(),
            "Feed" => {
                let draining = self.shutdown.draining().clone();
                let goodbye = async move {
                    draining.cancelled().await;
                    stream::iter([Ok("last".to_owned()), Err(Shutdown::refusal().into())])
                };
                first.chain(goodbye.flatten_stream()).boxed()
            }
            "PanicLate" => {
                // A pause, so that what came before is on its way.
                let late = async {
                    tokio::task::yield_now().await;
                    panic!("the secret")
                };
                first.chain(stream::once(late)).boxed()
            }
            _ => return Err(Status::unimplemented("")),
        };
        let watched = stream.map(move |item| {
            let _presence = &presence;
            item
        });
        Ok(tonic::Response::new(watched.boxed()))
    }
}

impl NamedService for Probe {
    const NAME: &'static str = "baton.test.Probe";
}

impl Service<Request<Body>> for Probe {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let probe = self.clone();
        Box::pin(async move {
            let name = request
                .uri()
                .path()
                .rsplit('/')
                .next()
                .unwrap_or_default()
                .to_owned();
            let mut grpc = Grpc::new(ProstCodec::<String, String>::default());
            let streams = METHODS
                .iter()
                .find(|(method, _)| *method == name)
                .is_some_and(|(_, streams)| *streams);
            Ok(if streams {
                let handler = service_fn(|_: tonic::Request<String>| {
                    let (probe, name) = (probe.clone(), name.clone());
                    async move { probe.streaming(&name).await }
                });
                grpc.server_streaming(handler, request).await
            } else {
                let presence = (name == "Large").then(|| Presence::enter(&probe.signals));
                let handler = service_fn(|request| {
                    let (probe, name) = (probe.clone(), name.clone());
                    async move { probe.unary(&name, request).await }
                });
                grpc.unary(handler, request).await.map(|body| {
                    Body::new(body.map_frame(move |frame| {
                        let _presence = &presence;
                        frame
                    }))
                })
            })
        })
    }
}
