//! Handlers that come with Baton: run a program, notify somebody, clean up, and two that look after themselves.
//!
//! A [`RunnerConfig`] says which type of task is done by which of them; a [`Runner`] is a worker that does so, in a process
//! of its own (`baton worker`) or beside the server (`baton serve`). docs/runner.md describes each handler.
//!
//! Modules in reading order: [`config`] (all that an operator can say), `runner` (what becomes of it), `logged` (what is
//! told of every task), then the handlers.

pub mod config;

mod cleanup;
mod faults;
mod heartbeat;
mod logged;
mod notify;
mod process;
mod runner;
mod startup;

pub use config::{Mistake, RunnerConfig};
pub use runner::{RunError, Runner, SetupError};
