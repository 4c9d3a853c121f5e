//! Callers of a server: what each of them does, again and again.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::SystemTime;

use baton_client::proto::{CreateTaskRequest, Task};
use baton_client::{Client, ClientBuilder, NewTask};
use serde_json::json;
use uuid::Uuid;

use crate::ledger::Ledger;
use crate::load::Lane;
use crate::sample;

/// Connections that callers share, each with a client of its own.
pub(crate) const CONNECTIONS: usize = 4;

/// Clients of one server, with default settings but for what `set` says.
///
/// Errors: the address is malformed.
pub(crate) fn clients(
    url: &str,
    connections: usize,
    set: impl Fn(ClientBuilder) -> ClientBuilder,
) -> anyhow::Result<Vec<Client>> {
    let client = |_| Ok(set(Client::builder().endpoint(url)).build()?);
    (0..connections).map(client).collect()
}

/// So many callers, spread over `clients`; the `n`th is made by `lane`.
pub(crate) fn spread<L>(clients: &[Client], callers: usize, lane: impl Fn(Client, u32) -> L) -> Vec<L> {
    let numbers = (0..callers).zip(0_u32..);
    numbers
        .map(|(at, n)| lane(clients[at % clients.len()].clone(), n))
        .collect()
}

/// Which calls carry a `request_id`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RequestIds {
    /// As the Rust client does by itself: all but creates, which have their `task_id`.
    Default,
    Always,
    Never,
}

/// Creates one task at a time.
pub(crate) struct Create {
    client: Client,
    ledger: Arc<Ledger>,
    request_ids: RequestIds,
    next: u32,
}

impl Create {
    pub(crate) fn new(client: Client, n: u32, ledger: Arc<Ledger>, request_ids: RequestIds) -> Self {
        Create {
            client,
            ledger,
            request_ids,
            next: n.wrapping_mul(1_000_003),
        }
    }

    fn new_task(&mut self) -> NewTask {
        self.next = self.next.wrapping_add(1);
        sample::task(self.next)
    }

    async fn create(&mut self) -> anyhow::Result<Task> {
        let mut request = CreateTaskRequest::from(self.new_task());
        if self.request_ids == RequestIds::Always {
            request.request_id = Uuid::now_v7().to_string();
        }
        let created = self.client.create(request).await?.into_inner();
        self.ledger.note(&created)?;
        Ok(created)
    }
}

impl Lane for Create {
    async fn step(&mut self) -> anyhow::Result<u32> {
        self.create().await?;
        Ok(1)
    }
}

/// Lives one task at a time: creates, starts, tells progress, completes. Whether the moves carry a `request_id` is a
/// setting of the client.
pub(crate) struct Live(pub(crate) Create);

impl Lane for Live {
    async fn step(&mut self) -> anyhow::Result<u32> {
        let id = self.0.create().await?.id;
        let Create { client, ledger, .. } = &self.0;
        ledger.note(&*client.start(&id).await?)?;
        let progress = client.progress(&id).percent(50).step("halfway");
        ledger.note(&*progress.await?)?;
        let output = json!({ "sent": true, "to": "somebody@example.com" });
        ledger.note(&*client.complete(&id).output_json(&output).await?)?;
        Ok(1)
    }
}

/// Creates many tasks a call.
pub(crate) struct Batch {
    pub(crate) create: Create,
    pub(crate) size: usize,
    /// When they are due, if not at once.
    pub(crate) schedule_time: Option<SystemTime>,
}

impl Lane for Batch {
    async fn step(&mut self) -> anyhow::Result<u32> {
        let new_task = |_| {
            let task = self.create.new_task();
            match self.schedule_time {
                Some(time) => task.schedule_time(time),
                None => task,
            }
        };
        let tasks: Vec<NewTask> = (0..self.size).map(new_task).collect();
        let created = self.create.client.batch_create(tasks).await?.into_inner();
        for task in &created {
            self.create.ledger.note(task)?;
        }
        Ok(u32::try_from(created.len())?)
    }
}

/// Gets tasks, one at a time, in an order that visits all of them.
pub(crate) struct Get {
    client: Client,
    ids: Arc<Vec<Uuid>>,
    at: usize,
}

impl Get {
    pub(crate) fn new(client: Client, n: u32, ids: Arc<Vec<Uuid>>) -> Self {
        let at = n as usize * 15_485_863;
        Get { client, ids, at }
    }
}

impl Lane for Get {
    async fn step(&mut self) -> anyhow::Result<u32> {
        // A prime far from the size of any page or cache: neighbours in time are no neighbours on disk.
        self.at = (self.at + 7_368_787) % self.ids.len();
        let id = self.ids[self.at].to_string();
        let fetched = self.client.get(id.as_str()).await?;
        anyhow::ensure!(fetched.task.id == id, "another task than asked for");
        Ok(1)
    }
}

/// Lists the first page that matches, one at a time.
pub(crate) struct List {
    pub(crate) client: Client,
    pub(crate) filter: String,
    /// How many tasks the last page held.
    pub(crate) found: Arc<AtomicUsize>,
}

impl Lane for List {
    async fn step(&mut self) -> anyhow::Result<u32> {
        let page = self
            .client
            .list()
            .filter(self.filter.as_str())
            .page_size(50)
            .await?;
        self.found.store(page.tasks.len(), Ordering::Relaxed);
        Ok(1)
    }
}
