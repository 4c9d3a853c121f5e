//! Many rows in one statement: a row is a list of cells, all rows of a statement travel in the form that the database reads
//! best: SQLite gets them as ONE parameter in its binary JSON, PostgreSQL as an array for each column.
//!
//! Neither form depends on the number of rows, so a statement's text depends on its columns alone and the
//! database's statement cache hits. So that there are few texts, columns come in groups: a group is written whole or
//! not at all. Measured: a column that is always NULL costs as much as one that is not.

use std::borrow::Cow;

use uuid::Uuid;

use super::arrays::Array;
use super::dialect::Dialect;
use super::error::StoreError;
use super::{json, jsonb};

/// One value of one column.
#[derive(Clone, Debug)]
pub(super) enum Cell<'a> {
    Null,
    Int(i64),
    Text(Cow<'a, str>),
    Id(Uuid),
    Blob(Cow<'a, [u8]>),
}

impl PartialEq for Cell<'_> {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Null, Self::Null) => true,
            (Self::Int(a), Self::Int(b)) => a == b,
            (Self::Text(a), Self::Text(b)) => a == b,
            (Self::Id(a), Self::Id(b)) => a == b,
            // A body that nobody touched is shared by the task before and after: no need to read a megabyte.
            (Self::Blob(a), Self::Blob(b)) => std::ptr::eq(a.as_ref(), b.as_ref()) || a == b,
            (Self::Null | Self::Int(_) | Self::Text(_) | Self::Id(_) | Self::Blob(_), _) => false,
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

    fn has_nul(&self) -> bool {
        matches!(self, Self::Text(text) if text.as_bytes().contains(&0))
    }

    /// How long it is in JSON at most, but for rare numbers.
    fn json_bytes(&self) -> usize {
        match self {
            Self::Null => 1,
            Self::Int(_) => 18,
            Self::Text(text) => text.len() + 5,
            Self::Id(_) => 34,
            Self::Blob(bytes) => bytes.len() * 2 + 5,
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
    pub(super) kind: Kind,
    pub(super) default: Default,
}

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Int,
    /// Yes or no, as 1 or 0.
    Flag,
    Text,
    Id,
    Blob,
}

impl Kind {
    /// Whether it holds bytes, which have no form of their own in JSON.
    pub(super) const fn is_bytes(self) -> bool {
        matches!(self, Self::Id | Self::Blob)
    }
}

/// A column of whole numbers.
pub(super) const fn int(name: &'static str, default: Default) -> Column {
    column(name, Kind::Int, default)
}

/// A column of yes or no.
pub(super) const fn flag(name: &'static str, default: Default) -> Column {
    column(name, Kind::Flag, default)
}

/// A column of text.
pub(super) const fn text(name: &'static str, default: Default) -> Column {
    column(name, Kind::Text, default)
}

/// A column of ids.
pub(super) const fn id(name: &'static str, default: Default) -> Column {
    column(name, Kind::Id, default)
}

/// A column of bytes.
pub(super) const fn blob(name: &'static str, default: Default) -> Column {
    column(name, Kind::Blob, default)
}

const fn column(name: &'static str, kind: Kind, default: Default) -> Column {
    Column { name, kind, default }
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

/// Rows of one statement on their way to the database.
#[derive(Debug)]
pub(super) struct Rows {
    /// Whose rows, for who reads an error.
    what: &'static str,
    /// Which cells of a row are written.
    mask: Mask,
    form: Form,
    count: i64,
}

/// How rows are written down.
#[derive(Debug)]
enum Form {
    /// SQLite's binary JSON: an array, which begins there, of rows.
    Jsonb(Vec<u8>, jsonb::Open, Row),
    /// JSON text: an array of arrays. PostgreSQL's, where the statement names cells by their places.
    Json(Vec<u8>),
    /// An array a column: PostgreSQL's, where the statement names cells by their columns.
    Arrays(Vec<Array>),
}

/// How SQLite's statement names the cells of a row.
#[derive(Clone, Copy, Debug)]
enum Row {
    /// By their places, of which there are few.
    Flat,
    /// By their columns.
    Parted,
}

/// Rows as parameters of a statement.
#[derive(Debug)]
pub(super) enum Packed {
    /// All of them in one: the binary JSON of SQLite, or JSON text.
    One(Vec<u8>),
    /// A parameter a column.
    Columns(Vec<Array>),
}

impl Packed {
    /// The one parameter of rows that are not of a table's columns, or of SQLite's.
    pub(super) fn into_one(self) -> Vec<u8> {
        match self {
            Self::One(bytes) => bytes,
            Self::Columns(_) => unreachable!("columns go to PostgreSQL, by a statement of a table"),
        }
    }
}

impl Rows {
    /// Rows of which the statement names the cells by their places.
    pub(super) fn of_values(dialect: Dialect, what: &'static str) -> Self {
        let form = match dialect {
            Dialect::Sqlite => Form::jsonb(0, Row::Flat),
            Dialect::Postgres => Form::Json(b"[".to_vec()),
        };
        Self {
            what,
            mask: Mask::MAX,
            form,
            count: 0,
        }
    }

    /// Rows of a table, of which the columns of `mask` are written.
    pub(super) fn of_table(dialect: Dialect, table: &Table, mask: Mask) -> Self {
        let form = match dialect {
            Dialect::Sqlite => Form::jsonb(0, Row::Parted),
            Dialect::Postgres => Form::Arrays(table.chosen(mask).map(Array::new).collect()),
        };
        Self {
            what: table.name,
            mask,
            form,
            count: 0,
        }
    }

    /// As [`Rows::of_table`], with all `rows`.
    ///
    /// Errors: as [`Rows::push`].
    pub(super) fn of(
        dialect: Dialect,
        table: &Table,
        cells: &[Vec<Cell<'_>>],
        mask: Mask,
    ) -> Result<Self, StoreError> {
        let mut rows = Self::of_table(dialect, table, mask);
        if let Form::Jsonb(..) = rows.form {
            let bytes = |cells: &Vec<Cell<'_>>| {
                let cells = chosen(cells, mask);
                jsonb::ARRAY_HEADER * 2 + cells.map(Cell::json_bytes).sum::<usize>()
            };
            // A batch's JSON is large enough for its growing to be felt.
            rows.form = Form::jsonb(cells.iter().map(bytes).sum(), Row::Parted);
        }
        for cells in cells {
            rows.push(cells)?;
        }
        Ok(rows)
    }

    /// With these rows behind those it has.
    ///
    /// Errors: as [`Rows::push`].
    pub(super) fn with<'a>(mut self, rows: impl Iterator<Item = Vec<Cell<'a>>>) -> Result<Self, StoreError> {
        for cells in rows {
            self.push(&cells)?;
        }
        Ok(self)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.count == 0
    }

    pub(super) fn count(&self) -> i64 {
        self.count
    }

    /// Adds a row.
    ///
    /// Errors: a text holds a NUL, at which SQL functions end a text.
    pub(super) fn push(&mut self, cells: &[Cell<'_>]) -> Result<(), StoreError> {
        let mut has_nul = false;
        let cells = chosen(cells, self.mask).inspect(|cell| has_nul |= cell.has_nul());
        match &mut self.form {
            Form::Jsonb(bytes, _, Row::Flat) => jsonb::row(bytes, cells),
            Form::Jsonb(bytes, _, Row::Parted) => jsonb::parted(bytes, cells),
            Form::Json(bytes) => {
                if self.count > 0 {
                    bytes.push(b',');
                }
                json::row(bytes, cells);
            }
            Form::Arrays(arrays) => arrays
                .iter_mut()
                .zip(cells)
                .for_each(|(array, cell)| array.push(cell)),
        }
        self.count += 1;
        refuse_nul(self.what, has_nul)
    }

    /// The parameters.
    pub(super) fn finish(self) -> Packed {
        match self.form {
            Form::Jsonb(mut bytes, outer, _) => {
                jsonb::close(&mut bytes, outer);
                Packed::One(bytes)
            }
            Form::Json(mut bytes) => {
                bytes.push(b']');
                Packed::One(bytes)
            }
            Form::Arrays(arrays) => Packed::Columns(arrays),
        }
    }
}

impl Form {
    fn jsonb(room: usize, row: Row) -> Self {
        let mut bytes = Vec::with_capacity(room + jsonb::ARRAY_HEADER);
        let outer = jsonb::open(&mut bytes);
        Self::Jsonb(bytes, outer, row)
    }
}

/// A statement with such a text is never sent: SQL functions end a text there.
fn refuse_nul(what: &'static str, has_nul: bool) -> Result<(), StoreError> {
    if has_nul {
        let why = "a text holds the character NUL";
        return Err(StoreError::corrupt(what, "to be written", why));
    }
    Ok(())
}
