//! What a file declares: brings queues, task types, schedules and webhooks to where the file has them, before anything is served.
//!
//! Declarations are read as the calls that would make the same, so what is wrong with them is the same too. What a file made
//! is known by its creator, the SYSTEM `baton.toml`, whom no caller can be. What callers made, and the file does not name, is
//! left alone. A schedule or a webhook that the file made and names no more is paused, never deleted: nothing is lost by a
//! line that was deleted by mistake, and nothing ticks or is sent that nobody can find.

mod agree;
mod queues;
mod schedules;
mod types;
mod webhooks;

use baton_domain::{Actor, ActorType};
use baton_proto::v1;
use prost::Message;

use super::convert::Draw;
use super::status::Refusal;
use crate::config::WebhookRules;
use crate::engine::Engine;

pub use agree::DeclaredTypes;
pub use queues::DeclaredQueue;
pub use webhooks::{DeclaredWebhook, judge_webhook};

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
    /// Webhooks, each whole.
    pub webhooks: Vec<DeclaredWebhook>,
}

/// A schedule of a file.
#[derive(Clone, Debug)]
pub struct DeclaredSchedule {
    /// All of it.
    pub schedule: v1::Schedule,
    /// Whether it is paused, where the file says so. Else whoever paused it has the say.
    pub paused: Option<bool>,
}

/// Why what a file declares was not brought about.
#[derive(Debug)]
pub(crate) struct NotDeclared {
    /// As the file has it: `schedules.nightly`; empty where it is not for one of them.
    pub(crate) entry: String,
    pub(crate) refusal: Refusal,
}

impl From<Refusal> for NotDeclared {
    fn from(refusal: Refusal) -> Self {
        let entry = String::new();
        NotDeclared { entry, refusal }
    }
}

/// Says which entry was refused.
fn at(table: &str, name: &str) -> impl FnOnce(Refusal) -> NotDeclared + use<> {
    let entry = format!("{table}.{name}");
    |refusal| NotDeclared { entry, refusal }
}

/// Brings everything to where the file has it.
///
/// Errors: what the calls would be refused with, the first one.
pub(crate) async fn declare(
    engine: &Engine,
    rules: WebhookRules,
    declared: Declarations,
) -> Result<(), NotDeclared> {
    let Declarations {
        queues,
        task_types,
        schedules,
        webhooks,
    } = declared;
    let mut named = Vec::new();
    for declared in queues {
        let at = at("queues", &declared.queue.name);
        named.push(queues::declare(engine, declared).await.map_err(at)?);
    }
    queues::tell_of_others(engine, &named).await?;
    let mut known = Vec::new();
    for task_type in task_types {
        known.push((task_type.namespace.clone(), task_type.name.clone()));
        let at = at("types", &task_type.name);
        types::declare(engine, task_type).await.map_err(at)?;
    }
    types::tell_of_others(engine, &known);
    let mut kept = Vec::new();
    for declared in schedules {
        let at = at("schedules", &declared.schedule.name);
        kept.push(schedules::declare(engine, declared).await.map_err(at)?);
    }
    schedules::pause_others(engine, &kept).await?;
    let mut kept = Vec::new();
    for declared in webhooks {
        let at = at("webhooks", &declared.webhook.name);
        let done = match judge_webhook(rules, &declared.webhook) {
            Ok(()) => webhooks::declare(engine, declared).await,
            Err(refusal) => Err(refusal),
        };
        kept.push(done.map_err(at)?);
    }
    Ok(webhooks::pause_others(engine, &kept).await?)
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
