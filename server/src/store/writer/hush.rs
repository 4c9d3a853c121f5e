//! A write that is not woken for each of its statements.
//!
//! The thread of the database tells of every statement, and wakes who waits for the last of them each time. With nothing else
//! to do the two threads share a processor then, and pass it to and fro: a third of a batch of two commands. So who waits is
//! woken when the database begins to commit, and after that as usual.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use futures::task::AtomicWaker;

/// After that it is as if nobody had been hushed: a statement that fails comes to no commit.
const AT_MOST: Duration = Duration::from_millis(2);

/// Between a connection and who writes through it.
#[derive(Debug, Default)]
pub(super) struct Hush(Arc<State>);

#[derive(Debug, Default)]
struct State {
    is_hushed: AtomicBool,
    waiting: AtomicWaker,
}

impl Hush {
    /// To be called when a transaction begins to commit; answers that it may.
    pub(super) fn on_commit(&self) -> impl Fn() -> bool + Send + 'static {
        let state = Arc::clone(&self.0);
        move || {
            state.end();
            true
        }
    }

    /// As `write`, without waking for what comes before the commit. As safe to be dropped as that is.
    pub(super) async fn until_commit<W: Future + Send>(&self, write: W) -> W::Output {
        let mut hushed = Hushed {
            write: Box::pin(write),
            state: Arc::clone(&self.0),
        };
        self.0.is_hushed.store(true, Ordering::SeqCst);
        tokio::select! {
            biased;
            written = &mut hushed => return written,
            () = tokio::time::sleep(AT_MOST) => self.0.end(),
        }
        hushed.await
    }
}

impl State {
    fn end(&self) {
        if self.is_hushed.swap(false, Ordering::SeqCst) {
            self.waiting.wake();
        }
    }
}

impl Wake for State {
    fn wake(self: Arc<Self>) {
        if !self.is_hushed.load(Ordering::SeqCst) {
            self.waiting.wake();
        }
    }
}

struct Hushed<W> {
    write: Pin<Box<W>>,
    state: Arc<State>,
}

impl<W: Future> Future for Hushed<W> {
    type Output = W::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<W::Output> {
        self.state.waiting.register(context.waker());
        let waker = Waker::from(Arc::clone(&self.state));
        self.write.as_mut().poll(&mut Context::from_waker(&waker))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use futures::FutureExt as _;
    use futures::channel::mpsc;
    use futures::stream::StreamExt as _;

    use super::*;

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    #[tokio::test]
    async fn who_writes_is_woken_for_the_commit_and_what_follows() {
        let count = Arc::new(Count::default());
        let waker = Waker::from(Arc::clone(&count));
        let mut context = Context::from_waker(&waker);
        let woken = || count.0.swap(0, Ordering::SeqCst);
        let hush = Hush::default();
        let commits = hush.on_commit();
        let (told, statements) = mpsc::unbounded();
        let mut write = std::pin::pin!(hush.until_commit(statements.collect::<Vec<_>>()));
        assert!(write.poll_unpin(&mut context).is_pending());
        told.unbounded_send("BEGIN").expect("it is heard");
        told.unbounded_send("INSERT").expect("it is heard");
        assert_eq!(woken(), 0, "what comes before the commit wakes nobody");
        assert!(commits(), "it goes on");
        assert_eq!(woken(), 1);
        assert!(write.poll_unpin(&mut context).is_pending());
        told.unbounded_send("COMMIT").expect("it is heard");
        assert_eq!(woken(), 1);
        drop(told);
        let Poll::Ready(all) = write.poll_unpin(&mut context) else {
            panic!("all was told")
        };
        assert_eq!(all, ["BEGIN", "INSERT", "COMMIT"]);
    }

    #[tokio::test]
    async fn a_statement_that_fails_is_heard_of_without_a_commit() {
        let hush = Hush::default();
        let (told, statements) = mpsc::unbounded();
        let writing = hush.until_commit(statements.collect::<Vec<_>>());
        let telling = async {
            tokio::task::yield_now().await;
            told.unbounded_send("BEGIN").expect("it is heard");
            told.unbounded_send("an error").expect("it is heard");
            drop(told);
        };
        let (all, ()) = tokio::join!(writing, telling);
        assert_eq!(all, ["BEGIN", "an error"]);
    }
}
