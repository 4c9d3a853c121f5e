//! The gRPC services of the port: ours, with health and reflection beside them.

use tonic_health::ServingStatus;
use tonic_health::server::{HealthReporter, health_reporter};

use super::NetworkError;
use super::methods::Methods;
use super::routes::{Route, Routes, Served};

/// Descriptors that reflection serves beside those of the contract. Those of the error details are among them because
/// grpcurl shows details as bare base64 without.
const COMMON_DESCRIPTORS: [&[u8]; 4] = [
    tonic_health::pb::FILE_DESCRIPTOR_SET,
    tonic_types::pb::FILE_DESCRIPTOR_SET,
    tonic_reflection::pb::v1::FILE_DESCRIPTOR_SET,
    tonic_reflection::pb::v1alpha::FILE_DESCRIPTOR_SET,
];

/// Collects the services of a server.
pub(crate) struct Services {
    descriptors: Vec<&'static [u8]>,
    routes: Vec<Route>,
    names: Vec<&'static str>,
}

/// Services that are ready for calls.
pub(super) struct Opened {
    pub(super) routes: Routes,
    pub(super) methods: Methods,
    pub(super) health: Health,
}

impl Services {
    /// Begins with the contract's descriptors, an encoded `FileDescriptorSet`.
    pub(crate) fn new(contract: &'static [u8]) -> Self {
        let descriptors = COMMON_DESCRIPTORS.into_iter().chain([contract]).collect();
        Services {
            descriptors,
            routes: Vec::new(),
            names: Vec::new(),
        }
    }

    /// Adds a service of the contract and lists it with health.
    pub(crate) fn add<S: Served>(&mut self, service: S) -> &mut Self {
        self.routes.push(Route::to(service));
        self.names.push(S::NAME);
        self
    }

    /// Adds health and reflection. From here on health says SERVING.
    pub(super) async fn open(mut self) -> Result<Opened, NetworkError> {
        let methods = Methods::read(&self.descriptors).map_err(NetworkError::Methods)?;
        let v1 = self.reflection().build_v1().map_err(NetworkError::Descriptors)?;
        let v1alpha = self
            .reflection()
            .build_v1alpha()
            .map_err(NetworkError::Descriptors)?;
        let (reporter, service) = health_reporter();
        let health = Health {
            reporter,
            names: self.names,
        };
        health.set(ServingStatus::Serving).await;
        self.routes
            .extend([Route::to(service), Route::to(v1), Route::to(v1alpha)]);
        Ok(Opened {
            routes: self.routes.into_iter().collect(),
            methods,
            health,
        })
    }

    fn reflection(&self) -> tonic_reflection::server::Builder<'static> {
        let builder = tonic_reflection::server::Builder::configure().include_reflection_service(false);
        self.descriptors.iter().fold(builder, |builder, set| {
            builder.register_encoded_file_descriptor_set(set)
        })
    }
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
