//! Inputs, outputs and answers: opaque bytes with a kind, kept as they came.

use bytes::Bytes;

use crate::names::named_enum;

named_enum! {
    /// How the bytes of a payload are to be read; the numbers are those of the oneof `Payload.kind`.
    PayloadKind {
        /// An encoded `google.protobuf.Value`.
        Json = 1, "JSON";
        /// JSON as text, kept to the letter.
        JsonText = 2, "JSON_TEXT";
        /// Bytes of any kind.
        Data = 3, "DATA";
        /// Where the content is; Baton never fetches it.
        Uri = 4, "URI";
    }
}

named_enum! {
    /// What a payload is to its task.
    PayloadRole {
        /// What the task works on.
        Input = 1, "INPUT";
        /// What it made.
        Output = 2, "OUTPUT";
        /// Where the work can be taken up again.
        Checkpoint = 3, "CHECKPOINT";
        /// The answer to an input request.
        Answer = 4, "ANSWER";
    }
}

/// A payload of a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payload {
    /// How to read `body`.
    pub kind: PayloadKind,
    /// As the sender named it; may be empty.
    pub media_type: String,
    /// 1 for the first of its role, one more with each replacement; 0 until a task holds it.
    pub version: i32,
    /// Bytes of the encoded `Payload` message.
    pub size: i64,
    /// Over `body`.
    pub sha256: [u8; 32],
    /// `None` where only the reference is known: in an event read back from the log.
    pub body: Option<Bytes>,
}

impl Payload {
    /// The same payload as the successor of that `version`; 0 for the first of its role.
    #[must_use]
    pub fn after(mut self, version: i32) -> Self {
        self.version = version + 1;
        self
    }

    /// The same payload without its bytes, as an event in the log knows it.
    #[must_use]
    pub fn reference(&self) -> Self {
        Self {
            body: None,
            ..self.clone()
        }
    }
}
