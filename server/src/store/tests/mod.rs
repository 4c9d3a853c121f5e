//! The store against real files.

mod commit;
mod fixture;
mod open;
mod round_trip;
