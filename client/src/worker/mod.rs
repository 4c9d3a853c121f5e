//! The worker runtime: handlers are registered, the rest is done.
//!
//! Three loops share a table of leases, and end with the future that runs them: `lease` polls for as many tasks as there
//! is room and starts a handler for each, `renew` keeps what is held and hears what is to be given up, `report` tells
//! how the work ended. Each has one call under way; what comes meanwhile goes together into the next.

mod builder;
mod context;
mod handler;
mod held;
mod lease;
mod outcome;
mod renew;
mod report;
mod run;
mod shared;

pub use builder::WorkerBuilder;
pub use context::Context;
pub use outcome::{Failure, IntoOutcome, Outcome};

use crate::Client;

/// Takes tasks from queues and runs a handler for each.
///
/// ```no_run
/// use baton_client::{Client, Context, Failure, Worker};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Deserialize)]
/// struct Pages {
///     urls: Vec<String>,
/// }
///
/// #[derive(Serialize)]
/// struct Read {
///     count: usize,
/// }
///
/// async fn read_pages(context: Context, input: Pages) -> Result<Read, Failure> {
///     let mut count: usize = context.checkpoint()?.unwrap_or(0);
///     for url in input.urls.iter().skip(count) {
///         if context.is_cancelled() {
///             return Err(Failure::new("not wanted any more"));
///         }
///         println!("reading {url}");
///         count += 1;
///         context.save_checkpoint(&count).await?;
///         context.progress(i32::try_from(100 * count / input.urls.len())?, url);
///     }
///     Ok(Read { count })
/// }
///
/// # async fn example(client: Client) -> Result<(), baton_client::Error> {
/// Worker::builder(client)
///     .queue("default")
///     .concurrency(5)
///     .handler("read-pages", read_pages)
///     .handler("add", |_, (a, b): (i64, i64)| async move { Ok(a + b) })
///     .run()
///     .await?;
/// # Ok(())
/// # }
/// ```
///
/// - **Leases** are renewed while a handler runs, and until its end is reported. Work that ends within a tenth of a second
///   is started and finished by one report.
/// - **Cancel, pause, loss**: [`Context::cancelled`] ends at once; a handler that does not heed it is dropped after the
///   grace. What it returns does not count.
/// - **Failures**: an `Err` and a panic fail the attempt; the task's retry policy says what follows.
/// - **Restarts of the server** are waited out; ends that could not be reported are reported again, by the token of the
///   lease, so that none counts twice.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Worker {}

impl Worker {
    /// Begins setting a worker up.
    pub fn builder(client: Client) -> WorkerBuilder {
        WorkerBuilder::new(client)
    }
}

/// Why a worker came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The program or the system told it to.
    Stopped,
    /// Somebody asked it to drain: [`Client::drain_worker`]. Until that is taken back a worker with the same id ends at
    /// once.
    Drained,
}
