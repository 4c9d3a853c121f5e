//! One entry of a table: read as a message, judged as the call that would make it.

use std::ops::Range;

use baton_server::api::judge;
use baton_server::api::status::Refusal;
use prost::Message;
use prost_reflect::{DynamicMessage, MessageDescriptor};
use serde_json::{Map, Value};
use toml::de::{DeTable, DeValue};

use super::super::mistakes::Mistake;
use super::super::tree::{self, Place};
use super::{CONTRACT, Kind, value, webhooks};

/// An entry, and what of it could be read.
pub(super) struct Entry<'a, M> {
    pub(super) message: M,
    kind: &'static Kind,
    table: &'a DeTable<'a>,
    place: (Range<usize>, Place<'a, 'a>),
    /// `schedules.nightly`
    path: String,
    /// Where something could not be read: the steps from here.
    unread: Vec<Vec<String>>,
}

/// The entries of a table.
pub(super) fn entries<'a, M: Message + Default>(
    kind: &'static Kind,
    root: &'a DeTable<'_>,
    found: &mut Vec<Mistake>,
) -> Vec<Entry<'a, M>> {
    let Some((at, table)) = tree::entry(root, kind.table) else {
        return Vec::new();
    };
    let DeValue::Table(table) = table.get_ref() else {
        let what = format!("must be tables: [{}.NAME]", kind.table);
        found.push(Mistake::new(Some(at), kind.table, what));
        return Vec::new();
    };
    let mut read = Vec::new();
    for (name, value) in table {
        let path = format!("{}.{}", kind.table, name.get_ref());
        match value.get_ref() {
            DeValue::Table(table) => {
                let entry = Entry {
                    message: (),
                    kind,
                    table,
                    place: (name.span(), value),
                    path,
                    unread: Vec::new(),
                };
                read.extend(entry.read(name.get_ref(), found));
            }
            _ => found.push(Mistake::new(Some(name.span()), path, "must be a table")),
        }
    }
    read
}

impl<'a> Entry<'a, ()> {
    /// Reads and judges it. What could not be read is left out, and hides nothing that is wrong with the rest.
    fn read<M: Message + Default>(mut self, name: &str, found: &mut Vec<Mistake>) -> Option<Entry<'a, M>> {
        let message = CONTRACT.get_message_by_name(self.kind.message)?;
        let before = found.len();
        let mut fields = value::Reader { found: &mut *found }.message(&message, self.table, &self.path);
        let is_webhook = self.kind.message == webhooks::MESSAGE;
        if is_webhook {
            webhooks::read_beside(self.table, &self.path, &mut fields, found);
        }
        let unread = found[before..].iter().filter_map(|mistake| {
            let inner = mistake.path().strip_prefix(&self.path)?;
            Some(tree::steps(inner))
        });
        self.unread = unread.collect();
        fields.insert("name".to_owned(), Value::String(name.to_owned()));
        let request = Map::from_iter([(self.kind.field.to_owned(), Value::Object(fields.clone()))]);
        let input = format!("baton.v1.{}Request", self.kind.call);
        let request = self.message(CONTRACT.get_message_by_name(&input)?, request, found)?;
        if let Some(Err(refusal)) = judge(self.kind.call, &request.encode_to_vec()) {
            self.tell(&refusal, found);
        }
        if is_webhook {
            let start = self.place.0.clone();
            webhooks::check_signed((self.table, start), &self.path, &fields, found);
        }
        let message = self.message(message, fields, found)?;
        let message = message.transcode_to().ok()?;
        let Entry {
            message: (),
            kind,
            table,
            place,
            path,
            unread,
        } = self;
        Some(Entry {
            message,
            kind,
            table,
            place,
            path,
            unread,
        })
    }

    fn message(
        &self,
        message: MessageDescriptor,
        fields: Map<String, Value>,
        found: &mut Vec<Mistake>,
    ) -> Option<DynamicMessage> {
        let read = DynamicMessage::deserialize(message, Value::Object(fields));
        let tell = |error: serde_json::Error| {
            found.push(Mistake::new(
                Some(self.place.0.clone()),
                &self.path,
                error.to_string(),
            ));
        };
        read.map_err(tell).ok()
    }
}

impl<M> Entry<'_, M> {
    /// The flag of that name, where it says so.
    pub(super) fn flag(&self, name: &str) -> Option<bool> {
        let (_, value) = tree::entry(self.table, name)?;
        value.get_ref().as_bool()
    }

    /// Tells what a call would be refused with, at its places in the file.
    pub(super) fn tell(&self, refusal: &Refusal, found: &mut Vec<Mistake>) {
        let mut fields = refusal.violations().peekable();
        if fields.peek().is_none() {
            let at = Some(self.place.0.clone());
            found.push(Mistake::new(at, &self.path, refusal.message()));
        }
        for (field, what) in fields {
            let inner = field.strip_prefix(self.kind.field).unwrap_or(field);
            // An input is JSON, and nothing in the file is called so.
            let inner = inner.replace(".input.json", ".input");
            let steps = tree::steps(&inner);
            let (at, reached) = tree::reach(self.place.clone(), &steps);
            if !self.follows(&steps, reached) {
                found.push(Mistake::new(Some(at), format!("{}{inner}", self.path), what));
            }
        }
    }

    /// Whether what is said of a place may be so only because something could not be read, which is told already: what is
    /// missing may have been meant by what stands beside it, and what is there may lack what stands in it.
    fn follows(&self, steps: &[String], reached: usize) -> bool {
        let is_missing = reached < steps.len() && steps != ["name"];
        self.unread.iter().any(|unread| {
            if is_missing {
                unread.len() == reached + 1 && unread.starts_with(&steps[..reached])
            } else {
                unread.starts_with(steps)
            }
        })
    }
}
