//! The port's one door: gRPC and gRPC-Web to the services, everything else to a page that says what this is.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::task::{Context, Poll};

use futures::future::Either;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use tonic::body::Body;
use tonic_web::{GrpcWebLayer, GrpcWebService};
use tower::{Layer, Service};

use super::gate::Gate;

const PAGE: &str = concat!(
    "Baton ",
    env!("CARGO_PKG_VERSION"),
    " speaks gRPC and gRPC-Web on this port, with reflection and health.\n",
    "Try: grpcurl -plaintext <this address> list\n"
);

/// Sends a request where its content type says it belongs. The gRPC-Web layer stands around the services alone: it
/// answers every plain request with 400.
#[derive(Clone)]
pub(super) struct Door {
    grpc: GrpcWebService<Gate>,
}

impl Door {
    pub(super) fn new(gate: Gate) -> Self {
        Door {
            grpc: GrpcWebLayer::new().layer(gate),
        }
    }
}

impl Service<Request<Body>> for Door {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Either<
        <GrpcWebService<Gate> as Service<Request<Body>>>::Future,
        Ready<Result<Response<Body>, Infallible>>,
    >;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Service::<Request<Body>>::poll_ready(&mut self.grpc, cx)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let content_type = request.headers().get(CONTENT_TYPE).map(HeaderValue::as_bytes);
        if content_type.is_some_and(|value| value.starts_with(b"application/grpc")) {
            Either::Left(self.grpc.call(request))
        } else {
            Either::Right(ready(Ok(plain(&request))))
        }
    }
}

fn plain(request: &Request<Body>) -> Response<Body> {
    let (status, text) = match (request.method(), request.uri().path()) {
        (&Method::GET | &Method::HEAD, "/") => (StatusCode::OK, PAGE),
        (&Method::GET | &Method::HEAD, _) => (StatusCode::NOT_FOUND, "Nothing is here.\n"),
        // Source: the gRPC over HTTP/2 protocol, on requests whose content type is not gRPC's.
        _ => (
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "The content type of a call is application/grpc.\n",
        ),
    };
    let mut response = Response::new(Body::new(http_body_util::Full::from(text)));
    *response.status_mut() = status;
    response.headers_mut().insert(
        CONTENT_TYPE,
        HeaderValue::from_static("text/plain; charset=utf-8"),
    );
    response
}
