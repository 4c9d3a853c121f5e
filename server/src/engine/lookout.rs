//! Who waits to hear that what other servers have committed is known here.
//!
//! Watches that begin ask for it, and the ear that hears of commits of others. One look serves all who asked before it began,
//! and a batch that is written serves as one: within its turn nobody else has written. So a busy server makes no look of its
//! own, however many ask.

use tokio::sync::{mpsc, oneshot};

use super::error::Error;

type Reply = oneshot::Sender<Result<(), Error>>;

/// Where callers ask. Cheap to clone.
#[derive(Clone)]
pub(super) struct Asking(mpsc::UnboundedSender<Reply>);

/// Who asked, as the committer sees it.
pub(super) struct Lookout {
    arriving: mpsc::UnboundedReceiver<Reply>,
    waiting: Vec<Reply>,
}

/// A look that is under way, and who asked before it began.
pub(super) struct UnderLook(Vec<Reply>);

impl Asking {
    pub(super) fn new() -> (Self, Lookout) {
        let (asking, arriving) = mpsc::unbounded_channel();
        let waiting = Vec::new();
        (Self(asking), Lookout { arriving, waiting })
    }

    /// Answers when all is known that others had committed before this call.
    pub(super) async fn ask(&self) -> Result<(), Error> {
        let (reply, answer) = oneshot::channel();
        // The committer answers whoever it took; without an answer it is gone with the process.
        self.0.send(reply).map_err(|_| Error::Draining)?;
        answer.await.unwrap_or(Err(Error::Draining))
    }
}

impl Lookout {
    /// Waits until somebody asks. Cancel-safe.
    pub(super) async fn asked(&mut self) {
        if self.waiting.is_empty() {
            match self.arriving.recv().await {
                Some(reply) => self.waiting.push(reply),
                // Nobody is left who could.
                None => std::future::pending().await,
            }
        }
    }

    /// A look begins, which serves all who have asked by now.
    pub(super) fn begin(&mut self) -> UnderLook {
        while let Ok(reply) = self.arriving.try_recv() {
            self.waiting.push(reply);
        }
        UnderLook(std::mem::take(&mut self.waiting))
    }

    /// It came to nothing: they wait for the next one.
    pub(super) fn go_on(&mut self, look: UnderLook) {
        self.waiting.extend(look.0);
    }
}

impl UnderLook {
    pub(super) fn end(self, told: &Result<(), Error>) {
        for reply in self.0 {
            // Who asked may be gone.
            drop(reply.send(told.clone()));
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;

    #[tokio::test]
    async fn a_look_serves_all_who_asked_before_it_began_and_nobody_else() {
        let (asking, mut lookout) = Asking::new();
        let mut early: Vec<_> = (0..3).map(|_| Box::pin(asking.ask())).collect();
        assert!(early.iter_mut().all(|ask| ask.now_or_never().is_none()));
        lookout.asked().await;
        let look = lookout.begin();
        let mut late = Box::pin(asking.ask());
        assert!((&mut late).now_or_never().is_none());
        look.end(&Ok(()));
        for ask in early {
            assert!(ask.await.is_ok());
        }
        assert!(
            (&mut late).now_or_never().is_none(),
            "it asked after the look began"
        );
        lookout.asked().await;
        lookout.begin().end(&Ok(()));
        assert!(late.await.is_ok());
        assert!(lookout.asked().now_or_never().is_none(), "nobody asks any more");
    }

    #[tokio::test]
    async fn who_asked_for_a_look_that_came_to_nothing_is_served_by_the_next() {
        let (asking, mut lookout) = Asking::new();
        let mut ask = Box::pin(asking.ask());
        assert!((&mut ask).now_or_never().is_none());
        let look = lookout.begin();
        lookout.go_on(look);
        assert!((&mut ask).now_or_never().is_none());
        assert!(lookout.asked().now_or_never().is_some());
        lookout.begin().end(&Err(Error::OutcomeUnknown));
        assert!(matches!(ask.await, Err(Error::OutcomeUnknown)));
    }

    #[tokio::test]
    async fn nobody_waits_for_a_committer_that_is_gone() {
        let (asking, lookout) = Asking::new();
        let mut ask = Box::pin(asking.ask());
        assert!((&mut ask).now_or_never().is_none());
        drop(lookout);
        assert!(matches!(ask.await, Err(Error::Draining)));
        assert!(matches!(asking.ask().await, Err(Error::Draining)));
    }
}
