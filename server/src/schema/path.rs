//! Where something stands in a document.

use std::fmt;

use serde_json::Value;

/// Characters of a key that a path shows: enough to find it, too few to carry a payload into a log.
const KEY_SHOWN_CHARS: usize = 40;

/// Writes one key of a path: `.key` where it is a plain word, else quoted, cut and with its odd characters escaped.
pub(crate) fn write_key(out: &mut impl fmt::Write, key: &str) -> fmt::Result {
    let plain = !key.is_empty()
        && key.len() <= KEY_SHOWN_CHARS
        && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    if plain {
        return write!(out, ".{key}");
    }
    match key.char_indices().nth(KEY_SHOWN_CHARS) {
        Some((end, _)) => write!(out, "[\"{}...\"]", key[..end].escape_debug()),
        None => write!(out, "[\"{}\"]", key.escape_debug()),
    }
}

/// A place in a document.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Place {
    /// As paths of requests are written: `.rows[3]["a b"]`.
    pub(super) text: String,
    /// As people name what is configured: `rows.3.a b`.
    pub(super) dotted: String,
}

impl Place {
    /// The field `name` of the object here.
    pub(super) fn then(mut self, name: &str) -> Self {
        let written = write_key(&mut self.text, name);
        debug_assert!(written.is_ok(), "writing to a String cannot fail");
        self.dot(name);
        self
    }

    fn dot(&mut self, name: &str) {
        if !self.dotted.is_empty() {
            self.dotted.push('.');
        }
        self.dotted.push_str(name);
    }
}

/// The place that a JSON pointer names in `document`.
pub(super) fn of(document: &Value, pointer: &str) -> Place {
    let (mut place, mut here) = (Place::default(), Some(document));
    for step in pointer.split('/').skip(1) {
        let step = step.replace("~1", "/").replace("~0", "~");
        if let Some(Value::Array(items)) = here {
            place.text.push_str(&format!("[{step}]"));
            place.dot(&step);
            here = step.parse::<usize>().ok().and_then(|index| items.get(index));
        } else {
            place = place.then(&step);
            here = here.and_then(|value| value.get(&step));
        }
    }
    place
}
