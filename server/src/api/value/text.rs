//! JSON as text: checked, never rewritten.

use baton_domain::limits::JSON_DEPTH;
use serde::de::IgnoredAny;

/// Checks that `text` is one JSON value of bounded depth without NUL characters. Numbers may be of any size: they are
/// kept as written.
pub(crate) fn check_json_text(text: &str) -> Result<(), String> {
    // Skips values without building them and without recursion, so that depth cannot exhaust the stack.
    serde_json::from_str::<IgnoredAny>(text).map_err(|error| format!("is not JSON: {error}"))?;
    check_shape(text.as_bytes())
}

/// Depth and NUL characters of well-formed JSON.
fn check_shape(json: &[u8]) -> Result<(), String> {
    let (mut depth, mut in_string) = (0usize, false);
    let mut rest = json;
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        match byte {
            b'"' => in_string = !in_string,
            b'\\' => {
                if rest.starts_with(b"u0000") {
                    return Err("must not contain NUL characters".to_owned());
                }
                // Whatever is escaped, a quotation mark too, is not looked at.
                rest = rest.get(1..).unwrap_or_default();
            }
            b'{' | b'[' if !in_string => {
                depth += 1;
                if depth > JSON_DEPTH {
                    return Err(format!("must not be nested deeper than {JSON_DEPTH}"));
                }
            }
            b'}' | b']' if !in_string => depth -= 1,
            _ => {}
        }
    }
    Ok(())
}

/// The text of well-formed JSON that is a string.
pub(crate) fn json_string(json: &str) -> Option<String> {
    serde_json::from_str(json).ok()
}
