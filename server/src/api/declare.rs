//! What a file declares: brings queues, task types and schedules to where the file has them, before anything is served.
//!
//! Declarations are read as the calls that would make the same, so what is wrong with them is the same too. What a file made
//! is known by its creator, the SYSTEM `baton.toml`, whom no caller can be. What callers made, and the file does not name, is
//! left alone. A schedule that the file made and names no more is paused, never deleted: nothing is lost by a line that was
//! deleted by mistake, and nothing ticks that nobody can find.

mod queues;
mod schedules;
mod types;

use baton_domain::{Actor, ActorType};
use baton_proto::v1;
use prost::Message;

use super::convert::Draw;
use super::status::Refusal;
use crate::engine::Engine;

pub use queues::DeclaredQueue;

/// The creator of what a file declares.
const FILE: &str = "baton.toml";

/// What a file declares.
#[derive(Clone, Debug, Default)]
pub struct Declarations {
    /// Queues, each whole.
    pub queues: Vec<DeclaredQueue>,
    /// Types, each whole.
    pub task_types: Vec<v1::TaskType>,
    /// Schedules, each whole.
    pub schedules: Vec<DeclaredSchedule>,
}

/// A schedule of a file.
#[derive(Clone, Debug)]
pub struct DeclaredSchedule {
    /// All of it.
    pub schedule: v1::Schedule,
    /// Whether it is paused, where the file says so. Else whoever paused it has the say.
    pub paused: Option<bool>,
}

/// Brings everything to where the file has it.
///
/// Errors: what the calls would be refused with, the first one.
pub(crate) async fn declare(engine: &Engine, declared: Declarations) -> Result<(), Refusal> {
    let Declarations {
        queues,
        task_types,
        schedules,
    } = declared;
    let mut named = Vec::new();
    for declared in queues {
        named.push(queues::declare(engine, declared).await?);
    }
    queues::tell_of_others(engine, &named).await?;
    let mut known = Vec::new();
    for task_type in task_types {
        known.push((task_type.namespace.clone(), task_type.name.clone()));
        types::declare(engine, task_type).await?;
    }
    types::tell_of_others(engine, &known);
    let mut kept = Vec::new();
    for declared in schedules {
        kept.push(schedules::declare(engine, declared).await?);
    }
    schedules::pause_others(engine, &kept).await
}

fn file() -> Actor {
    Actor {
        kind: ActorType::System,
        id: FILE.to_owned(),
        name: String::new(),
    }
}

/// The same message as the server sees it.
fn as_raw<T: Message, R: Message + Default>(message: &T) -> Result<R, Refusal> {
    R::decode(message.encode_to_vec().as_slice()).map_err(|error| Refusal::bug(&error))
}

fn draw(engine: &Engine) -> Draw<'_> {
    Draw {
        ids: engine.ids(),
        now_micros: engine.clock().now_micros(),
    }
}
