//! From commit to watcher: how long it takes, and whether anything is lost.

use std::cell::Cell;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, ensure};
use baton_client::proto::TaskEvent;
use baton_client::{Client, EventType, NewTask, Watch, WatchItem, WatchOptions};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, timeout};

use crate::bench::{Bench, Measured};
use crate::lanes::clients;
use crate::ledger::Ledger;
use crate::processor::{mebibytes, resident_bytes};
use crate::statistics::Latency;
use crate::suite::server::Server;

/// Tasks that tell their progress in turn.
const TASKS: u32 = 50;
/// Connections of the watchers.
const CONNECTIONS: usize = 8;
/// What a watcher may lag behind at the end before the rest counts as lost.
const PATIENCE: Duration = Duration::from_secs(30);

/// So many watchers at so many events a second.
#[derive(Clone, Copy)]
pub(super) struct Crowd {
    pub(super) watchers: usize,
    pub(super) events_per_second: u32,
}

/// What one watcher saw.
#[derive(Debug, Default)]
struct Seen {
    /// When each event happened, and how long after that it came.
    delays: Vec<(SystemTime, Duration)>,
    /// The first two positions that do not follow upon each other.
    hole: Option<(i64, i64)>,
    last: Option<i64>,
}

/// Measures every row of the group once.
pub(super) async fn round(bench: &mut Bench) -> anyhow::Result<()> {
    if bench.wants(&["watch-100"]) {
        let crowd = Crowd {
            watchers: 100,
            events_per_second: 1_000,
        };
        let stage = Stage::alone(bench, crowd).await?;
        stage.measure(bench, "watch-100").await?;
        stage.close(bench).await?;
    }
    if bench.wants(&["watch-1000", "watch-memory"]) {
        let crowd = Crowd {
            watchers: 1_000,
            events_per_second: 300,
        };
        let stage = Stage::alone(bench, crowd).await?;
        let memory = stage.measure(bench, "watch-1000").await?;
        bench.record("watch-memory", Measured::number(memory))?;
        stage.close(bench).await?;
    }
    Ok(())
}

/// A server that is told of progress, and the connections of those who watch.
pub(super) struct Stage {
    server: Server,
    watching: Vec<Client>,
    tasks: Vec<String>,
    crowd: Crowd,
    counted: Duration,
}

impl Stage {
    async fn alone(bench: &mut Bench, crowd: Crowd) -> anyhow::Result<Self> {
        let server = Server::start(bench).await?;
        let watched = server.process.url().to_owned();
        Stage::open(bench, server, &watched, crowd).await
    }

    /// The watchers are at the server with this URL.
    pub(super) async fn open(
        bench: &Bench,
        server: Server,
        watched: &str,
        crowd: Crowd,
    ) -> anyhow::Result<Self> {
        let mut tasks = Vec::new();
        for n in 0..TASKS {
            let task = server.clients[0]
                .create(NewTask::new("watched").label("n", n.to_string()))
                .await?;
            server.ledger.note(&*server.clients[0].start(&task.id).await?)?;
            tasks.push(task.id.clone());
        }
        Ok(Stage {
            watching: clients(watched, CONNECTIONS, |settings| settings)?,
            server,
            tasks,
            crowd,
            counted: bench.counted(),
        })
    }

    /// Answers how many MiB the server holds for the watchers, after the traffic.
    pub(super) async fn measure(&self, bench: &mut Bench, row: &'static str) -> anyhow::Result<f64> {
        // Memory that a first crowd left behind a second one would use again: the largest difference counts.
        let memory = Cell::new(0.0_f64);
        let figure = async || {
            let (measured, mebibytes) = self.watch().await?;
            memory.set(memory.get().max(mebibytes));
            Ok(measured)
        };
        let pid = self.server.process.pid();
        bench
            .measure(&[row], pid, async || Ok(Vec::new()), figure)
            .await?;
        Ok(memory.get())
    }

    async fn watch(&self) -> anyhow::Result<(Measured, f64)> {
        let pid = self.server.process.pid();
        let before = resident_bytes(pid)?;
        let mut watchers = JoinSet::new();
        for n in 0..self.crowd.watchers {
            let watch = self.watching[n % CONNECTIONS]
                .watch(WatchOptions::tasks())
                .await?;
            watchers.spawn(follow(watch));
        }
        let counted_from = SystemTime::now() + self.counted.mul_f64(0.2);
        let sent = self.publish().await?;
        let mut all = Vec::new();
        let mut open = Vec::new();
        while let Some(seen) = timeout(PATIENCE, watchers.join_next())
            .await
            .context("a watcher waits for events that do not come")?
        {
            let (seen, watch) = seen??;
            all.push(seen);
            open.push(watch);
        }
        let after = resident_bytes(pid)?;
        drop(open);
        let held = mebibytes(after.saturating_sub(before));
        Ok((judge(&all, sent, counted_from)?, held))
    }

    /// Sends progress at a steady rate, whatever the answers take, then a comment as the end. Answers how many events
    /// that were.
    async fn publish(&self) -> anyhow::Result<usize> {
        let client = &self.server.clients[0];
        let mut pace = interval(Duration::from_secs(1) / self.crowd.events_per_second);
        pace.set_missed_tick_behavior(MissedTickBehavior::Burst);
        let events = (self.counted.as_secs_f64() * 1.2 * f64::from(self.crowd.events_per_second)).ceil();
        let mut calls = JoinSet::new();
        let mut sent = 0_usize;
        for n in 0_u32.. {
            if f64::from(n) >= events {
                break;
            }
            pace.tick().await;
            let id = self.tasks[n as usize % self.tasks.len()].clone();
            let (client, ledger) = (client.clone(), Arc::clone(&self.server.ledger));
            calls.spawn(async move { tell_progress(&client, &id, &ledger, n).await });
            sent += 1;
        }
        while let Some(call) = calls.join_next().await {
            call??;
        }
        client.comment(&self.tasks[0], "the end").await?;
        Ok(sent)
    }

    async fn close(self, bench: &mut Bench) -> anyhow::Result<()> {
        let server = self.server.restart(bench).await?;
        let found = server.check(bench).await?;
        bench.record("lost", found)
    }
}

async fn tell_progress(client: &Client, id: &str, ledger: &Ledger, n: u32) -> anyhow::Result<()> {
    let percent = i32::try_from(n % 100)?;
    let told = client
        .progress(id)
        .percent(percent)
        .step(format!("step {n}"))
        .await?;
    ledger.note(&told)
}

/// Reads a watch up to the comment that ends the traffic.
async fn follow(mut watch: Watch) -> anyhow::Result<(Seen, Watch)> {
    let mut seen = Seen::default();
    while let Some(item) = watch.next().await {
        let WatchItem::Event(event) = item? else { continue };
        seen.note(&event)?;
        if event.r#type() == EventType::Comment {
            ensure!(watch.reconnects() == 0, "a watcher lost its stream");
            return Ok((seen, watch));
        }
    }
    anyhow::bail!("a watch ended by itself")
}

impl Seen {
    fn note(&mut self, event: &TaskEvent) -> anyhow::Result<()> {
        let now = SystemTime::now();
        let time = SystemTime::try_from(event.time.context("an event without a time")?)?;
        self.delays
            .push((time, now.duration_since(time).unwrap_or_default()));
        let hole = self.last.filter(|last| event.position != last + 1);
        self.hole = self.hole.or(hole.map(|last| (last, event.position)));
        self.last = Some(event.position);
        Ok(())
    }
}

/// The delays of all watchers together. What one of them did not get makes the figure void.
fn judge(all: &[Seen], sent: usize, counted_from: SystemTime) -> anyhow::Result<Measured> {
    // The comment comes on top.
    let expected = sent + 1;
    let short = all
        .iter()
        .find(|seen| seen.hole.is_some() || seen.delays.len() != expected);
    let broken = short.map(|seen| {
        let (got, hole) = (seen.delays.len(), seen.hole);
        format!("a watcher got {got} of {expected} events; first hole: {hole:?}")
    });
    let delays = all.iter().flat_map(|seen| &seen.delays);
    let counted = delays.filter(|(time, _)| *time >= counted_from);
    let latency = Latency::of(counted.map(|(_, delay)| *delay).collect()).context("no event was counted")?;
    Ok(Measured {
        latency: Some(latency),
        broken,
        note: Some(format!("{expected} events to {} watchers", all.len())),
        ..Measured::number(latency.p99_ms)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::UNIX_EPOCH;

    fn seen(positions: &[i64]) -> Seen {
        let mut seen = Seen::default();
        for position in positions {
            let event = TaskEvent {
                position: *position,
                time: Some(SystemTime::now().into()),
                ..TaskEvent::default()
            };
            seen.note(&event).unwrap();
        }
        seen
    }

    fn judged(all: &[Seen]) -> Option<String> {
        judge(all, 2, UNIX_EPOCH).unwrap().broken
    }

    #[test]
    fn whole_streams_are_no_loss() {
        assert_eq!(judged(&[seen(&[5, 6, 7]), seen(&[5, 6, 7])]), None);
    }

    #[test]
    fn a_hole_a_repeat_and_a_short_stream_are_losses() {
        for bad in [&[5, 6, 8][..], &[5, 6, 6], &[6, 5, 7], &[5, 6]] {
            assert!(judged(&[seen(&[5, 6, 7]), seen(bad)]).is_some(), "{bad:?}");
        }
    }
}
