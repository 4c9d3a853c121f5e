//! The edge towards callers: services, conversions, and the one maker of gRPC statuses.

mod check;
#[expect(
    dead_code,
    reason = "the services that answer with these come by their own change"
)]
mod convert;
mod failed;
mod judge;
mod reason;
mod refuse;
#[expect(dead_code, reason = "the services that repeat come by their own change")]
mod repeat;
#[expect(dead_code, reason = "the services that answer these come by their own change")]
mod requests;
mod value;
mod violations;
mod wait;
mod watch;

pub mod status;

pub use judge::{judge, methods};
