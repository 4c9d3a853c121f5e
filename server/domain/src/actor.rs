//! Who acts.

use crate::names::named_enum;

named_enum! {
    /// What kind of party acts.
    ActorType {
        /// A person.
        Human = 1, "HUMAN";
        /// An AI agent.
        Agent = 2, "AGENT";
        /// A program.
        Service = 3, "SERVICE";
        /// Baton itself; refused from clients.
        System = 4, "SYSTEM";
    }
}

/// Who acts, or who holds a task.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Actor {
    /// What kind of party.
    pub kind: ActorType,
    /// Stable id within its kind.
    pub id: String,
    /// For people to read; may be empty.
    pub name: String,
}

impl Actor {
    /// Baton itself: timers and follow-ups.
    #[must_use]
    pub fn system() -> Self {
        Self {
            kind: ActorType::System,
            id: "baton".to_owned(),
            name: String::new(),
        }
    }

    /// Whoever calls without saying who it is.
    #[must_use]
    pub fn anonymous() -> Self {
        Self {
            kind: ActorType::Service,
            id: "anonymous".to_owned(),
            name: String::new(),
        }
    }

    /// Whether both are the same party; the name does not count.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        self.kind == other.kind && self.id == other.id
    }
}
