//! SQLite's binary JSON, written as the database itself would store it: rows need not be read as text first.
//!
//! An element is a header and what it holds. The header's low four bits are the type; the high four say where the size
//! stands: in them, or in the 1, 2 or 4 bytes that follow, which may be more than needed.
//! Source: <https://www.sqlite.org/jsonb.html>

use std::io::Write as _;

use super::bulk::Cell;
use super::json::digits;

const NULL: u8 = 0;
const INT: u8 = 3;
/// Text as it is, without escapes.
const TEXT: u8 = 10;
const ARRAY: u8 = 11;

const SIZE_IN_1: u8 = 0xc0;
const SIZE_IN_2: u8 = 0xd0;
const SIZE_IN_4: u8 = 0xe0;
/// The header of an array whose size is not known yet.
pub(super) const ARRAY_HEADER: usize = 5;

/// An array that is being written: where it begins.
#[derive(Debug)]
#[must_use = "an array has to be closed"]
pub(super) struct Open(usize);

/// Cells of a part: the database comes to one by walking over those before it.
const PART: usize = 6;

/// Where a statement finds the cell at `place` of a [`parted`] row.
pub(super) fn path(place: usize) -> String {
    format!("$[{}][{}]", place / PART, place % PART)
}

/// A row in parts, by the places of its values: see [`path`].
pub(super) fn parted<'c, 'a: 'c>(bytes: &mut Vec<u8>, cells: impl Iterator<Item = &'c Cell<'a>>) {
    let whole = open(bytes);
    let mut cells = cells.peekable();
    while cells.peek().is_some() {
        row(bytes, cells.by_ref().take(PART));
    }
    close(bytes, whole);
}

/// A row by the places of its values.
pub(super) fn row<'c, 'a: 'c>(bytes: &mut Vec<u8>, cells: impl Iterator<Item = &'c Cell<'a>>) {
    let row = open(bytes);
    for cell in cells {
        match cell {
            Cell::Null => null(bytes),
            Cell::Int(value) => int(bytes, *value),
            Cell::Text(value) => text(bytes, value),
            Cell::Id(id) => hex(bytes, id.as_bytes()),
            Cell::Blob(blob) => hex(bytes, blob),
        }
    }
    close(bytes, row);
}

pub(super) fn open(bytes: &mut Vec<u8>) -> Open {
    let at = Open(bytes.len());
    bytes.extend_from_slice(&[SIZE_IN_4 | ARRAY, 0, 0, 0, 0]);
    at
}

pub(super) fn close(bytes: &mut [u8], Open(at): Open) {
    let body = at + ARRAY_HEADER;
    let size = size(bytes.len() - body).to_be_bytes();
    bytes[at + 1..body].copy_from_slice(&size);
}

pub(super) fn null(bytes: &mut Vec<u8>) {
    bytes.push(NULL);
}

pub(super) fn int(bytes: &mut Vec<u8>, value: i64) {
    bytes.extend_from_slice(&[SIZE_IN_1 | INT, 0]);
    let body = bytes.len();
    write!(bytes, "{value}").expect("writing to a vector");
    bytes[body - 1] = u8::try_from(bytes.len() - body).expect("an i64 has at most 20 characters");
}

pub(super) fn text(bytes: &mut Vec<u8>, text: &str) {
    header(bytes, TEXT, text.len());
    bytes.extend_from_slice(text.as_bytes());
}

/// JSON has no bytes: they travel as hexadecimal digits.
pub(super) fn hex(bytes: &mut Vec<u8>, blob: &[u8]) {
    header(bytes, TEXT, blob.len() * 2);
    digits(bytes, blob);
}

fn header(bytes: &mut Vec<u8>, kind: u8, len: usize) {
    if let Ok(len) = u8::try_from(len) {
        bytes.extend_from_slice(&[SIZE_IN_1 | kind, len]);
    } else if let Ok(len) = u16::try_from(len) {
        bytes.push(SIZE_IN_2 | kind);
        bytes.extend_from_slice(&len.to_be_bytes());
    } else {
        bytes.push(SIZE_IN_4 | kind);
        bytes.extend_from_slice(&size(len).to_be_bytes());
    }
}

fn size(len: usize) -> u32 {
    u32::try_from(len).expect("a batch is far smaller than 4 GiB")
}

#[cfg(test)]
mod tests {
    use sqlx::sqlite::SqliteConnection;
    use sqlx::{Connection as _, Row as _};

    use super::*;

    #[tokio::test]
    async fn the_database_reads_what_was_written() {
        let texts: Vec<String> = [0, 1, 11, 12, 255, 256, 65_535, 65_536]
            .iter()
            .map(|len| "\"\\ü\n".chars().cycle().take(*len).collect())
            .collect();
        let ints = [0, -1, i64::MIN, i64::MAX];
        let blob = [0, 15, 240, 255];
        let mut bytes = Vec::new();
        let outer = open(&mut bytes);
        for text_ in &texts {
            let row = open(&mut bytes);
            text(&mut bytes, text_);
            ints.iter().for_each(|value| int(&mut bytes, *value));
            null(&mut bytes);
            hex(&mut bytes, &blob);
            close(&mut bytes, row);
        }
        close(&mut bytes, outer);

        let mut database = SqliteConnection::connect("sqlite::memory:").await.unwrap();
        let select = "SELECT json_valid(?1, 8), r.value->>0, r.value->>1, r.value->>2, r.value->>3, r.value->>4, \
             r.value->>5, unhex(r.value->>6) FROM jsonb_each(?1) AS r";
        let rows = sqlx::query(select)
            .bind(bytes)
            .fetch_all(&mut database)
            .await
            .unwrap();
        assert_eq!(rows.len(), texts.len());
        for (row, text) in rows.iter().zip(&texts) {
            assert_eq!(row.get::<i64, _>(0), 1, "strictly valid");
            assert_eq!(row.get::<String, _>(1), *text);
            for (place, value) in ints.iter().enumerate() {
                assert_eq!(row.get::<i64, _>(2 + place), *value);
            }
            assert_eq!(row.get::<Option<String>, _>(6), None);
            assert_eq!(row.get::<Vec<u8>, _>(7), blob);
        }
    }
}
