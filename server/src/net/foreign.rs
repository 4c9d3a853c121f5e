//! Refusals that tonic makes by itself, before or after our handlers, put into the words of our contract.

use http::HeaderMap;
use tonic::{Code, Status};

use crate::api::status::{Reason, Refusal};
use crate::config::MESSAGE_MAX_BYTES;

/// Translates the status with `code` in `headers` (or trailers) if tonic made it: ours always carry details.
///
/// What tonic refuses while it reads a request comes as INTERNAL, which would blame the server for bytes that a
/// caller sent.
pub(super) fn translate(code: Code, headers: &HeaderMap) -> Option<Refusal> {
    if !matches!(
        code,
        Code::OutOfRange | Code::Unimplemented | Code::Internal | Code::Unknown
    ) {
        return None;
    }
    let status = Status::from_header_map(headers).filter(|status| status.details().is_empty())?;
    let message = status.message();
    if code == Code::OutOfRange {
        let limit = format!("a message may have {MESSAGE_MAX_BYTES} bytes");
        let too_large = message.starts_with("Error, decoded message length too large");
        too_large.then(|| Refusal::new(Reason::MessageTooLarge, &limit).quota("message", limit))
    } else if code == Code::Unimplemented {
        // With a message it is about compression, and its headers say what is spoken here.
        message
            .is_empty()
            .then(|| Refusal::new(Reason::MethodUnknown, "the server has no such method"))
    } else if message.starts_with("Error encoding") {
        tracing::error!(error = message, "an answer could not be encoded");
        Some(Refusal::opaque_bug())
    } else {
        Some(Refusal::new(Reason::InvalidMessage, "the request is no such message").with("cause", message))
    }
}
