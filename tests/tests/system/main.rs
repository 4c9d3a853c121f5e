//! The system tests: one binary, because each links the world.

mod support;

mod admin;
mod batches;
mod bulk;
mod cases;
mod coverage;
mod crashes;
mod dependencies;
mod errors;
mod feed;
mod hostile;
mod lifecycle_seed;
mod limits;
mod lists;
mod moves;
mod planted;
mod repeats;
