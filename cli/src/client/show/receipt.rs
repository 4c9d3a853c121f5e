//! What holders say of their work.

use baton_client::proto::{Artifact, Blocker, Receipt, VerificationItem};
use serde_json::Value;

use super::json;
use super::text::{clean, clean_lines};
use crate::client::{names, parse};

/// The prefix of every status in the contract.
const PREFIX: &str = "RECEIPT_STATUS_";

/// A receipt as protobuf JSON, where the status may be short too: "completed".
pub(in crate::client) fn read(text: &str) -> Result<Receipt, String> {
    let mut fields = parse::json_object(text)?;
    if let Some(Value::String(status)) = fields.get_mut("status")
        && !status.starts_with(PREFIX)
    {
        *status = format!("{PREFIX}{}", status.to_ascii_uppercase());
    }
    json::read(Value::Object(fields)).map_err(|error| format!("not a receipt: {error}"))
}

/// The status and the summary, then a line for each thing that it names.
pub(super) fn text(receipt: &Receipt) -> String {
    let status = names::receipt_status(receipt.status());
    let first = match receipt.summary.as_str() {
        "" => status.to_owned(),
        summary => format!("{status}: {}", clean_lines(summary)),
    };
    let mut lines = vec![first];
    lines.extend(receipt.blockers.iter().map(blocker));
    lines.extend(receipt.artifacts.iter().map(artifact));
    lines.extend(receipt.verification.iter().map(item));
    if receipt.no_verification {
        lines.push("nothing to verify".to_owned());
    }
    lines.join("\n")
}

fn blocker(blocker: &Blocker) -> String {
    let who = if blocker.required_from_user {
        "needs a person"
    } else {
        ""
    };
    line(
        "blocker",
        [&blocker.r#type, &blocker.message, &blocker.suggested_fix, who],
    )
}

fn artifact(artifact: &Artifact) -> String {
    line(
        "artifact",
        [&artifact.kind, &artifact.uri, &artifact.description, ""],
    )
}

fn item(item: &VerificationItem) -> String {
    line("verify by", [&item.kind, &item.value, &item.expected, ""])
}

fn line(name: &str, parts: [&str; 4]) -> String {
    let parts: Vec<_> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    format!("{name}: {}", clean(&parts.join("; ")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use baton_client::proto::ReceiptStatus;

    #[test]
    fn a_receipt_is_read_as_it_is_written_in_the_contract_and_shown_line_by_line() {
        let json = "{\"status\": \"blocked\", \"summary\": \"12 pages\", \"blockers\": [{\"type\": \"missing_key\", \
                    \"message\": \"No key\", \"required_from_user\": true}], \"verification\": [{\"kind\": \"command\", \
                    \"value\": \"make test\", \"expected\": \"ok\"}]}";
        let receipt = read(json).unwrap();
        assert_eq!(receipt.status(), ReceiptStatus::Blocked);
        assert_eq!(
            read(&json.replace("blocked", "RECEIPT_STATUS_BLOCKED")),
            Ok(receipt.clone())
        );
        assert_eq!(
            text(&receipt),
            "BLOCKED: 12 pages\nblocker: missing_key; No key; needs a person\nverify by: command; make test; ok"
        );
    }

    #[test]
    fn what_is_no_receipt_says_so() {
        for wrong in ["[]", "{\"status\": \"done\"}", "{\"state\": \"completed\"}"] {
            read(wrong).unwrap_err();
        }
    }
}
