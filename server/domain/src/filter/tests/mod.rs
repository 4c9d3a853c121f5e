//! Tests through `Filter::parse` alone, by theme.

mod evaluation;
mod properties;
mod syntax;
