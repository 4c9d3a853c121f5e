//! The edge towards callers: services, conversions, and the one maker of gRPC statuses.

mod reason;
pub mod status;
