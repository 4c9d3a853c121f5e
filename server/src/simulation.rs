//! What a simulation of the engine needs beyond what a server does: places at which the committer can be stopped for
//! good, everything that happens by itself done at once, and tasks and events as they are answered.

use std::cell::RefCell;
use std::sync::Arc;

use baton_domain::Event;
use tokio::sync::oneshot;

use crate::engine::{Engine, Error};
use crate::timers;

pub use crate::api::{answered_event as event, answered_task as task};

/// A place in the work of the committer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Point {
    /// A batch is decided, and nothing of it is written.
    BeforeCommit,
    /// It is on disk, and nobody was told.
    AfterCommit,
}

struct Stop {
    point: Point,
    /// So many batches pass before.
    after: u32,
    reached: oneshot::Sender<Vec<Arc<Event>>>,
}

thread_local! {
    static STOP: RefCell<Option<Stop>> = const { RefCell::new(None) };
}

/// Lets the committer that runs on this thread stop for ever at `point` when `after` batches have passed it. Tells of
/// which events the batch is that it stopped at; ends without an answer where another call takes this one's place.
pub fn stop_at(point: Point, after: u32) -> oneshot::Receiver<Vec<Arc<Event>>> {
    let (reached, told) = oneshot::channel();
    let stop = Stop {
        point,
        after,
        reached,
    };
    STOP.replace(Some(stop));
    told
}

/// Takes the last [`stop_at`] back.
pub fn go_on() {
    STOP.take();
}

/// The committer is at this point of a batch.
pub(crate) async fn reach(point: Point, events: &[Arc<Event>]) {
    let found = STOP.with_borrow_mut(|stop| {
        let here = stop.as_mut().filter(|stop| stop.point == point)?;
        if here.after > 0 {
            here.after -= 1;
            return None;
        }
        stop.take()
    });
    if let Some(stop) = found {
        // Nobody may be left to hear it: the committer stops all the same.
        drop(stop.reached.send(events.to_vec()));
        std::future::pending::<()>().await;
    }
}

/// Does everything that is due by the engine's clock, and all that follows from it, as the timers of a server do.
///
/// # Errors
/// What the engine and the store may do; some of it may be done.
pub async fn settle(engine: &Engine) -> Result<(), Error> {
    timers::settle(engine).await
}
