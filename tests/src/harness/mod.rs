//! Servers under test, and the record of all that clients were told.
//!
//! A test starts a [`TestServer`] (in this process) or a [`Process`] (the real binary), talks to it through
//! [`TestServer::send`], and ends with [`TestServer::finish`]: there the oracle judges log, rows, answers and streams.

mod collect;
pub mod faults;
mod history;
mod judge;
mod pooler;
mod process;
mod proxy;
mod record;
mod server;
mod stream;
pub mod wire;
mod work;

/// The database of one test.
pub use baton_test_database::TestDatabase;
pub use history::History;
pub use judge::judge;
pub use pooler::Pooler;
pub use process::{Process, binary};
pub use proxy::{Proxy, Trap, Wire};
pub use record::Recorded;
pub use server::{TestServer, once};
pub use stream::{Opening, Stream};
