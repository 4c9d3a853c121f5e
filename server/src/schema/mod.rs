//! JSON Schemas: made ready once, then used to check payloads.
//!
//! Whoever may register a type chooses its schema, and whoever may create a task the document: together they must not be
//! able to keep the service busy. So a schema is bounded before it is made ready (`bounds`): it does not contain itself, and
//! its size is that after its references are followed. Then a value of a document meets each part of the schema once at
//! most, and the product of both sizes bounds the work. Patterns run in linear time; nothing is fetched from anywhere.

mod bounds;
mod path;
#[cfg(test)]
mod tests;
mod tree;

use std::fmt;

use baton_domain::{Payload, PayloadKind};
use jsonschema::error::{TypeKind, ValidationErrorKind};
use jsonschema::{Draft, PatternOptions, ValidationError, Validator};
use serde_json::Value;

pub(crate) use path::write_key;

/// What a check may cost: values of the document times values of the schema. About a second of one processor.
const COST: usize = 40_000_000;
/// A check that costs more is no matter of microseconds, and is not done where other calls wait for their turn.
const CHEAP: usize = 100_000;
/// A document whose check costs more is told its first flaw only: all of them may be half a million.
const TOLD_WHOLE: usize = 2_000_000;
/// Flaws that are told with their words; beyond it they are counted.
const TOLD: usize = 100;
/// The size of one pattern once it is made ready, in bytes.
const PATTERN_BYTES: usize = 256 * 1024;

/// A schema that is ready to check payloads.
pub struct Schema {
    validator: Result<Validator, String>,
    /// Values in it, its references followed.
    size: usize,
}

impl fmt::Debug for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Schema")
            .field("size", &self.size)
            .finish_non_exhaustive()
    }
}

/// Where in a document something is wrong, and what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flaw {
    /// Goes on after the path of the document: `.rows[3]["a b"]`.
    pub path: String,
    /// What.
    pub fault: Fault,
}

/// What is wrong with a part of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A required field is not there; its name, with those of what it stands in: `smtp.host`.
    Missing(String),
    /// Anything else, for people: goes on after the path.
    Wrong(String),
}

/// Why a payload does not fit a schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flaws {
    /// The field of the payload that holds the document: `json`, `json_text`; empty for the payload itself.
    pub field: &'static str,
    /// The first ones.
    pub told: Vec<Flaw>,
    /// How many there are beyond.
    pub beyond: usize,
}

impl Flaws {
    /// Of a check that ended before it could tell.
    pub(crate) fn uncheckable() -> Self {
        Self::of("", String::new(), "could not be checked")
    }

    fn of(field: &'static str, path: String, what: impl Into<String>) -> Self {
        Self {
            field,
            told: vec![Flaw {
                path,
                fault: Fault::Wrong(what.into()),
            }],
            beyond: 0,
        }
    }
}

impl Schema {
    /// Makes a schema ready: an encoded `google.protobuf.Struct` that has passed the checks of every document.
    ///
    /// # Errors
    /// Where in the schema what is wrong.
    pub fn compile(encoded: &[u8]) -> Result<Self, Flaw> {
        let schema = tree::of_struct(encoded).map_err(|what| flaw(String::new(), what))?;
        let size = bounds::size(&schema)?;
        let options = jsonschema::options()
            .with_draft(Draft::Draft202012)
            .offline()
            .should_validate_formats(false)
            .without_content_media_type_support("application/json")
            .without_content_encoding_support("base64")
            .with_pattern_options(
                PatternOptions::regex()
                    .size_limit(PATTERN_BYTES)
                    .dfa_size_limit(PATTERN_BYTES),
            );
        let validator = options.build(&schema).map_err(|error| {
            let path = path::of(&schema, error.instance_path().as_str());
            flaw(path.text, refused(&error))
        })?;
        Ok(Self {
            validator: Ok(validator),
            size,
        })
    }

    /// In place of a schema that this version cannot make ready: nothing fits it.
    pub(crate) fn unusable(why: &Flaw) -> Self {
        let Flaw { path, fault } = why;
        Self {
            validator: Err(format!("{path} {fault}")),
            size: 0,
        }
    }

    /// Whether the check of `payload` may take longer than another call should wait for it.
    pub(crate) fn is_dear(&self, payload: Option<&Payload>) -> bool {
        let bytes = payload.and_then(|payload| payload.body.as_ref());
        bytes.map_or(0, bytes::Bytes::len).saturating_mul(self.size) > CHEAP
    }

    /// Checks a payload; one that is absent counts as an empty object.
    ///
    /// # Errors
    /// What does not fit.
    pub fn check(&self, payload: Option<&Payload>) -> Result<(), Flaws> {
        let validator = match &self.validator {
            Ok(validator) => validator,
            Err(why) => {
                let what =
                    format!("cannot be checked: the schema of its type cannot be used any more: {why}");
                return Err(Flaws::of("", String::new(), what));
            }
        };
        let (field, document) = document(payload)?;
        let tree::Tree { value, size } = document;
        let cost = size.saturating_mul(self.size);
        if cost > COST {
            let what = format!(
                "is too large to be checked: {size} values, against a schema of {}",
                self.size
            );
            return Err(Flaws::of(field, String::new(), what));
        }
        if validator.is_valid(&value) {
            return Ok(());
        }
        if cost > TOLD_WHOLE {
            let first = validator.validate(&value).err();
            let told = first.map(|error| told(&value, &error)).into_iter().collect();
            return Err(Flaws {
                field,
                told,
                beyond: 0,
            });
        }
        let mut errors = validator.iter_errors(&value);
        let told = errors.by_ref().take(TOLD).map(|error| told(&value, &error));
        let told: Vec<_> = told.collect();
        Err(Flaws {
            field,
            told,
            beyond: errors.count(),
        })
    }
}

fn flaw(path: String, what: impl Into<String>) -> Flaw {
    Flaw {
        path,
        fault: Fault::Wrong(what.into()),
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(name) => write!(f, "must have {name}"),
            Self::Wrong(what) => f.write_str(what),
        }
    }
}

type Read = fn(&[u8]) -> Result<tree::Tree, String>;

/// The document of a payload, and the field that holds it.
fn document(payload: Option<&Payload>) -> Result<(&'static str, tree::Tree), Flaws> {
    let Some(payload) = payload else {
        return Ok(("json", tree::Tree::empty()));
    };
    let (field, read): (_, Read) = match payload.kind {
        PayloadKind::Json => ("json", tree::of_value),
        PayloadKind::JsonText => ("json_text", tree::of_text),
        PayloadKind::Data | PayloadKind::Uri => {
            let what =
                "must be json or json_text: its type has a schema, which nothing else can be checked against";
            return Err(Flaws::of("", String::new(), what));
        }
    };
    let body = payload.body.as_deref().unwrap_or_default();
    let tree = read(body).map_err(|what| Flaws::of(field, String::new(), what))?;
    Ok((field, tree))
}

fn told(document: &Value, error: &ValidationError<'_>) -> Flaw {
    let at = path::of(document, error.instance_path().as_str());
    match error.kind() {
        ValidationErrorKind::Required {
            property: Value::String(name),
        } => {
            let at = at.then(name);
            Flaw {
                path: at.text,
                fault: Fault::Missing(at.dotted),
            }
        }
        _ => flaw(at.text, words(error)),
    }
}

/// What is wrong, without the value: that may be large, or a secret.
fn words(error: &ValidationError<'_>) -> String {
    match error.kind() {
        ValidationErrorKind::Type { kind } => match kind {
            TypeKind::Single(one) => format!("must be of type {one}"),
            TypeKind::Multiple(_) => masked(error),
        },
        ValidationErrorKind::AdditionalProperties { unexpected } => {
            format!(
                "must not have {}: its type does not know it",
                unexpected.join(", ")
            )
        }
        ValidationErrorKind::FalseSchema => "must not be there".to_owned(),
        _ => masked(error),
    }
}

fn masked(error: &ValidationError<'_>) -> String {
    let told = error.masked_with("it").to_string();
    told.strip_prefix("it ").map_or(told.clone(), str::to_owned)
}

/// What is wrong with a schema: here the value is what its writer wants to see.
fn refused(error: &ValidationError<'_>) -> String {
    match error.kind() {
        ValidationErrorKind::Format { format } if format == "regex" => {
            "must be a regular expression that can be matched in linear time: without look-around and back references, and of \
             bounded size"
                .to_owned()
        }
        ValidationErrorKind::AnyOf { .. } if error.instance_path().as_str().ends_with("/type") => {
            "must be null, boolean, integer, number, string, array or object, or a list of these".to_owned()
        }
        _ => error.to_string(),
    }
}
