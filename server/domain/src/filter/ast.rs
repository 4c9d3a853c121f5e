//! What the parser saw, before fields and values have types.

use super::Op;

pub(super) enum Node {
    And(Vec<Node>),
    Or(Vec<Node>),
    Not(Box<Node>),
    Restriction(Restriction),
}

/// `path comparator argument`.
pub(super) struct Restriction {
    /// At least one word; the first is not quoted.
    pub(super) path: Vec<Word>,
    pub(super) comparator: Comparator,
    pub(super) comparator_position: usize,
    pub(super) argument: Word,
}

#[derive(Clone, Copy)]
pub(super) enum Comparator {
    Compare(Op),
    /// `:`
    Has,
}

/// A name or value, unescaped. An unquoted `*` can only be an argument.
pub(super) struct Word {
    pub(super) text: String,
    pub(super) quoted: bool,
    pub(super) position: usize,
}

impl Word {
    /// Tells whether this is the `*` of `field:*`; a quoted one is a plain string.
    pub(super) fn is_star(&self) -> bool {
        !self.quoted && self.text == "*"
    }
}
