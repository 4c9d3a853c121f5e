//! Who acts or holds.

use baton_domain::limits::LINE_CHARS;
use baton_domain::{Actor, ActorType};
use baton_proto::raw::v1 as raw;

use crate::api::check;
use crate::api::violations::{Path, Violations};

/// Reads an actor that is given. SYSTEM is refused: nobody but Baton is Baton.
pub(crate) fn read(v: &mut Violations, at: &Path<'_>, actor: raw::Actor) -> Option<Actor> {
    let raw::Actor { r#type, id, name } = actor;
    let kind = check::required_member(v, &at.field("type"), r#type, ActorType::from_number);
    if kind == Some(ActorType::System) {
        v.add(
            &at.field("type"),
            "must not be ACTOR_TYPE_SYSTEM, which is Baton itself",
        );
    }
    let id = check::required_word(v, &at.field("id"), id, LINE_CHARS);
    let name = check::text(v, &at.field("name"), name, LINE_CHARS);
    Some(Actor {
        kind: kind?,
        id: id?,
        name: name?,
    })
}

/// Reads who acts; `absent` acts where nobody is named.
pub(crate) fn read_or(
    v: &mut Violations,
    at: &Path<'_>,
    actor: Option<raw::Actor>,
    absent: impl FnOnce() -> Actor,
) -> Option<Actor> {
    match actor {
        Some(actor) => read(v, at, actor),
        None => Some(absent()),
    }
}

/// Reads an actor that may be absent.
pub(crate) fn read_optional(
    v: &mut Violations,
    at: &Path<'_>,
    actor: Option<raw::Actor>,
) -> Option<Option<Actor>> {
    match actor {
        Some(actor) => read(v, at, actor).map(Some),
        None => Some(None),
    }
}

pub(crate) fn write(actor: &Actor) -> raw::Actor {
    let Actor { kind, id, name } = actor;
    raw::Actor {
        r#type: kind.number(),
        id: id.clone(),
        name: name.clone(),
    }
}
