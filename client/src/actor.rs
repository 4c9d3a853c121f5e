//! Short ways to say who acts.

use baton_proto::v1::{Actor, ActorType};

/// A person, for example by login.
pub fn human(id: impl Into<String>) -> Actor {
    actor(ActorType::Human, id)
}

/// An AI agent.
pub fn agent(id: impl Into<String>) -> Actor {
    actor(ActorType::Agent, id)
}

/// Another program.
pub fn service(id: impl Into<String>) -> Actor {
    actor(ActorType::Service, id)
}

fn actor(kind: ActorType, id: impl Into<String>) -> Actor {
    Actor {
        r#type: kind.into(),
        id: id.into(),
        name: String::new(),
    }
}
