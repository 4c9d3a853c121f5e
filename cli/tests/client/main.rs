//! The client commands as scripts and people meet them: a real server, real processes.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod commands;
mod declared;
mod doctor;
mod failures;
mod promises;
mod queues;
mod schedules;
mod support;
mod transfers;
mod types;
mod watches;
mod webhooks;
mod workers;
