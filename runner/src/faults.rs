//! The ways in which a handler fails, each with the code that programs and retry policies switch on.

use baton_client::Failure;
use baton_client::proto::AttemptOutcome;
use baton_egress::SendError;

/// The configuration or the input lacks a field: another attempt would find the same.
pub(crate) fn config_missing(field: &str) -> Failure {
    Failure::new(format!("Config missing: {field}"))
        .code("CONFIG_MISSING")
        .non_retryable()
}

/// The input is not what the handler reads: another attempt would find the same.
pub(crate) fn invalid_input(why: &str) -> Failure {
    Failure::new(format!("the input does not fit: {why}"))
        .code("INVALID_INPUT")
        .non_retryable()
}

/// The work was given up because it took too long.
pub(crate) fn timed_out(seconds: u64) -> Failure {
    Failure::new(format!("the program ran longer than {seconds} s"))
        .code("PROGRAM_TIMEOUT")
        .outcome(AttemptOutcome::Timeout)
}

/// A notification was not delivered.
pub(crate) fn not_sent(error: &SendError) -> Failure {
    let failure = match error {
        SendError::Status(reply) => {
            Failure::new(format!("Slack API error: {}", reply.status.as_u16())).code("WEBHOOK_REFUSED")
        }
        SendError::Url(_) | SendError::Refused(_) | SendError::Request(_) => {
            Failure::new(error.to_string()).code("EGRESS_REFUSED")
        }
        // What the library says of its causes may tell an address.
        SendError::Lookup { .. }
        | SendError::Connect { .. }
        | SendError::Tls { .. }
        | SendError::Timeout
        | SendError::Broken(_) => Failure::new(error.to_string()).code("WEBHOOK_UNREACHABLE"),
    };
    match (error.can_repeat(), error.retry_after()) {
        (false, _) => failure.non_retryable(),
        (true, Some(wait)) => failure.retry_after(wait),
        (true, None) => failure,
    }
}
