//! How large a schema is once its references are followed, and what it may not have.

use serde_json::Value;

use super::path::Place;
use super::{Flaw, flaw, path, tree};

/// Values of a schema, its references followed. Each may be compared with each value of a document.
const SIZE: usize = 4_096;
/// What a pattern counts for: it is made ready, and runs through texts.
const PATTERN: usize = 32;
/// Schemas within schemas, references followed.
const DEPTH: usize = 64;
/// What a schema may say it is.
const DRAFT: &str = "https://json-schema.org/draft/2020-12/schema";

/// Keywords that hold one schema.
const ONE: [&str; 9] = [
    "not",
    "if",
    "then",
    "else",
    "items",
    "contains",
    "additionalProperties",
    "propertyNames",
    "contentSchema",
];
/// Keywords that hold a list of schemas.
const LISTS: [&str; 4] = ["allOf", "anyOf", "oneOf", "prefixItems"];
/// Keywords that hold schemas by name. `dependencies` is of older drafts, and read all the same.
const NAMED: [&str; 4] = [
    "properties",
    "patternProperties",
    "dependentSchemas",
    "dependencies",
];
/// Keywords that are read where something refers to them, and not where they stand.
const SHELVES: [&str; 2] = ["$defs", "definitions"];
/// Keywords that would let a check cost more than the product of the sizes, each with why.
const REFUSED: [(&str, &str); 5] = [
    ("$dynamicRef", "use $ref"),
    ("$recursiveRef", "use $ref"),
    ("unevaluatedProperties", "use additionalProperties"),
    ("unevaluatedItems", "use items"),
    ("$vocabulary", "every schema is JSON Schema 2020-12"),
];

/// The size of a schema.
///
/// Errors: what it may not have, or be.
pub(super) fn size(schema: &Value) -> Result<usize, Flaw> {
    let mut walk = Walk {
        root: schema,
        size: 0,
        followed: Vec::new(),
    };
    walk.schema(schema, String::new(), 0)?;
    Ok(walk.size)
}

struct Walk<'a> {
    root: &'a Value,
    size: usize,
    /// The references that lead to where the walk is.
    followed: Vec<&'a str>,
}

impl<'a> Walk<'a> {
    /// `at`: where it stands in the root, as a JSON pointer.
    fn schema(&mut self, schema: &'a Value, at: String, depth: usize) -> Result<(), Flaw> {
        if depth > DEPTH {
            return Err(self.flaw(
                &at,
                format!("must not hold schemas deeper than {DEPTH}, references followed"),
            ));
        }
        self.add(&at, 1)?;
        let Value::Object(keywords) = schema else {
            return Ok(());
        };
        for (keyword, value) in keywords {
            self.keyword((keyword, value), &at, depth)?;
        }
        Ok(())
    }

    fn keyword(
        &mut self,
        (keyword, value): (&'a str, &'a Value),
        at: &str,
        depth: usize,
    ) -> Result<(), Flaw> {
        let here = step(at, keyword);
        if let Some((_, instead)) = REFUSED.iter().find(|(name, _)| *name == keyword) {
            return Err(self.flaw(&here, format!("cannot be used here: {instead}")));
        }
        match (keyword, value) {
            ("$ref", Value::String(reference)) => self.follow(reference, &here, depth),
            ("$id", _) if !at.is_empty() => {
                Err(self.flaw(&here, "must stand at the top: a schema is one document"))
            }
            ("$schema", Value::String(draft)) if draft.trim_end_matches('#') != DRAFT => {
                Err(self.flaw(&here, format!("must be {DRAFT}, or absent")))
            }
            ("pattern", _) => self.add(&here, PATTERN),
            (name, inner) if ONE.contains(&name) => self.schema(inner, here, depth + 1),
            (name, Value::Array(list)) if LISTS.contains(&name) => {
                for (index, inner) in list.iter().enumerate() {
                    self.schema(inner, step(&here, &index.to_string()), depth + 1)?;
                }
                Ok(())
            }
            (name, Value::Object(named)) if NAMED.contains(&name) => {
                for (key, inner) in named {
                    let patterned = name == "patternProperties";
                    self.add(&here, if patterned { PATTERN } else { 1 })?;
                    self.schema(inner, step(&here, key), depth + 1)?;
                }
                Ok(())
            }
            (name, _) if SHELVES.contains(&name) => Ok(()),
            (_, data) => self.add(&here, tree::size(data)),
        }
    }

    fn follow(&mut self, reference: &'a str, here: &str, depth: usize) -> Result<(), Flaw> {
        let pointer = reference.strip_prefix('#').filter(|rest| {
            let within = rest.is_empty() || rest.starts_with('/');
            within && !rest.contains('%')
        });
        let Some(pointer) = pointer else {
            return Err(self.flaw(here, "must name a place in this schema, such as #/$defs/point"));
        };
        if self.followed.contains(&pointer) {
            return Err(self.flaw(
                here,
                "must not lead back to where it stands: a schema does not contain itself",
            ));
        }
        let Some(target) = self.root.pointer(pointer) else {
            return Err(self.flaw(here, "must name a place that is there"));
        };
        self.followed.push(pointer);
        // Told by the reference: what it leads to is told where it stands.
        self.schema(target, pointer.to_owned(), depth + 1)?;
        self.followed.pop();
        Ok(())
    }

    fn add(&mut self, at: &str, size: usize) -> Result<(), Flaw> {
        self.size = self.size.saturating_add(size);
        if self.size > SIZE {
            let what = format!(
                "must have at most {SIZE} values, its references followed and a pattern counted as {PATTERN}"
            );
            return Err(self.flaw(at, what));
        }
        Ok(())
    }

    fn flaw(&self, at: &str, what: impl Into<String>) -> Flaw {
        let Place { text, .. } = path::of(self.root, at);
        flaw(text, what)
    }
}

fn step(at: &str, name: &str) -> String {
    format!("{at}/{}", name.replace('~', "~0").replace('/', "~1"))
}
