//! Labels: the same map on both sides.

use std::collections::BTreeMap;
use std::sync::Arc;

use baton_domain::Labels;
use baton_domain::limits::{LABEL_KEY_CHARS, LABEL_VALUE_CHARS, LABELS, is_label_key};

use crate::api::check;
use crate::api::violations::{Path, Violations};

pub(crate) fn read(v: &mut Violations, at: &Path<'_>, labels: BTreeMap<String, String>) -> Option<Labels> {
    let mut fine = true;
    if labels.len() > LABELS {
        v.add(at, format!("must have at most {LABELS} entries"));
        return None;
    }
    for (key, value) in &labels {
        if !is_label_key(key) {
            let what = format!("must have a key of 1 to {LABEL_KEY_CHARS} characters of A-Z a-z 0-9 . _ / -");
            v.add(&at.key(key), what);
            fine = false;
        }
        fine &= check::is_text(v, &at.key(key), value, LABEL_VALUE_CHARS);
    }
    fine.then(|| Arc::new(labels))
}
