//! JSON documents that are no payloads: kept as the bytes they came in, which are the bytes they go out as.

use baton_domain::limits::SMALL_DOCUMENT_BYTES;
use bytes::Bytes;

use crate::api::value::{check_struct, check_value};
use crate::api::violations::{Path, Violations};

/// Reads an encoded `google.protobuf.Struct` of at most 64 KiB.
pub(crate) fn read_struct(v: &mut Violations, at: &Path<'_>, bytes: Option<Bytes>) -> Option<Option<Bytes>> {
    let Some(bytes) = bytes else {
        return Some(None);
    };
    if !check_size(v, at, bytes.len()) {
        return None;
    }
    match check_struct(&bytes) {
        Ok(()) => Some(Some(bytes)),
        Err(flaw) => {
            v.add_flaw(at, &flaw);
            None
        }
    }
}

/// Reads an encoded `google.protobuf.Value` of at most 64 KiB.
pub(crate) fn read_value(v: &mut Violations, at: &Path<'_>, bytes: Option<Bytes>) -> Option<Option<Bytes>> {
    let Some(bytes) = bytes else {
        return Some(None);
    };
    if !check_size(v, at, bytes.len()) {
        return None;
    }
    match check_value(&bytes) {
        Ok(()) => Some(Some(bytes)),
        Err(flaw) => {
            v.add_flaw(at, &flaw);
            None
        }
    }
}

/// Whether an encoded document of `len` bytes fits on a task.
pub(crate) fn check_size(v: &mut Violations, at: &Path<'_>, len: usize) -> bool {
    let fits = len <= SMALL_DOCUMENT_BYTES;
    if !fits {
        v.add(
            at,
            format!("must have at most {SMALL_DOCUMENT_BYTES} bytes encoded, it has {len}"),
        );
    }
    fits
}
