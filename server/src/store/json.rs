//! Rows as JSON text, for a database that has no better form of them.

use std::io::Write as _;

use super::bulk::Cell;

/// A row by the places of its values.
pub(super) fn row<'c, 'a: 'c>(bytes: &mut Vec<u8>, cells: impl Iterator<Item = &'c Cell<'a>>) {
    bytes.push(b'[');
    for (place, cell) in cells.enumerate() {
        if place > 0 {
            bytes.push(b',');
        }
        value(bytes, cell);
    }
    bytes.push(b']');
}

fn value(bytes: &mut Vec<u8>, cell: &Cell<'_>) {
    match cell {
        Cell::Null => bytes.extend_from_slice(b"null"),
        Cell::Int(value) => write!(bytes, "{value}").expect("writing to a vector"),
        Cell::Text(text) => serde_json::to_writer(&mut *bytes, text).expect("a text is JSON"),
        Cell::Id(id) => write!(bytes, "\"{}\"", id.simple()).expect("writing to a vector"),
        Cell::Blob(blob) => {
            // As PostgreSQL reads bytes from a text.
            bytes.extend_from_slice(b"\"\\\\x");
            digits(bytes, blob);
            bytes.push(b'"');
        }
    }
}

/// Adds two hexadecimal digits for each byte.
pub(super) fn digits(bytes: &mut Vec<u8>, blob: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let begin = bytes.len();
    bytes.resize(begin + blob.len() * 2, b'0');
    for (digits, byte) in bytes[begin..].chunks_exact_mut(2).zip(blob) {
        digits[0] = DIGITS[usize::from(byte >> 4)];
        digits[1] = DIGITS[usize::from(byte & 15)];
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_row_is_read_as_it_was_written() {
        let id = Uuid::from_u128(7);
        let cells = [
            Cell::Null,
            Cell::Int(i64::MIN),
            Cell::text("\"\\ü\n\u{1}"),
            Cell::Id(id),
            Cell::blob(&[0, 15, 255]),
        ];
        let mut bytes = Vec::new();
        row(&mut bytes, cells.iter());
        let read: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        let text = id.simple().to_string();
        let expected = serde_json::json!([null, i64::MIN, "\"\\ü\n\u{1}", text, "\\x000fff"]);
        assert_eq!(read, expected);
    }
}
