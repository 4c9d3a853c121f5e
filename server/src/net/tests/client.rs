//! A bare gRPC client on one connection: no retries, no timers of its own, nothing between the test and the wire.

use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use http::uri::{Authority, PathAndQuery, Scheme};
use http::{Request, Response, Uri};
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tonic::body::Body;
use tonic::{Status, Streaming};
use tonic_prost::ProstCodec;
use tower::Service;

#[derive(Clone)]
pub(super) struct Wire {
    send: http2::SendRequest<Body>,
    authority: Authority,
}

impl Service<Request<Body>> for Wire {
    type Response = Response<Incoming>;
    type Error = hyper::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, hyper::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), hyper::Error>> {
        self.send.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let mut uri = std::mem::take(request.uri_mut()).into_parts();
        (uri.scheme, uri.authority) = (Some(Scheme::HTTP), Some(self.authority.clone()));
        *request.uri_mut() = Uri::from_parts(uri).unwrap();
        Box::pin(self.send.send_request(request))
    }
}

/// One HTTP/2 connection.
pub(super) struct Client {
    pub(super) grpc: tonic::client::Grpc<Wire>,
    pub(super) wire: Wire,
    /// Ends with the connection: Ok where the server closed it in order.
    pub(super) connection: JoinHandle<hyper::Result<()>>,
}

impl Client {
    pub(super) async fn connect(address: SocketAddr) -> Self {
        let tcp = TcpStream::connect(address).await.unwrap();
        tcp.set_nodelay(true).unwrap();
        let (send, connection) = http2::Builder::new(TokioExecutor::new())
            .handshake(TokioIo::new(tcp))
            .await
            .unwrap();
        let authority = Authority::try_from(address.to_string()).unwrap();
        let wire = Wire { send, authority };
        let grpc = tonic::client::Grpc::new(wire.clone());
        Client {
            grpc,
            wire,
            connection: tokio::spawn(connection),
        }
    }

    /// Calls a unary method of the probe.
    pub(super) async fn call(&self, method: &str, text: &str) -> Result<String, Status> {
        self.send(method, tonic::Request::new(text.to_owned())).await
    }

    pub(super) async fn send(&self, method: &str, request: tonic::Request<String>) -> Result<String, Status> {
        let mut grpc = self.grpc.clone();
        grpc.ready()
            .await
            .map_err(|error| Status::unavailable(error.to_string()))?;
        let codec = ProstCodec::<String, String>::default();
        super::within(grpc.unary(request, path(method), codec))
            .await
            .map(tonic::Response::into_inner)
    }

    /// Calls a streaming method of the probe.
    pub(super) async fn stream(&self, method: &str) -> Result<Streaming<String>, Status> {
        self.open(method, tonic::Request::new(String::new())).await
    }

    pub(super) async fn open(
        &self,
        method: &str,
        request: tonic::Request<String>,
    ) -> Result<Streaming<String>, Status> {
        let mut grpc = self.grpc.clone();
        grpc.ready()
            .await
            .map_err(|error| Status::unavailable(error.to_string()))?;
        let codec = ProstCodec::<String, String>::default();
        let opened = super::within(grpc.server_streaming(request, path(method), codec)).await;
        opened.map(tonic::Response::into_inner)
    }
}

/// A request with a header more.
pub(super) fn with_header(name: &'static str, value: &str) -> tonic::Request<String> {
    let mut request = tonic::Request::new("text".to_owned());
    request.metadata_mut().insert(name, value.parse().unwrap());
    request
}

/// `Method` of the probe, or a whole path.
fn path(method: &str) -> PathAndQuery {
    let path = if method.starts_with('/') {
        method.to_owned()
    } else {
        format!("/baton.test.Probe/{method}")
    };
    PathAndQuery::try_from(path).unwrap()
}

/// One HTTP/1.1 connection.
pub(super) async fn connect_http1(address: SocketAddr) -> http1::SendRequest<Body> {
    let tcp = TcpStream::connect(address).await.unwrap();
    let (send, connection) = http1::handshake(TokioIo::new(tcp)).await.unwrap();
    tokio::spawn(connection);
    send
}
