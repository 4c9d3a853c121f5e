//! What a holder says of its work.

use baton_domain::limits::{
    DESCRIPTION_CHARS, MESSAGE_CHARS, NAME_CHARS, RECEIPT_ENTRIES, SMALL_DOCUMENT_BYTES,
};
use baton_domain::receipt_text::receipts;
use baton_domain::{Artifact, Blocker, Payload, Receipt, ReceiptStatus, TaskId, VerificationItem};
use baton_proto::raw::v1 as raw;
use prost::Message;

use super::{document, payload};
use crate::api::check;
use crate::api::violations::{Path, Violations};

/// Entries of each kind, and characters of each text, of a receipt from free text that is too large: with them it is
/// not.
const CUT: (usize, usize) = (8, 400);

/// Reads what a holder says of its work; nothing where it is absent.
pub(crate) fn read_optional(
    v: &mut Violations,
    at: &Path<'_>,
    receipt: Option<raw::Receipt>,
) -> Option<Option<Box<Receipt>>> {
    match receipt {
        Some(receipt) => read(v, at, receipt).map(|receipt| Some(Box::new(receipt))),
        None => Some(None),
    }
}

fn read(v: &mut Violations, at: &Path<'_>, receipt: raw::Receipt) -> Option<Receipt> {
    if !document::check_size(v, at, receipt.encoded_len()) {
        return None;
    }
    let raw::Receipt {
        status,
        blockers,
        artifacts,
        verification,
        no_verification,
        summary,
    } = receipt;
    let status = check::required_member(v, &at.field("status"), status, ReceiptStatus::from_number);
    let blockers = read_all(v, &at.field("blockers"), blockers, read_blocker);
    let artifacts = read_all(v, &at.field("artifacts"), artifacts, read_artifact);
    let verification = read_all(v, &at.field("verification"), verification, read_item);
    let summary = check::text(v, &at.field("summary"), summary, DESCRIPTION_CHARS);
    Some(Receipt {
        status: status?,
        blockers: blockers?,
        artifacts: artifacts?,
        verification: verification?,
        no_verification,
        summary: summary?,
    })
}

fn read_all<R, T>(
    v: &mut Violations,
    at: &Path<'_>,
    entries: Vec<R>,
    read: impl Fn(&mut Violations, &Path<'_>, R) -> Option<T>,
) -> Option<Vec<T>> {
    if entries.len() > RECEIPT_ENTRIES {
        v.add(at, format!("must have at most {RECEIPT_ENTRIES} entries"));
        return None;
    }
    let entries = entries.into_iter().enumerate();
    let read: Vec<_> = entries.map(|(n, entry)| read(v, &at.index(n), entry)).collect();
    read.into_iter().collect()
}

fn read_blocker(v: &mut Violations, at: &Path<'_>, blocker: raw::Blocker) -> Option<Blocker> {
    let raw::Blocker {
        r#type,
        message,
        suggested_fix,
        required_from_user,
    } = blocker;
    let kind = check::word(v, &at.field("type"), r#type, NAME_CHARS);
    let message = check::text(v, &at.field("message"), message, MESSAGE_CHARS);
    let suggested_fix = check::text(v, &at.field("suggested_fix"), suggested_fix, MESSAGE_CHARS);
    Some(Blocker {
        kind: kind?,
        message: message?,
        suggested_fix: suggested_fix?,
        required_from_user,
    })
}

fn read_artifact(v: &mut Violations, at: &Path<'_>, artifact: raw::Artifact) -> Option<Artifact> {
    let raw::Artifact {
        kind,
        uri,
        description,
    } = artifact;
    let kind = check::word(v, &at.field("kind"), kind, NAME_CHARS);
    let uri = check::text(v, &at.field("uri"), uri, MESSAGE_CHARS);
    let description = check::text(v, &at.field("description"), description, MESSAGE_CHARS);
    Some(Artifact {
        kind: kind?,
        uri: uri?,
        description: description?,
    })
}

fn read_item(v: &mut Violations, at: &Path<'_>, item: raw::VerificationItem) -> Option<VerificationItem> {
    let raw::VerificationItem {
        kind,
        value,
        expected,
    } = item;
    let kind = check::word(v, &at.field("kind"), kind, NAME_CHARS);
    let value = check::text(v, &at.field("value"), value, MESSAGE_CHARS);
    let expected = check::text(v, &at.field("expected"), expected, MESSAGE_CHARS);
    Some(VerificationItem {
        kind: kind?,
        value: value?,
        expected: expected?,
    })
}

/// The receipt for the task `id` in the free text that an output is; what in it passes the limits is cut off.
pub(crate) fn in_text(output: Option<&Payload>, id: TaskId) -> Option<Box<Receipt>> {
    let id = id.to_string();
    let text = payload::free_text(output?, &id)?;
    let named = receipts(&text).into_iter().find(|named| named.task_id == id)?;
    let mut receipt = named.receipt;
    cut(&mut receipt, (RECEIPT_ENTRIES, MESSAGE_CHARS));
    if write(&receipt).encoded_len() > SMALL_DOCUMENT_BYTES {
        cut(&mut receipt, CUT);
    }
    Some(Box::new(receipt))
}

fn cut(receipt: &mut Receipt, (entries, chars): (usize, usize)) {
    let Receipt {
        status: _,
        blockers,
        artifacts,
        verification,
        no_verification: _,
        summary,
    } = receipt;
    blockers.truncate(entries);
    artifacts.truncate(entries);
    verification.truncate(entries);
    shorten(summary, chars);
    for Blocker {
        kind,
        message,
        suggested_fix,
        required_from_user: _,
    } in blockers
    {
        shorten(kind, NAME_CHARS);
        shorten(message, chars);
        shorten(suggested_fix, chars);
    }
    for Artifact {
        kind,
        uri,
        description,
    } in artifacts
    {
        shorten(kind, NAME_CHARS);
        shorten(uri, chars);
        shorten(description, chars);
    }
    for VerificationItem {
        kind,
        value,
        expected,
    } in verification
    {
        shorten(kind, NAME_CHARS);
        shorten(value, chars);
        shorten(expected, chars);
    }
}

fn shorten(text: &mut String, chars: usize) {
    if let Some((end, _)) = text.char_indices().nth(chars) {
        text.truncate(end);
    }
    text.retain(|c| c != '\0');
}

pub(crate) fn write(receipt: &Receipt) -> raw::Receipt {
    let Receipt {
        status,
        blockers,
        artifacts,
        verification,
        no_verification,
        summary,
    } = receipt;
    raw::Receipt {
        status: status.number(),
        blockers: blockers.iter().map(write_blocker).collect(),
        artifacts: artifacts.iter().map(write_artifact).collect(),
        verification: verification.iter().map(write_item).collect(),
        no_verification: *no_verification,
        summary: summary.clone(),
    }
}

fn write_blocker(blocker: &Blocker) -> raw::Blocker {
    let Blocker {
        kind,
        message,
        suggested_fix,
        required_from_user,
    } = blocker;
    raw::Blocker {
        r#type: kind.clone(),
        message: message.clone(),
        suggested_fix: suggested_fix.clone(),
        required_from_user: *required_from_user,
    }
}

fn write_artifact(artifact: &Artifact) -> raw::Artifact {
    let Artifact {
        kind,
        uri,
        description,
    } = artifact;
    raw::Artifact {
        kind: kind.clone(),
        uri: uri.clone(),
        description: description.clone(),
    }
}

fn write_item(item: &VerificationItem) -> raw::VerificationItem {
    let VerificationItem {
        kind,
        value,
        expected,
    } = item;
    raw::VerificationItem {
        kind: kind.clone(),
        value: value.clone(),
        expected: expected.clone(),
    }
}
