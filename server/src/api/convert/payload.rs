//! Payloads: inputs, outputs and answers.

use std::borrow::Cow;

use baton_domain::limits::{LINE_CHARS, OUTPUT_CHUNK_BYTES, PAYLOAD_BYTES, SMALL_DOCUMENT_BYTES};
use baton_domain::{Payload, PayloadKind, PayloadRole};
use baton_proto::raw::v1 as raw;
use baton_proto::raw::v1::payload::Kind;
use bytes::Bytes;
use prost::Message;
use sha2::{Digest, Sha256};

use crate::api::check;
use crate::api::value::{check_json_text, check_value, json_string, string_value};
use crate::api::violations::{Path, Rule, Violations};

/// Reads an input or output.
pub(crate) fn read(v: &mut Violations, at: &Path<'_>, payload: raw::Payload) -> Option<Payload> {
    read_within(v, at, payload, PAYLOAD_BYTES)
}

/// Reads an input or output that may be absent.
pub(crate) fn read_optional(
    v: &mut Violations,
    at: &Path<'_>,
    payload: Option<raw::Payload>,
) -> Option<Option<Payload>> {
    match payload {
        Some(payload) => read(v, at, payload).map(Some),
        None => Some(None),
    }
}

/// Reads an answer: it stands on the task, so it is small.
pub(crate) fn read_answer(v: &mut Violations, at: &Path<'_>, payload: raw::Payload) -> Option<Payload> {
    read_within(v, at, payload, SMALL_DOCUMENT_BYTES)
}

/// The text of a payload that is a JSON string.
pub(crate) fn text(payload: &Payload) -> Option<String> {
    let body = payload.body.as_ref()?;
    match payload.kind {
        PayloadKind::Json => string_value(body).map(str::to_owned),
        PayloadKind::JsonText => json_string(std::str::from_utf8(body).ok()?),
        PayloadKind::Data | PayloadKind::Uri => None,
    }
}

/// Reads a part of an output: it stands in its event, so it is small.
pub(crate) fn read_chunk(v: &mut Violations, at: &Path<'_>, payload: raw::Payload) -> Option<Payload> {
    read_within(v, at, payload, OUTPUT_CHUNK_BYTES)
}

/// What a worker wrote freely, a JSON string or bytes that say they are text, if `word` stands in it. Few outputs have
/// it, so it is looked for before anything is copied. `word` has no character that JSON escapes.
pub(crate) fn free_text<'a>(payload: &'a Payload, word: &str) -> Option<Cow<'a, str>> {
    let body = payload.body.as_ref()?;
    let written = match payload.kind {
        PayloadKind::Json => string_value(body)?,
        PayloadKind::Data if !payload.media_type.starts_with("text/") => return None,
        PayloadKind::JsonText | PayloadKind::Data => std::str::from_utf8(body).ok()?,
        PayloadKind::Uri => return None,
    };
    if !written.contains(word) {
        return None;
    }
    match payload.kind {
        PayloadKind::JsonText => json_string(written).map(Cow::Owned),
        PayloadKind::Json | PayloadKind::Data | PayloadKind::Uri => Some(Cow::Borrowed(written)),
    }
}

fn read_within(
    v: &mut Violations,
    at: &Path<'_>,
    payload: raw::Payload,
    max_bytes: usize,
) -> Option<Payload> {
    let size = payload.encoded_len();
    if size > max_bytes {
        let what = format!("must have at most {max_bytes} bytes encoded, it has {size}");
        v.add_rule(at, what, Rule::PayloadSize);
        return None;
    }
    let raw::Payload { media_type, kind } = payload;
    let media_type = check::word(v, &at.field("media_type"), media_type, LINE_CHARS);
    let body = check::present(v, at, kind).and_then(|kind| read_kind(v, at, kind));
    let (kind, body) = body?;
    Some(Payload {
        kind,
        media_type: media_type?,
        version: 0,
        size: i64::try_from(size).ok()?,
        sha256: Sha256::digest(&body).into(),
        body: Some(body),
    })
}

fn read_kind(v: &mut Violations, at: &Path<'_>, kind: Kind) -> Option<(PayloadKind, Bytes)> {
    match kind {
        Kind::Json(value) => match check_value(&value) {
            Ok(()) => Some((PayloadKind::Json, value)),
            Err(flaw) => {
                v.add_flaw(&at.field("json"), &flaw);
                None
            }
        },
        Kind::JsonText(text) => match check_json_text(&text) {
            Ok(()) => Some((PayloadKind::JsonText, text.into())),
            Err(what) => {
                v.add(&at.field("json_text"), what);
                None
            }
        },
        Kind::Data(data) => Some((PayloadKind::Data, data)),
        Kind::Uri(uri) => {
            let uri = check::required_word(v, &at.field("uri"), uri, PAYLOAD_BYTES)?;
            Some((PayloadKind::Uri, uri.into()))
        }
    }
}

/// Writes a payload whose bytes are at hand; `None` where only its reference is.
pub(crate) fn write(payload: &Payload) -> Option<raw::Payload> {
    let Payload {
        kind,
        media_type,
        version: _,
        size: _,
        sha256: _,
        body,
    } = payload;
    let body = body.as_ref()?;
    // The store hands out what passed `read`: text that is not UTF-8 cannot have come in.
    let text = || String::from_utf8_lossy(body).into_owned();
    let kind = match kind {
        PayloadKind::Json => Kind::Json(body.clone()),
        PayloadKind::JsonText => Kind::JsonText(text()),
        PayloadKind::Data => Kind::Data(body.clone()),
        PayloadKind::Uri => Kind::Uri(text()),
    };
    Some(raw::Payload {
        media_type: media_type.clone(),
        kind: Some(kind),
    })
}

/// Names a payload as events do. `shown`: with its bytes, where they are at hand.
pub(crate) fn write_ref(payload: &Payload, role: PayloadRole, shown: bool) -> raw::PayloadRef {
    raw::PayloadRef {
        role: role.number(),
        version: payload.version,
        size: payload.size,
        sha256: hex(&payload.sha256),
        payload: if shown { write(payload) } else { None },
    }
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |nibble: u8| char::from(DIGITS[usize::from(nibble)]);
    bytes
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(byte & 0xf)])
        .collect()
}
