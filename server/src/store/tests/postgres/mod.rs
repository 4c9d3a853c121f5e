//! What PostgreSQL alone can be asked.

mod deadlock;
mod news;
mod plans;
mod snapshot;
mod turns;
mod watched;
