//! Values of a file as canonical protobuf JSON.

use jiff::SignedDuration;
use prost_reflect::{EnumDescriptor, FieldDescriptor, Kind, MessageDescriptor};
use serde_json::{Map, Value, json};
use toml::de::{DeTable, DeValue};

use super::super::mistakes::Mistake;
use super::super::tree::Place;
use super::given::{given, unknown};

/// Turns values into JSON, and tells what cannot be.
pub(super) struct Reader<'a> {
    pub(super) found: &'a mut Vec<Mistake>,
}

impl Reader<'_> {
    /// The fields of a message; what is wrong is left out.
    pub(super) fn message(
        &mut self,
        message: &MessageDescriptor,
        table: &DeTable<'_>,
        path: &str,
    ) -> Map<String, Value> {
        let known = given(message);
        let mut fields = Map::new();
        for (key, value) in table {
            let name = key.get_ref().as_ref();
            let path = format!("{path}.{name}");
            let field = message
                .get_field_by_name(name)
                .filter(|_| known.iter().any(|known| known == name));
            let Some(field) = field else {
                // What is known and is no field of the message is read beside it.
                if !known.iter().any(|known| known == name) {
                    let what = unknown(name, &known);
                    self.found.push(Mistake::new(Some(key.span()), path, what));
                }
                continue;
            };
            if let Some(json) = self.field(&field, value, &path) {
                fields.insert(field.json_name().to_owned(), json);
            }
        }
        fields
    }

    fn field(&mut self, field: &FieldDescriptor, value: Place<'_, '_>, path: &str) -> Option<Value> {
        if let (true, Kind::Message(entry)) = (field.is_map(), field.kind()) {
            let DeValue::Table(table) = value.get_ref() else {
                return self.wrong(value, path, "must be a table");
            };
            let kind = entry.map_entry_value_field().kind();
            let mut fields = Map::new();
            for (key, value) in table {
                let path = format!("{path}.{}", key.get_ref());
                fields.insert(key.get_ref().to_string(), self.single(&kind, value, &path)?);
            }
            return Some(Value::Object(fields));
        }
        if field.is_list() {
            let DeValue::Array(items) = value.get_ref() else {
                return self.wrong(value, path, "must be a list: [..]");
            };
            let mut list = Vec::new();
            for (index, item) in items.iter().enumerate() {
                list.push(self.single(&field.kind(), item, &format!("{path}[{index}]"))?);
            }
            return Some(Value::Array(list));
        }
        self.single(&field.kind(), value, path)
    }

    fn single(&mut self, kind: &Kind, value: Place<'_, '_>, path: &str) -> Option<Value> {
        let here = value.get_ref();
        match kind {
            Kind::Message(message) => self.part(message, value, path),
            Kind::Enum(members) => self.member(members, value, path),
            Kind::String => match here.as_str() {
                Some(text) => Some(text.into()),
                None => self.wrong(value, path, "must be text: \"..\""),
            },
            Kind::Bool => match here.as_bool() {
                Some(flag) => Some(flag.into()),
                None => self.wrong(value, path, "must be true or false"),
            },
            Kind::Double | Kind::Float if here.is_float() || here.is_integer() => Some(plain(here)),
            Kind::Int32 | Kind::Int64 | Kind::Uint32 | Kind::Uint64 if here.is_integer() => Some(plain(here)),
            Kind::Bytes => self.wrong(value, path, "cannot be declared in a file"),
            _ => self.wrong(value, path, "must be a number"),
        }
    }

    /// A message that has a form of its own in a file, or a table of fields.
    fn part(&mut self, message: &MessageDescriptor, value: Place<'_, '_>, path: &str) -> Option<Value> {
        let here = value.get_ref();
        match (message.full_name(), here) {
            ("google.protobuf.Duration", DeValue::String(text)) => match span(text) {
                Some(span) => Some(span.into()),
                None => self.wrong(value, path, SPAN),
            },
            ("google.protobuf.Duration", _) => self.wrong(value, path, SPAN),
            ("google.protobuf.Timestamp", DeValue::Datetime(time)) => Some(time.to_string().into()),
            ("google.protobuf.Timestamp", _) => self.wrong(
                value,
                path,
                "must be a time such as 2026-11-22T09:00:00Z, without quotes",
            ),
            ("google.protobuf.Struct", DeValue::Table(_)) | ("google.protobuf.Value", _) => Some(plain(here)),
            ("google.protobuf.Struct", DeValue::String(file)) => match document(file) {
                Ok(document) => Some(document),
                Err(what) => self.wrong(value, path, what),
            },
            ("google.protobuf.Struct", _) => {
                self.wrong(value, path, "must be a table, or the name of a file of JSON")
            }
            ("baton.v1.Payload", _) => Some(json!({ "json": plain(here) })),
            (_, DeValue::Table(table)) => Some(Value::Object(self.message(message, table, path))),
            _ => self.wrong(value, path, "must be a table"),
        }
    }

    /// By its short name or its whole one, in any case.
    fn member(&mut self, members: &EnumDescriptor, value: Place<'_, '_>, path: &str) -> Option<Value> {
        let zero = members
            .get_value(0)
            .map(|zero| zero.name().to_owned())
            .unwrap_or_default();
        let prefix = zero.strip_suffix("UNSPECIFIED").unwrap_or_default();
        let names = members.values().filter(|value| value.number() != 0);
        let short = |name: &str| name.strip_prefix(prefix).unwrap_or(name).to_lowercase();
        let known: Vec<(String, String)> = names
            .map(|value| (short(value.name()), value.name().to_owned()))
            .collect();
        let Some(text) = value.get_ref().as_str() else {
            return self.wrong(value, path, "must be text: \"..\"");
        };
        let asked = text.replace('-', "_").to_lowercase();
        let found = known
            .iter()
            .find(|(short, whole)| *short == asked || whole.to_lowercase() == asked);
        match found {
            Some((_, whole)) => Some(whole.as_str().into()),
            None => {
                let shorts: Vec<String> = known.into_iter().map(|(short, _)| short).collect();
                let what = format!("{text:?} {}", unknown(text, &shorts));
                self.wrong(value, path, what)
            }
        }
    }

    fn wrong(&mut self, value: Place<'_, '_>, path: &str, what: impl Into<String>) -> Option<Value> {
        self.found.push(Mistake::new(Some(value.span()), path, what));
        None
    }
}

const SPAN: &str = "must be a time such as \"90s\", \"5m\" or \"1h30m\"";

/// A span as canonical JSON has it.
fn span(text: &str) -> Option<String> {
    let span: SignedDuration = text.parse().ok()?;
    let sign = if span.is_negative() { "-" } else { "" };
    let (seconds, nanos) = (span.as_secs().unsigned_abs(), span.subsec_nanos().unsigned_abs());
    Some(format!("{sign}{seconds}.{nanos:09}s"))
}

/// A file of JSON, such as a schema.
fn document(file: &str) -> Result<Value, String> {
    let text = std::fs::read_to_string(file).map_err(|error| format!("cannot read {file}: {error}"))?;
    let document = serde_json::from_str(&text).map_err(|error| format!("{file} is no JSON: {error}"))?;
    match document {
        Value::Object(_) => Ok(document),
        _ => Err(format!("{file} must hold a JSON object")),
    }
}

/// TOML as JSON. Times become texts.
fn plain(value: &DeValue<'_>) -> Value {
    match value {
        DeValue::String(text) => text.as_ref().into(),
        DeValue::Boolean(flag) => (*flag).into(),
        DeValue::Datetime(time) => time.to_string().into(),
        DeValue::Integer(number) => {
            let whole = i64::from_str_radix(number.as_str(), number.radix());
            whole.map_or_else(|_| number.as_str().into(), Value::from)
        }
        DeValue::Float(number) => {
            let real: Result<f64, _> = number.as_str().parse();
            real.ok().map_or(Value::Null, Value::from)
        }
        DeValue::Array(items) => items.iter().map(|item| plain(item.get_ref())).collect(),
        DeValue::Table(table) => {
            let fields = table.iter();
            let fields = fields.map(|(key, value)| (key.get_ref().to_string(), plain(value.get_ref())));
            Value::Object(fields.collect())
        }
    }
}
