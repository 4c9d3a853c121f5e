//! One encoding for equal documents. Protobuf maps have no order and some runtimes write them in a new one each
//! time, so a repeated request need not be the same bytes; its hash is taken over this form.

use baton_domain::limits::JSON_DEPTH;

use super::wire::{Field, Fields, Wire};
use super::{ENTRY_KEY, ENTRY_VALUE, LIST_VALUE, LIST_VALUES, STRUCT_FIELDS, STRUCT_VALUE, entry};

/// An encoded Value with the keys of its objects in order. What lies deeper than a document may go stays as it is.
pub(crate) fn canonical_value(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    value(bytes, 0, &mut out);
    out
}

/// An encoded Struct with its keys in order. What lies deeper than a document may go stays as it is.
pub(crate) fn canonical_struct(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    object(bytes, 1, &mut out);
    out
}

/// Writes a message of the given depth in its canonical form.
type Write = fn(&[u8], usize, &mut Vec<u8>);

fn value(bytes: &[u8], depth: usize, out: &mut Vec<u8>) {
    for field in Fields::new(bytes).flatten() {
        match field {
            Field {
                number: STRUCT_VALUE,
                wire: Wire::Bytes(fields),
            } => nested((STRUCT_VALUE, object), fields, depth + 1, out),
            Field {
                number: LIST_VALUE,
                wire: Wire::Bytes(values),
            } => nested((LIST_VALUE, list), values, depth + 1, out),
            Field { number, wire } => scalar(number, wire, out),
        }
    }
}

fn list(bytes: &[u8], depth: usize, out: &mut Vec<u8>) {
    for field in Fields::new(bytes).flatten() {
        if let Wire::Bytes(encoded) = field.wire {
            nested((LIST_VALUES, value), encoded, depth, out);
        }
    }
}

fn object(bytes: &[u8], depth: usize, out: &mut Vec<u8>) {
    let mut entries: Vec<(&[u8], &[u8])> = Fields::new(bytes)
        .filter_map(|field| entry(field).ok())
        .filter_map(|(key, value)| Some((key, value?)))
        .collect();
    // Stable: of entries with the same key the last one counts, and it stays the last.
    entries.sort_by_key(|(key, _)| *key);
    for (key, encoded) in entries {
        let mut inner = Vec::with_capacity(key.len() + encoded.len());
        put(ENTRY_KEY, key, &mut inner);
        nested((ENTRY_VALUE, value), encoded, depth, &mut inner);
        put(STRUCT_FIELDS, &inner, out);
    }
}

fn scalar(number: u32, wire: Wire<'_>, out: &mut Vec<u8>) {
    match wire {
        Wire::Varint(varint) => {
            prost::encoding::encode_varint(u64::from(number << 3), out);
            prost::encoding::encode_varint(varint, out);
        }
        Wire::Fixed64(bits) => {
            prost::encoding::encode_varint(u64::from(number << 3 | 1), out);
            out.extend_from_slice(&bits.to_le_bytes());
        }
        Wire::Bytes(bytes) => put(number, bytes, out),
    }
}

fn put(number: u32, bytes: &[u8], out: &mut Vec<u8>) {
    prost::encoding::encode_varint(u64::from(number << 3 | 2), out);
    prost::encoding::encode_varint(bytes.len() as u64, out);
    out.extend_from_slice(bytes);
}

/// Writes field `number`: what `write` makes of `bytes`.
fn nested((number, write): (u32, Write), bytes: &[u8], depth: usize, out: &mut Vec<u8>) {
    if depth > JSON_DEPTH {
        return put(number, bytes, out);
    }
    let mut inner = Vec::with_capacity(bytes.len());
    write(bytes, depth, &mut inner);
    put(number, &inner, out);
}
