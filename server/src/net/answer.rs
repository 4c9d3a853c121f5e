//! The body of an answer: passes the handler's frames on and sees to it that the call ends with a status.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body as HttpBody, Frame};
use pin_project_lite::pin_project;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use tonic::body::Body;
use tonic::{Code, Status};

use super::call::Call;
use super::deadline::{self, Deadline};
use super::drain::Shutdown;
use super::gate;
use crate::api::status::Refusal;
use crate::panics;

pin_project! {
    /// The body of an answer whose headers are out.
    pub(super) struct Answer {
        #[pin]
        body: Body,
        // `None` once the last frame is out.
        call: Option<Call>,
        deadline: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
        cut: Option<Pin<Box<WaitForCancellationFutureOwned>>>,
    }
}

impl Answer {
    pub(super) fn new(body: Body, call: Call) -> Self {
        Answer {
            body,
            call: Some(call),
            deadline: None,
            cut: None,
        }
    }

    /// Ends the body at the deadline, and once `cut` has fired as soon as it has nothing to say.
    pub(super) fn cut_at(self, deadline: Option<Deadline>, cut: &CancellationToken) -> Self {
        let deadline = deadline
            .is_some()
            .then(|| Box::pin(deadline::reached(deadline)) as _);
        Answer {
            deadline,
            cut: Some(Box::pin(cut.clone().cancelled_owned())),
            ..self
        }
    }

    /// Ends the call although its peer has not read all of the answer.
    pub(super) fn abandon(mut self, code: Code) {
        if let Some(call) = &mut self.call {
            call.end(code);
        }
    }
}

pub(super) type NextFrame = Poll<Option<Result<Frame<Bytes>, Status>>>;

impl HttpBody for Answer {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> NextFrame {
        let mut this = self.project();
        // The end was sent; what the handler still had is not wanted.
        let Some(call) = this.call.as_mut() else {
            return Poll::Ready(None);
        };
        if this
            .deadline
            .as_mut()
            .is_some_and(|deadline| deadline.as_mut().poll(cx).is_ready())
        {
            return end(this.call, deadline::exceeded());
        }
        match panics::catch(|| this.body.as_mut().poll_frame(cx)) {
            Err(panic) => {
                let refusal = gate::bug(call, &panic);
                end(this.call, refusal)
            }
            Ok(Poll::Pending) => match this.cut.as_mut().map(|cut| cut.as_mut().poll(cx)) {
                Some(Poll::Ready(())) => end(this.call, Shutdown::refusal()),
                Some(Poll::Pending) | None => Poll::Pending,
            },
            Ok(Poll::Ready(Some(Ok(frame)))) => match frame.trailers_ref().and_then(gate::status_in) {
                None => Poll::Ready(Some(Ok(frame))),
                Some(Err(refusal)) => end(this.call, refusal),
                Some(Ok(code)) => {
                    call.end(code);
                    *this.call = None;
                    Poll::Ready(Some(Ok(frame)))
                }
            },
            Ok(Poll::Ready(other)) => {
                // Without trailers: the transport failed underneath, and the caller sees that.
                call.end(Code::Unknown);
                *this.call = None;
                Poll::Ready(other)
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.call.is_none() || self.body.is_end_stream()
    }
}

/// Makes `refusal` the last frame.
fn end(call: &mut Option<Call>, refusal: Refusal) -> NextFrame {
    if let Some(mut call) = call.take() {
        call.end(refusal.reason().code());
    }
    last_frame(refusal)
}

/// The frame that ends a body with `refusal`.
pub(super) fn last_frame(refusal: Refusal) -> NextFrame {
    let mut trailers = HeaderMap::new();
    let written = Status::from(refusal).add_header(&mut trailers);
    Poll::Ready(Some(written.map(|()| Frame::trailers(trailers))))
}
