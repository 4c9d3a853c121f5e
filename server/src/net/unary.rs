//! The body of a unary answer: handed out in pieces, and let go at the call's deadline if the peer does not read it.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame};
use parking_lot::Mutex;
use tokio_util::task::AbortOnDropHandle;
use tonic::Status;

use super::answer::{self, Answer, NextFrame};
use super::deadline::{self, Deadline};

/// hyper keeps one piece until the peer has room for it, and asks for nothing meanwhile. What is no larger than this
/// needs no timer: it is bounded by the streams that a connection may have.
const PIECE_MAX_BYTES: usize = 16 * 1024;

/// A unary answer on its way out.
pub(super) struct Unary {
    /// The whole answer, until something of it is left behind the first piece. Most fit into one.
    whole: Option<Kept>,
    left: Option<Left>,
    deadline: Option<Deadline>,
}

/// What the peer has not read.
struct Kept {
    answer: Answer,
    rest: Bytes,
}

/// What is left behind the first piece, until the timer takes it.
struct Left {
    kept: Arc<Mutex<Option<Kept>>>,
    /// `None` once it was told that the time is over.
    timer: Option<AbortOnDropHandle<()>>,
}

impl Unary {
    pub(super) fn new(answer: Answer, deadline: Option<Deadline>) -> Self {
        let rest = Bytes::new();
        Unary {
            whole: Some(Kept { answer, rest }),
            left: None,
            deadline,
        }
    }
}

impl HttpBody for Unary {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> NextFrame {
        let this = &mut *self;
        if let Some(whole) = &mut this.whole {
            let frame = ready!(whole.poll_piece(cx));
            if !whole.rest.is_empty() {
                let deadline = this.deadline;
                this.left = this.whole.take().map(|kept| Left::new(kept, deadline));
            }
            return Poll::Ready(frame);
        }
        this.left
            .as_mut()
            .map_or(Poll::Ready(None), |left| left.poll_piece(cx))
    }
}

impl Kept {
    fn poll_piece(&mut self, cx: &mut Context<'_>) -> NextFrame {
        if self.rest.is_empty() {
            let next = ready!(Pin::new(&mut self.answer).poll_frame(cx));
            match next.map(|frame| frame.map(Frame::into_data)) {
                Some(Ok(Ok(data))) => self.rest = data,
                Some(Ok(Err(trailers))) => return Poll::Ready(Some(Ok(trailers))),
                Some(Err(status)) => return Poll::Ready(Some(Err(status))),
                None => return Poll::Ready(None),
            }
        }
        let piece = if self.rest.len() <= PIECE_MAX_BYTES {
            std::mem::take(&mut self.rest)
        } else {
            // A copy: a slice would keep all of the answer in memory.
            Bytes::copy_from_slice(&self.rest.split_to(PIECE_MAX_BYTES))
        };
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }
}

impl Left {
    fn new(kept: Kept, deadline: Option<Deadline>) -> Self {
        let kept = Arc::new(Mutex::new(Some(kept)));
        Left {
            timer: Some(let_go_at(deadline, Arc::clone(&kept))),
            kept,
        }
    }

    fn poll_piece(&mut self, cx: &mut Context<'_>) -> NextFrame {
        match self.kept.lock().as_mut() {
            Some(kept) => kept.poll_piece(cx),
            // The timer has emptied it; that is told once.
            None => {
                let timer = self.timer.take();
                timer.map_or(Poll::Ready(None), |_| answer::last_frame(deadline::exceeded()))
            }
        }
    }
}

fn let_go_at(deadline: Option<Deadline>, kept: Arc<Mutex<Option<Kept>>>) -> AbortOnDropHandle<()> {
    AbortOnDropHandle::new(tokio::spawn(async move {
        deadline::reached(deadline).await;
        let unread = kept.lock().take();
        if let Some(Kept { answer, .. }) = unread {
            answer.abandon(deadline::exceeded().reason().code());
        }
    }))
}
