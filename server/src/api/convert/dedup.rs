//! By what a task is told from others.

use baton_domain::dedup::{Dedup, DedupPolicy, derived_key};
use baton_domain::limits::{DEDUP_KEY_CHARS, DELAY};
use baton_domain::{Actor, NewTask, Payload, PayloadKind, Span};
use baton_proto::raw::v1 as raw;
use sha2::{Digest as _, Sha256};

use crate::api::check;
use crate::api::value::canonical_value;
use crate::api::violations::{Path, Violations};

/// Reads how `new`, which `creator` creates, is told from others; nothing where it is by nothing.
pub(crate) fn read(
    v: &mut Violations,
    at: &Path<'_>,
    dedup: Option<raw::Dedup>,
    (new, creator): (Option<&NewTask>, Option<&Actor>),
) -> Option<Option<Dedup>> {
    let Some(dedup) = dedup else {
        return Some(None);
    };
    let raw::Dedup {
        key,
        derive_key,
        window,
        policy,
    } = dedup;
    let key_at = at.field("key");
    if key.is_empty() != derive_key {
        let what = if derive_key {
            format!("must not be given together with {}", at.field("derive_key"))
        } else {
            format!("must be given, or {}", at.field("derive_key"))
        };
        v.add(&key_at, what);
    }
    let key = check::word(v, &key_at, key, DEDUP_KEY_CHARS);
    let window = read_window(v, &at.field("window"), window);
    let policy_at = at.field("policy");
    let unset = DedupPolicy::ReturnExisting;
    let policy = check::member(v, &policy_at, policy, DedupPolicy::from_number, unset);
    let (key, window, policy) = (key?, window?, policy?);
    // Where the task or its creator is broken, the request is refused anyway.
    let key = if derive_key {
        let new = new?;
        derived_key(new, creator?, new.input.as_ref().and_then(ordered))
    } else {
        key
    };
    Some(Some(Dedup { key, window, policy }))
}

/// Over a JSON document with its keys in order: some runtimes write them in a new one each time. JSON text has the order
/// that its sender chose.
fn ordered(input: &Payload) -> Option<[u8; 32]> {
    let body = input.body.as_ref().filter(|_| input.kind == PayloadKind::Json)?;
    Some(Sha256::digest(canonical_value(body)).into())
}

fn read_window(
    v: &mut Violations,
    at: &Path<'_>,
    window: Option<prost_types::Duration>,
) -> Option<Option<Span>> {
    let Some(window) = window else {
        return Some(None);
    };
    let span = check::span(v, at, window, DELAY)?;
    if span == Span::ZERO {
        v.add(at, "must be more than 0; absent means while the task is open");
        return None;
    }
    Some(Some(span))
}

#[cfg(test)]
mod tests {
    use baton_proto::raw::v1::payload::Kind;

    use super::*;
    use crate::api::convert::payload;

    #[test]
    fn the_order_of_keys_makes_no_other_task() {
        // {"a": true, "b": true} in both orders, as a runtime with unordered maps sends it.
        let entry = |key: u8| vec![0x0a, 0x07, 0x0a, 0x01, key, 0x12, 0x02, 0x20, 0x01];
        let read = |keys: [u8; 2]| {
            let value = [vec![0x2a, 0x12], keys.map(entry).concat()].concat();
            let sent = raw::Payload {
                kind: Some(Kind::Json(value.into())),
                ..Default::default()
            };
            payload::read(&mut Violations::default(), &Path::REQUEST, sent).expect("it is well-formed")
        };
        let [ab, ba] = [[b'a', b'b'], [b'b', b'a']].map(read);
        assert_ne!(ab.sha256, ba.sha256);
        assert_eq!(ordered(&ab), ordered(&ba));
        let text = Payload {
            kind: PayloadKind::JsonText,
            ..ab
        };
        assert_eq!(ordered(&text), None);
    }
}
