//! The lifecycle's rules as tests: the whole grid, the fold, the retries.

mod fold;
mod grid;
mod retry;
mod support;
