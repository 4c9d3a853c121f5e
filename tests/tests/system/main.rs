//! The system tests: one binary, because each links the world.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod dice;
mod support;

mod admin;
mod batches;
mod bulk;
mod cases;
mod coverage;
mod crashes;
mod dependencies;
mod duplicates;
mod errors;
mod faults;
mod feed;
mod holder_faults;
mod holders;
mod hostile;
mod insights;
mod leases;
mod lifecycle_seed;
mod limits;
mod lists;
mod moves;
mod operators;
mod outages;
mod overload;
mod planted;
mod postgres;
mod queues;
mod races;
mod readme;
mod repeats;
mod repeats_of_all;
mod runner;
mod schedules;
mod sqlite_backup;
mod sqlite_disk;
mod stops;
mod storm;
mod types;
mod waits;
mod webhooks;
mod worker_faults;
mod workers;
