//! The system as a whole: tests through the client over a real socket, judged by a replay oracle.
//!
//! The tests themselves are in `tests/system/`.

pub mod harness;
pub mod linear;
pub mod oracle;
pub mod sim;
