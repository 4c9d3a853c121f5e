//! Finds the service of a call.
//!
//! Not tonic's router, which is axum's: that wraps every body, request and future once more, and leaves the parts of a
//! path behind for nobody. The port has a handful of services, and each knows its own methods.

use std::convert::Infallible;
use std::sync::Arc;

use http::{Request, Response};
use tonic::Status;
use tonic::body::Body;
use tonic::codegen::BoxFuture;
use tonic::server::NamedService;
use tower::Service;

/// What the answer to a call comes from.
pub(super) type Handler = BoxFuture<Response<Body>, Infallible>;

/// A service as tonic generates it.
pub(crate) trait Served:
    Service<Request<Body>, Response = Response<Body>, Error = Infallible, Future = Handler>
    + NamedService
    + Clone
    + Send
    + Sync
    + 'static
{
}

impl<S> Served for S where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible, Future = Handler>
        + NamedService
        + Clone
        + Send
        + Sync
        + 'static
{
}

type Serve = Box<dyn Fn(Request<Body>) -> Handler + Send + Sync>;

/// The services of the port by name.
#[derive(Clone, Default)]
pub(super) struct Routes {
    services: Arc<Vec<(&'static str, Serve)>>,
}

impl FromIterator<Route> for Routes {
    fn from_iter<I: IntoIterator<Item = Route>>(routes: I) -> Self {
        let services = routes.into_iter().map(|Route(name, serve)| (name, serve));
        Routes {
            services: Arc::new(services.collect()),
        }
    }
}

/// One service and its name.
pub(super) struct Route(&'static str, Serve);

impl Route {
    pub(super) fn to<S: Served>(service: S) -> Self {
        // Services that tonic generates are always ready.
        Route(S::NAME, Box::new(move |request| service.clone().call(request)))
    }
}

impl Routes {
    /// Begins the call.
    pub(super) fn call(&self, request: Request<Body>) -> Handler {
        let name = service_name(request.uri().path());
        match self.services.iter().find(|(known, _)| *known == name) {
            Some((_, serve)) => serve(request),
            None => Box::pin(std::future::ready(Ok(Status::unimplemented("").into_http()))),
        }
    }
}

/// `package.Service` of the path `/package.Service/Method`.
fn service_name(path: &str) -> &str {
    let name = path.strip_prefix('/').and_then(|path| path.split_once('/'));
    name.map_or("", |(service, _)| service)
}
