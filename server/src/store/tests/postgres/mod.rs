//! What PostgreSQL alone can be asked.

mod news;
mod plans;
mod snapshot;
mod watched;
