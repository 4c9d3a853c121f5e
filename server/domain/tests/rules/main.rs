//! The rules as tests: the whole grid, the fold, retries, leases, time, receipts, runs, reasons, queues, schedules.

mod fold;
mod grid;
mod lease;
mod output;
mod queue;
mod reasons;
mod repeat;
mod retry;
mod review;
mod run;
mod same;
mod samples;
mod schedule;
mod support;
mod text;
mod time;
