//! The gRPC services of the port: ours, with health and reflection beside them.

use std::convert::Infallible;

use http::Request;
use tonic::body::Body;
use tonic::server::NamedService;
use tonic::service::{Routes, RoutesBuilder};
use tonic_health::ServingStatus;
use tonic_health::server::{HealthReporter, health_reporter};
use tower::Service;

use super::NetworkError;

/// The descriptor sets that reflection serves. Those of the error details are among them because grpcurl shows
/// details as bare base64 without.
pub(super) const DESCRIPTOR_SETS: [&[u8]; 3] = [
    baton_proto::DESCRIPTOR_SET,
    tonic_health::pb::FILE_DESCRIPTOR_SET,
    tonic_types::pb::FILE_DESCRIPTOR_SET,
];

/// Collects the services of a server.
#[derive(Default)]
pub(crate) struct Services {
    routes: RoutesBuilder,
    names: Vec<&'static str>,
}

impl Services {
    #[expect(dead_code, reason = "the services of the contract come by their own change")]
    /// Adds a service of the contract and lists it with health.
    pub(crate) fn add<S>(&mut self, service: S) -> &mut Self
    where
        S: Service<Request<Body>, Error = Infallible> + NamedService + Clone + Send + Sync + 'static,
        S::Response: axum::response::IntoResponse,
        S::Future: Send + 'static,
    {
        self.routes.add_service(service);
        self.names.push(S::NAME);
        self
    }

    /// Adds health and reflection. From here on health says SERVING.
    pub(super) async fn open(mut self) -> Result<(Routes, Health), NetworkError> {
        let (reporter, service) = health_reporter();
        let health = Health {
            reporter,
            names: self.names,
        };
        health.set(ServingStatus::Serving).await;
        self.routes.add_service(service);
        self.routes
            .add_service(reflection().build_v1().map_err(NetworkError::Descriptors)?);
        self.routes
            .add_service(reflection().build_v1alpha().map_err(NetworkError::Descriptors)?);
        Ok((self.routes.routes().prepare(), health))
    }
}

fn reflection() -> tonic_reflection::server::Builder<'static> {
    let builder = tonic_reflection::server::Builder::configure();
    DESCRIPTOR_SETS.into_iter().fold(builder, |builder, set| {
        builder.register_encoded_file_descriptor_set(set)
    })
}

/// What `grpc.health.v1` says: one status for each service of the contract, and "" for the server.
pub(super) struct Health {
    reporter: HealthReporter,
    names: Vec<&'static str>,
}

impl Health {
    /// Tells everybody who asks or watches that nothing new should come here.
    pub(super) async fn set_not_serving(&self) {
        self.set(ServingStatus::NotServing).await;
    }

    async fn set(&self, status: ServingStatus) {
        self.reporter.set_service_status("", status).await;
        for name in &self.names {
            self.reporter.set_service_status(name, status).await;
        }
    }
}
