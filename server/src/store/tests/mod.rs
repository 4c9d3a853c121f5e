//! The store against real databases.

mod any_task;
mod asked;
mod atomic;
mod commit;
mod effects;
mod fixture;
mod keys;
mod leases;
mod list;
mod log;
mod maximal;
mod open;
mod payloads;
mod postgres;
mod queues;
mod ready;
mod round_trip;
mod runs;
mod schedules;
mod schema;
mod sqlite_plans;
mod stored;
mod task_types;
mod together;
mod updates;
