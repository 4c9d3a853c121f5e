//! What PostgreSQL alone can be asked.

mod plans;
mod snapshot;
mod watched;
