//! The store against real files.

mod commit;
mod fixture;
mod list;
mod open;
mod round_trip;
