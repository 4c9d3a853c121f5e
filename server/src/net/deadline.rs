//! The time a call has. tonic's own timeout answers CANCELLED and never ends a stream; this one does neither.

use std::time::Duration;

use http::HeaderMap;
use tokio::time::Instant;

use crate::api::status::{Reason, Refusal, quote};
use crate::seams::monotonic_now;

/// When a call must be answered. Handlers that wait find it among the request's extensions, if there is one: every
/// unary call but BackupStore and ImportNamespace has a deadline, a stream only where its caller asked for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Deadline(pub(crate) Instant);

/// How much earlier than the caller's timeout we answer. tonic sets a timer of its own to the very same timeout and
/// answers CANCELLED; two timers of one tick may fire apart, so ours must be in an earlier one.
const HEAD_START: Duration = Duration::from_millis(2);

/// The deadline of a call from its `grpc-timeout` and the longest time that a call of its kind may take.
///
/// Errors: INVALID_FIELD where the header is malformed.
pub(super) fn of(headers: &HeaderMap, longest: Option<Duration>) -> Result<Option<Deadline>, Refusal> {
    let asked = requested_timeout(headers)?.map(|timeout| timeout.saturating_sub(HEAD_START));
    let timeout = match (asked, longest) {
        (Some(asked), Some(longest)) => Some(asked.min(longest)),
        (Some(only), None) | (None, Some(only)) => Some(only),
        (None, None) => None,
    };
    // Hundreds of years from now is no deadline.
    Ok(timeout
        .and_then(|timeout| monotonic_now().checked_add(timeout))
        .map(Deadline))
}

/// Waits for the deadline; for ever where there is none.
pub(super) async fn reached(deadline: Option<Deadline>) {
    match deadline {
        Some(Deadline(at)) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}

/// The refusal of a call whose time ran out.
pub(super) fn exceeded() -> Refusal {
    Refusal::new(
        Reason::Deadline,
        "the call's time ran out; a change it asked for may still happen",
    )
}

/// Reads `grpc-timeout`: at most eight digits and a unit.
/// Source: the gRPC over HTTP/2 protocol, <https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md>.
fn requested_timeout(headers: &HeaderMap) -> Result<Option<Duration>, Refusal> {
    let Some(header) = headers.get("grpc-timeout") else {
        return Ok(None);
    };
    let text = header.to_str().unwrap_or_default();
    parse_timeout(text).map(Some).ok_or_else(|| {
        let quoted = quote(&String::from_utf8_lossy(header.as_bytes()));
        Refusal::new(
            Reason::InvalidField,
            format!("grpc-timeout {quoted} is no timeout"),
        )
        .field(
            "grpc-timeout",
            "must be 1 to 8 digits and a unit out of H, M, S, m, u, n",
        )
    })
}

fn parse_timeout(text: &str) -> Option<Duration> {
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    if digits.is_empty() || digits.len() > 8 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let count: u64 = digits.parse().ok()?;
    match unit {
        "H" => Some(Duration::from_secs(count * 3_600)),
        "M" => Some(Duration::from_secs(count * 60)),
        "S" => Some(Duration::from_secs(count)),
        "m" => Some(Duration::from_millis(count)),
        "u" => Some(Duration::from_micros(count)),
        "n" => Some(Duration::from_nanos(count)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timeouts_are_read_as_the_protocol_says() {
        let expected = [
            ("1H", Some(Duration::from_secs(3_600))),
            ("2M", Some(Duration::from_secs(120))),
            ("3S", Some(Duration::from_secs(3))),
            ("4m", Some(Duration::from_millis(4))),
            ("5u", Some(Duration::from_micros(5))),
            ("99999999n", Some(Duration::from_nanos(99_999_999))),
            ("99999999H", Some(Duration::from_secs(99_999_999 * 3_600))),
            ("0S", Some(Duration::ZERO)),
            ("100000000S", None),
            ("S", None),
            ("1", None),
            ("", None),
            ("-1S", None),
            ("+1S", None),
            ("1s", None),
            ("1.5S", None),
            ("1 S", None),
            ("1ü", None),
        ];
        for (text, timeout) in expected {
            assert_eq!(parse_timeout(text), timeout, "{text}");
        }
    }
}
