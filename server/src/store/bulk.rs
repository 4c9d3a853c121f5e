//! Many rows in one statement: a row is a list of cells, all rows of a statement travel as ONE JSON parameter.
//!
//! One parameter has one shape whatever the number of rows, so a statement's text depends on its columns alone and the
//! database's statement cache hits. So that there are few texts, columns come in groups: a group is written whole or
//! not at all. Measured: a column that is always NULL costs as much as one that is not.

use std::borrow::Cow;

use super::error::StoreError;

/// One value of one column.
#[derive(Clone, Debug)]
pub(super) enum Cell<'a> {
    Null,
    Int(i64),
    Text(Cow<'a, str>),
    Blob(Cow<'a, [u8]>),
}

impl PartialEq for Cell<'_> {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Null, Self::Null) => true,
            (Self::Int(a), Self::Int(b)) => a == b,
            (Self::Text(a), Self::Text(b)) => a == b,
            // A body that nobody touched is shared by the task before and after: no need to read a megabyte.
            (Self::Blob(a), Self::Blob(b)) => std::ptr::eq(a.as_ref(), b.as_ref()) || a == b,
            (Self::Null | Self::Int(_) | Self::Text(_) | Self::Blob(_), _) => false,
        }
    }
}

impl<'a> Cell<'a> {
    pub(super) fn text(text: &'a str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }

    pub(super) fn blob(bytes: &'a [u8]) -> Self {
        Self::Blob(Cow::Borrowed(bytes))
    }

    pub(super) fn owned(bytes: Option<Vec<u8>>) -> Self {
        bytes.map_or(Self::Null, |bytes| Self::Blob(Cow::Owned(bytes)))
    }

    /// About how long it is in JSON.
    fn json_bytes(&self) -> usize {
        match self {
            Self::Null => 5,
            Self::Int(_) => 12,
            Self::Text(text) => text.len() + 8,
            Self::Blob(bytes) => bytes.len() * 2 + 3,
        }
    }

    pub(super) fn option<T>(value: Option<T>, cell: impl FnOnce(T) -> Self) -> Self {
        value.map_or(Self::Null, cell)
    }
}

/// What the schema puts where an insert says nothing; the cells that may be left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Default {
    /// Always written.
    None,
    Null,
    Int(i64),
    EmptyText,
}

impl Default {
    fn is(self, cell: &Cell<'_>) -> bool {
        match (self, cell) {
            (Self::Null, Cell::Null) => true,
            (Self::Int(default), Cell::Int(value)) => default == *value,
            (Self::EmptyText, Cell::Text(text)) => text.is_empty(),
            (Self::None | Self::Null | Self::Int(_) | Self::EmptyText, _) => false,
        }
    }
}

/// A column as the writer sees it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Column {
    pub(super) name: &'static str,
    /// Travels as hexadecimal digits.
    pub(super) is_blob: bool,
    pub(super) default: Default,
}

/// A column of bytes; a second argument names its default.
pub(super) const fn blob(name: &'static str, default: Default) -> Column {
    Column {
        name,
        is_blob: true,
        default,
    }
}

/// A column of text or whole numbers.
pub(super) const fn plain(name: &'static str, default: Default) -> Column {
    Column {
        name,
        is_blob: false,
        default,
    }
}

/// A set of columns, by their place.
pub(super) type Mask = u64;

/// A table as the writer sees it: its columns in groups that are written together. The first column is the key by which
/// rows are updated.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) name: &'static str,
    pub(super) groups: &'static [&'static [Column]],
}

impl Table {
    pub(super) fn columns(&self) -> impl Iterator<Item = &'static Column> {
        self.groups.iter().copied().flatten()
    }

    /// The columns of `mask` with their names, in order.
    pub(super) fn chosen(&self, mask: Mask) -> impl Iterator<Item = &'static Column> {
        self.columns()
            .enumerate()
            .filter(move |(place, _)| mask & (1 << place) != 0)
            .map(|(_, column)| column)
    }

    /// The groups that must be written of a new row: those with a cell that the schema would fill otherwise.
    pub(super) fn needed(&self, cells: &[Cell<'_>]) -> Mask {
        self.widen(
            cells
                .iter()
                .zip(self.columns())
                .map(|(cell, column)| !column.default.is(cell)),
        )
    }

    /// The groups in which two versions of a row differ.
    pub(super) fn changed(&self, before: &[Cell<'_>], now: &[Cell<'_>]) -> Mask {
        self.widen(before.iter().zip(now).map(|(before, now)| before != now))
    }

    fn widen(&self, wanted: impl Iterator<Item = bool>) -> Mask {
        let mut wanted = wanted;
        let (mut mask, mut place) = (0, 0);
        for group in self.groups {
            let any = wanted
                .by_ref()
                .take(group.len())
                .fold(false, |any, wanted| any | wanted);
            if any {
                mask |= ((1 << group.len()) - 1) << place;
            }
            place += group.len();
        }
        mask
    }
}

fn chosen<'c, 'a>(cells: &'c [Cell<'a>], mask: Mask) -> impl Iterator<Item = &'c Cell<'a>> {
    cells
        .iter()
        .enumerate()
        .filter(move |(place, _)| mask & (1 << place) != 0)
        .map(|(_, cell)| cell)
}

/// The key column alone.
pub(super) const KEY: Mask = 1;

/// Rows of one statement on their way to the database: a JSON array of arrays.
#[derive(Debug)]
pub(super) struct Rows {
    json: Vec<u8>,
    count: i64,
}

impl Rows {
    pub(super) fn new() -> Self {
        Self::with_room(0)
    }

    /// Rows for which there is room: a batch's JSON is large enough for its growing to be felt.
    fn with_room(bytes: usize) -> Self {
        let mut json = Vec::with_capacity(bytes + 2);
        json.push(b'[');
        Self { json, count: 0 }
    }

    /// The columns of `mask` of all `cells`.
    ///
    /// Errors: as [`Rows::push`].
    pub(super) fn of(table: &Table, cells: &[Vec<Cell<'_>>], mask: Mask) -> Result<Self, StoreError> {
        let bytes = |cells: &Vec<Cell<'_>>| chosen(cells, mask).map(Cell::json_bytes).sum::<usize>() + 3;
        let mut rows = Self::with_room(cells.iter().map(bytes).sum());
        for cells in cells {
            rows.push(table.name, cells, mask)?;
        }
        Ok(rows)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.count == 0
    }

    pub(super) fn count(&self) -> i64 {
        self.count
    }

    /// Adds the cells of `mask` as a row.
    ///
    /// Errors: a text holds a NUL, which the database would silently cut.
    pub(super) fn push(
        &mut self,
        table: &'static str,
        cells: &[Cell<'_>],
        mask: Mask,
    ) -> Result<(), StoreError> {
        self.open();
        for (n, cell) in chosen(cells, mask).enumerate() {
            if n > 0 {
                self.json.push(b',');
            }
            self.cell(table, cell)?;
        }
        self.json.push(b']');
        Ok(())
    }

    fn open(&mut self) {
        if self.count > 0 {
            self.json.push(b',');
        }
        self.json.push(b'[');
        self.count += 1;
    }

    fn cell(&mut self, table: &'static str, cell: &Cell<'_>) -> Result<(), StoreError> {
        let written = match cell {
            Cell::Null => {
                self.json.extend_from_slice(b"null");
                Ok(())
            }
            Cell::Int(value) => serde_json::to_writer(&mut self.json, value),
            Cell::Text(text) if text.as_bytes().contains(&0) => {
                return Err(StoreError::corrupt(
                    table,
                    "to be written",
                    "a text holds the character NUL",
                ));
            }
            Cell::Text(text) => serde_json::to_writer(&mut self.json, text.as_ref()),
            Cell::Blob(bytes) => {
                self.hex(bytes);
                Ok(())
            }
        };
        // Writing to a vector cannot fail; the result is passed on all the same.
        written.map_err(|error| StoreError::corrupt(table, "to be written", error))
    }

    fn hex(&mut self, bytes: &[u8]) {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        self.json.push(b'"');
        let begin = self.json.len();
        self.json.resize(begin + bytes.len() * 2, b'0');
        for (digits, byte) in self.json[begin..].chunks_exact_mut(2).zip(bytes) {
            digits[0] = DIGITS[usize::from(byte >> 4)];
            digits[1] = DIGITS[usize::from(byte & 15)];
        }
        self.json.push(b'"');
    }

    /// The parameter.
    pub(super) fn finish(mut self) -> String {
        self.json.push(b']');
        // Only whole texts, digits and punctuation were written.
        String::from_utf8(self.json).expect("JSON made of texts is text")
    }
}
