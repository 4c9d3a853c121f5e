//! An event as readers share it.

use std::ops::Deref;
use std::sync::{Arc, OnceLock};

use baton_domain::Event;
use bytes::Bytes;

/// An event of the log, with room for the message that tells of it: a thousand watches tell of it with the same bytes.
#[derive(Debug)]
pub struct Logged {
    event: Arc<Event>,
    message: OnceLock<Bytes>,
}

impl Logged {
    /// An event that nobody has told of.
    #[must_use]
    pub const fn new(event: Arc<Event>) -> Self {
        Self {
            event,
            message: OnceLock::new(),
        }
    }

    /// The message, which the first to ask writes. All must write the same.
    pub fn message(&self, write: impl FnOnce(&Event) -> Bytes) -> Bytes {
        self.message.get_or_init(|| write(&self.event)).clone()
    }
}

impl Deref for Logged {
    type Target = Event;

    fn deref(&self) -> &Event {
        &self.event
    }
}
