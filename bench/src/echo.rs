//! The reference of most rows: a bare tonic unary call that answers with what it was sent.
//!
//! It runs as a process of its own with the runtime of the server, and is called without the Rust client: what is left
//! is gRPC itself.

use std::convert::Infallible;
use std::task::{Context, Poll};

use anyhow::Context as _;
use bytes::Bytes;
use http::uri::PathAndQuery;
use tokio::net::TcpListener;
use tonic::body::Body;
use tonic::codegen::{BoxFuture, Service};
use tonic::server::{NamedService, UnaryService};
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Channel, Endpoint, Server};
use tonic::{Request, Response, Status};
use tonic_prost::ProstCodec;

use crate::load::Lane;

const PATH: &str = "/baton.bench.Echo/Call";
/// What goes there and back, in bytes.
const BALL: [u8; 100] = [7; 100];

#[derive(Clone, PartialEq, prost::Message)]
struct Ball {
    #[prost(bytes = "bytes", tag = "1")]
    body: Bytes,
}

/// Serves until the process ends.
///
/// Errors: the listener broke.
pub(crate) async fn serve(listener: TcpListener) -> anyhow::Result<()> {
    let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
    let server = Server::builder().add_service(Echo).serve_with_incoming(incoming);
    server.await.context("the echo service broke")
}

#[derive(Clone)]
struct Echo;

impl NamedService for Echo {
    const NAME: &'static str = "baton.bench.Echo";
}

impl Service<http::Request<Body>> for Echo {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<Self::Response, Infallible>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        Box::pin(async move {
            let mut grpc = tonic::server::Grpc::new(ProstCodec::<Ball, Ball>::default());
            Ok(grpc.unary(Answer, request).await)
        })
    }
}

struct Answer;

impl UnaryService<Ball> for Answer {
    type Response = Ball;
    type Future = BoxFuture<Response<Ball>, Status>;

    fn call(&mut self, request: Request<Ball>) -> Self::Future {
        Box::pin(async move { Ok(Response::new(request.into_inner())) })
    }
}

/// A caller of the echo.
pub(crate) struct EchoLane {
    grpc: tonic::client::Grpc<Channel>,
}

impl EchoLane {
    /// `callers` callers on `connections` connections of their own.
    ///
    /// Errors: nobody listens at `url`.
    pub(crate) async fn open(url: &str, callers: usize, connections: usize) -> anyhow::Result<Vec<Self>> {
        let mut channels = Vec::with_capacity(connections);
        for _ in 0..connections {
            channels.push(Endpoint::from_shared(url.to_owned())?.connect().await?);
        }
        let lane = |n: usize| EchoLane {
            grpc: tonic::client::Grpc::new(channels[n % connections].clone()),
        };
        Ok((0..callers).map(lane).collect())
    }
}

impl Lane for EchoLane {
    async fn step(&mut self) -> anyhow::Result<u32> {
        self.grpc.ready().await?;
        let ball = Ball {
            body: Bytes::from_static(&BALL),
        };
        let codec = ProstCodec::<Ball, Ball>::default();
        let path = PathAndQuery::from_static(PATH);
        let back = self.grpc.unary(Request::new(ball), path, codec).await?;
        anyhow::ensure!(
            back.get_ref().body == BALL[..],
            "the echo answered something else"
        );
        Ok(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_echo_answers_what_it_was_sent() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let serving = tokio::spawn(serve(listener));
        for mut lane in EchoLane::open(&url, 3, 2).await.unwrap() {
            assert_eq!(lane.step().await.unwrap(), 1);
        }
        serving.abort();
    }
}
