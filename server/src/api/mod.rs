//! The edge towards callers: services, conversions, and the one maker of gRPC statuses.

pub mod status;
