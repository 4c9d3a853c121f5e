//! Receipts in the free text of a worker, found as the seed finds them (S1-30 to 32).

use crate::json::{self, Json};
use crate::receipt::{Artifact, Blocker, Receipt, ReceiptStatus, VerificationItem};

/// A receipt that names the task it is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedReceipt {
    /// As the text says it; not known to be a task.
    pub task_id: String,
    /// What it says of that task.
    pub receipt: Receipt,
}

/// The receipts in `text`, one for each task it names, in the order in which these are named first.
///
/// Every block fenced as JSON counts, an object or a list of objects; what is not a receipt is passed over, and the
/// last one of a task stands. Only where no block holds a receipt, pairs of `"task_id"` and `"status"` are looked
/// for in the whole text: such a receipt says nothing about verification.
#[must_use]
pub fn receipts(text: &str) -> Vec<NamedReceipt> {
    let mut found = Vec::new();
    for block in fenced(text).filter_map(json::read) {
        let entries = match &block {
            Json::List(entries) => entries.as_slice(),
            other => std::slice::from_ref(other),
        };
        for receipt in entries.iter().filter_map(read) {
            keep(&mut found, receipt);
        }
    }
    if found.is_empty() {
        for receipt in pairs(text) {
            keep(&mut found, receipt);
        }
    }
    found
}

fn keep(found: &mut Vec<NamedReceipt>, receipt: NamedReceipt) {
    match found.iter_mut().find(|other| other.task_id == receipt.task_id) {
        Some(standing) => *standing = receipt,
        None => found.push(receipt),
    }
}

/// The insides of the blocks that begin with three backticks and `json` and end with three backticks.
fn fenced(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let begin = find(rest, "```json")? + "```json".len();
        let inside = &rest[begin..];
        let end = inside.find("```")?;
        rest = &inside[end + "```".len()..];
        Some(&inside[..end])
    })
}

/// Where `lower` stands in `text`, whatever the case of its ASCII letters. `lower` is ASCII.
fn find(text: &str, lower: &str) -> Option<usize> {
    let mut windows = text.as_bytes().windows(lower.len());
    windows.position(|window| window.eq_ignore_ascii_case(lower.as_bytes()))
}

fn status(name: &str) -> Option<ReceiptStatus> {
    ReceiptStatus::from_name(&name.to_ascii_uppercase())
}

fn read(json: &Json) -> Option<NamedReceipt> {
    let items = json.get("verification").and_then(Json::list);
    let says = |name: &str, word: bool| json.get(name) == Some(&Json::Bool(word));
    let none = items.is_some_and(<[Json]>::is_empty);
    Some(NamedReceipt {
        task_id: json.get("task_id")?.text()?.to_owned(),
        receipt: Receipt {
            status: status(json.get("status")?.text()?)?,
            blockers: all(json, "blockers", blocker),
            artifacts: all(json, "artifacts", artifact),
            verification: all(json, "verification", item),
            no_verification: none || says("verification_required", false) || says("no_verification", true),
            summary: summary(json.get("summary")),
        },
    })
}

/// The entries of a list, each counted whatever it is (S1-31: items are its length).
fn all<T>(json: &Json, name: &str, read: impl Fn(&Json) -> T) -> Vec<T> {
    let entries = json.get(name).and_then(Json::list).unwrap_or_default();
    entries.iter().map(read).collect()
}

fn word(json: &Json, name: &str) -> String {
    json.get(name).and_then(Json::text).unwrap_or_default().to_owned()
}

fn blocker(json: &Json) -> Blocker {
    let message = json.text().map_or_else(|| word(json, "message"), str::to_owned);
    Blocker {
        kind: word(json, "type"),
        message,
        suggested_fix: word(json, "suggested_fix"),
        required_from_user: json.get("required_from_user") == Some(&Json::Bool(true)),
    }
}

fn artifact(json: &Json) -> Artifact {
    let uri = json
        .text()
        .map_or_else(|| word(json, "path_or_ref"), str::to_owned);
    Artifact {
        kind: word(json, "kind"),
        uri,
        description: word(json, "description"),
    }
}

fn item(json: &Json) -> VerificationItem {
    let value = json.text().map_or_else(|| word(json, "value"), str::to_owned);
    VerificationItem {
        kind: word(json, "kind"),
        value,
        expected: word(json, "expected"),
    }
}

/// A text, or lines.
fn summary(json: Option<&Json>) -> String {
    let lines = json.and_then(Json::list).unwrap_or_default();
    let lines: Vec<_> = lines.iter().filter_map(Json::text).collect();
    json.and_then(Json::text)
        .map_or_else(|| lines.join("\n"), str::to_owned)
}

/// `"task_id": "..."` and the next `"status": "..."` behind it that is a status, again and again.
fn pairs(text: &str) -> impl Iterator<Item = NamedReceipt> {
    let mut rest = text;
    std::iter::from_fn(move || {
        loop {
            let (task_id, behind) = member(rest, "\"task_id\"", |value| !value.is_empty())?;
            let (name, end) = member(behind, "\"status\"", |value| status(value).is_some())?;
            rest = end;
            let task_id = task_id.trim();
            if let (false, Some(status)) = (task_id.is_empty(), status(name)) {
                return Some(bare(task_id, status));
            }
        }
    })
}

/// The text value of the first member called `quoted` whose value is `wanted`, and what stands behind it.
fn member<'a>(text: &'a str, quoted: &str, wanted: impl Fn(&str) -> bool) -> Option<(&'a str, &'a str)> {
    let mut rest = text;
    loop {
        rest = &rest[find(rest, quoted)? + quoted.len()..];
        let value = rest.trim_start().strip_prefix(':');
        let Some(value) = value.and_then(|v| v.trim_start().strip_prefix('"')) else {
            continue;
        };
        if let Some((value, behind)) = value.split_once('"').filter(|(value, _)| wanted(value)) {
            return Some((value, behind));
        }
    }
}

fn bare(task_id: &str, status: ReceiptStatus) -> NamedReceipt {
    NamedReceipt {
        task_id: task_id.to_owned(),
        receipt: Receipt::new(status),
    }
}
