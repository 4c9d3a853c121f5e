//! Reads encoded `google.protobuf.Value` and `google.protobuf.Struct` without building them: the server keeps JSON
//! as the bytes it came in, and this is what makes sure that every reader will be able to read them.
//!
//! Refused: a Value without a kind, NaN and infinity, a whole number of magnitude 2^53 and more (another may have been
//! meant), NUL characters, nesting deeper than [`JSON_DEPTH`], and whatever no encoder writes: broken wire format,
//! unknown fields, two kinds in one Value, text that is not UTF-8.

mod canonical;
mod text;
mod wire;

#[cfg(test)]
mod tests;

pub(crate) use canonical::{canonical_struct, canonical_value};
pub(crate) use text::{check_json_text, json_string};

use baton_domain::limits::JSON_DEPTH;

use crate::schema::write_key;
use wire::{Field, Fields, Wire};

/// What is wrong with a document, and where in it: `.rows[3]["a b"]`, empty for the document itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Flaw {
    /// Goes on after the path of the field that holds the document.
    pub(crate) path: String,
    /// Goes on after the path: "must not be NaN".
    pub(crate) what: &'static str,
}

/// Checks an encoded `google.protobuf.Value`; answers the first flaw.
pub(crate) fn check_value(bytes: &[u8]) -> Result<(), Flaw> {
    value(bytes, 0).map_err(Trail::into_flaw)
}

/// Checks an encoded `google.protobuf.Struct`; answers the first flaw.
pub(crate) fn check_struct(bytes: &[u8]) -> Result<(), Flaw> {
    object(bytes, 1).map_err(Trail::into_flaw)
}

/// The text of an encoded Value that has been checked, where it is a string.
pub(crate) fn string_value(bytes: &[u8]) -> Option<&str> {
    match only_field(bytes).ok()? {
        Field {
            number: STRING_VALUE,
            wire: Wire::Bytes(text),
        } => std::str::from_utf8(text).ok(),
        Field { .. } => None,
    }
}

// Numbers of the fields in google/protobuf/struct.proto.
const NULL_VALUE: u32 = 1;
const NUMBER_VALUE: u32 = 2;
const STRING_VALUE: u32 = 3;
const BOOL_VALUE: u32 = 4;
const STRUCT_VALUE: u32 = 5;
const LIST_VALUE: u32 = 6;
const STRUCT_FIELDS: u32 = 1;
const LIST_VALUES: u32 = 1;
const ENTRY_KEY: u32 = 1;
const ENTRY_VALUE: u32 = 2;

const MALFORMED: &str = "is not a well-formed JSON value on the wire";
const NO_KIND: &str = "must have a kind: null, number, string, bool, struct or list";
const NUL: &str = "must not contain NUL characters";

/// 2^53: from here on whole numbers stand for their neighbours too.
const EXACT_MAX: f64 = 9_007_199_254_740_992.0;

/// A flaw on its way out of the document: the path is written only where there is one.
struct Trail<'a> {
    what: &'static str,
    /// Innermost first.
    steps: Vec<Step<'a>>,
}

enum Step<'a> {
    Key(&'a str),
    Index(usize),
}

impl<'a> Trail<'a> {
    const fn new(what: &'static str) -> Self {
        Self {
            what,
            steps: Vec::new(),
        }
    }

    fn at(mut self, step: Step<'a>) -> Self {
        self.steps.push(step);
        self
    }

    fn into_flaw(self) -> Flaw {
        let mut path = String::new();
        for step in self.steps.iter().rev() {
            let written = match step {
                Step::Key(key) => write_key(&mut path, key),
                Step::Index(index) => std::fmt::write(&mut path, format_args!("[{index}]")),
            };
            debug_assert!(written.is_ok(), "writing to a String cannot fail");
        }
        Flaw {
            path,
            what: self.what,
        }
    }
}

/// `depth`: how many arrays and objects enclose this value.
fn value(bytes: &[u8], depth: usize) -> Result<(), Trail<'_>> {
    let Field { number, wire } = only_field(bytes)?;
    match (number, wire) {
        (NULL_VALUE, Wire::Varint(0)) | (BOOL_VALUE, Wire::Varint(0 | 1)) => Ok(()),
        (NUMBER_VALUE, Wire::Fixed64(bits)) => number_value(f64::from_bits(bits)),
        (STRING_VALUE, Wire::Bytes(bytes)) => text_value(bytes).map(drop),
        (STRUCT_VALUE, Wire::Bytes(fields)) => object(fields, depth + 1),
        (LIST_VALUE, Wire::Bytes(values)) => list(values, depth + 1),
        _ => Err(Trail::new(MALFORMED)),
    }
}

/// The one field of an encoded Value.
fn only_field(bytes: &[u8]) -> Result<Field<'_>, Trail<'_>> {
    let mut fields = Fields::new(bytes);
    let first = fields.next().ok_or(Trail::new(NO_KIND))?;
    match fields.next() {
        None => first.ok_or(Trail::new(MALFORMED)),
        Some(_) => Err(Trail::new(MALFORMED)),
    }
}

fn number_value<'a>(number: f64) -> Result<(), Trail<'a>> {
    if number.is_nan() {
        Err(Trail::new("must not be NaN"))
    } else if number.is_infinite() {
        Err(Trail::new("must not be infinite"))
    } else if number.abs() >= EXACT_MAX {
        // Every finite number of this size is whole.
        Err(Trail::new(
            "must be below 2^53 in magnitude to be exact; send such numbers as json_text",
        ))
    } else {
        Ok(())
    }
}

fn text_value(bytes: &[u8]) -> Result<&str, Trail<'_>> {
    let text = std::str::from_utf8(bytes).map_err(|_| Trail::new("must be UTF-8"))?;
    if text.contains('\0') {
        return Err(Trail::new(NUL));
    }
    Ok(text)
}

fn enter<'a>(depth: usize) -> Result<(), Trail<'a>> {
    const {
        assert!(JSON_DEPTH == 24, "the text below names the bound");
    }
    if depth > JSON_DEPTH {
        return Err(Trail::new("must not be nested deeper than 24"));
    }
    Ok(())
}

/// `depth` counts this object.
fn object(bytes: &[u8], depth: usize) -> Result<(), Trail<'_>> {
    enter(depth)?;
    for field in Fields::new(bytes) {
        let (key, encoded) = entry(field)?;
        let text = text_value(key).map_err(|trail| Trail {
            what: "must have keys that are UTF-8 without NUL characters",
            ..trail
        })?;
        match encoded {
            Some(encoded) => value(encoded, depth).map_err(|trail| trail.at(Step::Key(text)))?,
            None => return Err(Trail::new(NO_KIND).at(Step::Key(text))),
        }
    }
    Ok(())
}

/// `depth` counts this list.
fn list(bytes: &[u8], depth: usize) -> Result<(), Trail<'_>> {
    enter(depth)?;
    for (index, field) in Fields::new(bytes).enumerate() {
        match field {
            Some(Field {
                number: LIST_VALUES,
                wire: Wire::Bytes(encoded),
            }) => value(encoded, depth).map_err(|trail| trail.at(Step::Index(index)))?,
            Some(Field { .. }) | None => return Err(Trail::new(MALFORMED)),
        }
    }
    Ok(())
}

/// Key and encoded Value of one entry of a Struct.
fn entry(field: Option<Field<'_>>) -> Result<(&[u8], Option<&[u8]>), Trail<'_>> {
    let Some(Field {
        number: STRUCT_FIELDS,
        wire: Wire::Bytes(entry),
    }) = field
    else {
        return Err(Trail::new(MALFORMED));
    };
    let (mut key, mut value) = (None, None);
    for field in Fields::new(entry) {
        let slot = match field {
            Some(Field {
                number: ENTRY_KEY,
                wire: Wire::Bytes(bytes),
            }) => key.replace(bytes),
            Some(Field {
                number: ENTRY_VALUE,
                wire: Wire::Bytes(bytes),
            }) => value.replace(bytes),
            Some(Field { .. }) | None => return Err(Trail::new(MALFORMED)),
        };
        if slot.is_some() {
            return Err(Trail::new(MALFORMED));
        }
    }
    Ok((key.unwrap_or_default(), value))
}
