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
    kept: Arc<Mutex<Option<Kept>>>,
    deadline: Option<Deadline>,
    /// Runs once something is left behind the first piece.
    timer: Option<AbortOnDropHandle<()>>,
}

/// What the peer has not read.
struct Kept {
    answer: Answer,
    rest: Bytes,
}

impl Unary {
    pub(super) fn new(answer: Answer, deadline: Option<Deadline>) -> Self {
        let rest = Bytes::new();
        Unary {
            kept: Arc::new(Mutex::new(Some(Kept { answer, rest }))),
            deadline,
            timer: None,
        }
    }
}

impl HttpBody for Unary {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> NextFrame {
        let this = &mut *self;
        let mut slot = this.kept.lock();
        let Some(kept) = slot.as_mut() else {
            // The timer has emptied it; that is told once.
            let timer = this.timer.take();
            return timer.map_or(Poll::Ready(None), |_| answer::last_frame(deadline::exceeded()));
        };
        if kept.rest.is_empty() {
            let next = ready!(Pin::new(&mut kept.answer).poll_frame(cx));
            match next.map(|frame| frame.map(Frame::into_data)) {
                Some(Ok(Ok(data))) => kept.rest = data,
                Some(Ok(Err(trailers))) => return Poll::Ready(Some(Ok(trailers))),
                Some(Err(status)) => return Poll::Ready(Some(Err(status))),
                None => return Poll::Ready(None),
            }
        }
        if kept.rest.len() <= PIECE_MAX_BYTES {
            return Poll::Ready(Some(Ok(Frame::data(std::mem::take(&mut kept.rest)))));
        }
        // A copy: a slice would keep all of the answer in memory.
        let piece = Bytes::copy_from_slice(&kept.rest.split_to(PIECE_MAX_BYTES));
        if this.timer.is_none() {
            this.timer = Some(let_go_at(this.deadline, Arc::clone(&this.kept)));
        }
        Poll::Ready(Some(Ok(Frame::data(piece))))
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
