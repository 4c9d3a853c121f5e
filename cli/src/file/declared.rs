//! The tables that declare things: each entry is a message of the contract, under its name, with the contract's own fields.
//!
//! So whatever the contract says of a field holds here: the file is turned into the request that would make the same thing,
//! and judged by the code that judges the request. Only how values are written is TOML's: spans as `5m`, enums by their short
//! names, an input as a table, a schema as a table or the name of a file.

mod entry;
mod given;
mod value;
mod webhooks;

use std::sync::LazyLock;

use baton_client::proto::{Queue, Schedule, TaskType, Webhook};
use baton_server::api::{Declarations, DeclaredQueue, DeclaredSchedule, DeclaredTypes, DeclaredWebhook};
use prost_reflect::DescriptorPool;
use toml::de::DeTable;

use super::mistakes::Mistake;
use entry::{Entry, entries};

static CONTRACT: LazyLock<DescriptorPool> = LazyLock::new(|| {
    DescriptorPool::decode(baton_proto::DESCRIPTOR_SET).expect("the contract describes itself")
});

/// A table of declarations.
struct Kind {
    table: &'static str,
    /// The message of an entry.
    message: &'static str,
    /// The call that makes one, and its field that holds it.
    call: &'static str,
    field: &'static str,
}

const QUEUES: Kind = Kind {
    table: "queues",
    message: "baton.v1.Queue",
    call: "CreateQueue",
    field: "queue",
};
const TYPES: Kind = Kind {
    table: "types",
    message: "baton.v1.TaskType",
    call: "RegisterTaskType",
    field: "task_type",
};
const SCHEDULES: Kind = Kind {
    table: "schedules",
    message: "baton.v1.Schedule",
    call: "CreateSchedule",
    field: "schedule",
};

const WEBHOOKS: Kind = Kind {
    table: "webhooks",
    message: webhooks::MESSAGE,
    call: "CreateWebhook",
    field: "webhook",
};

/// The names of the tables.
pub(super) const TABLES: [&str; 4] = [QUEUES.table, TYPES.table, SCHEDULES.table, WEBHOOKS.table];

/// Reads all declarations; what is wrong is added to `found`, and then what is answered is not whole.
pub(super) fn read(root: &DeTable<'_>, found: &mut Vec<Mistake>) -> Declarations {
    let queues = entries::<Queue>(&QUEUES, root, found);
    let types = entries::<TaskType>(&TYPES, root, found);
    let schedules = entries::<Schedule>(&SCHEDULES, root, found);
    let webhooks = entries::<Webhook>(&WEBHOOKS, root, found);
    let known = DeclaredTypes::read(types.iter().map(|entry| &entry.message));
    for entry in &schedules {
        if let Err(refusal) = known.judge(&entry.message) {
            entry.tell(&refusal, found);
        }
    }
    let queue = |entry: Entry<'_, Queue>| DeclaredQueue {
        paused: entry.flag("paused"),
        queue: entry.message,
    };
    let schedule = |entry: Entry<'_, Schedule>| DeclaredSchedule {
        paused: entry.flag("paused"),
        schedule: entry.message,
    };
    let webhook = |entry: Entry<'_, Webhook>| DeclaredWebhook {
        paused: entry.flag("paused"),
        webhook: entry.message,
    };
    Declarations {
        queues: queues.into_iter().map(queue).collect(),
        task_types: types.into_iter().map(|entry| entry.message).collect(),
        schedules: schedules.into_iter().map(schedule).collect(),
        webhooks: webhooks.into_iter().map(webhook).collect(),
    }
}
