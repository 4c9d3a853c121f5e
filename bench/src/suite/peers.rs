//! We and those whom users would pick instead, in turn: each of them runs between two of our own measurements.

use std::time::Duration;

use baton_test_postgres::Installation;
use tokio::process::Command;
use tokio::time::sleep;

use super::workers::{drain, follow_creates, lives};
use crate::bench::{Bench, Frame, Measured};
use crate::peers::{self, Figures, Installed, PEERS, Peer, Rows};
use crate::statistics::Latency;
use crate::suite::server::Server;

/// A queue of its own: what the lives before left behind must not be in the way.
const STARTS: &str = "starts";

/// Installs the peers. Their programs' versions go into the report.
///
/// Errors: the folder cannot be written.
pub(super) async fn set_up(bench: &mut Bench) -> anyhow::Result<Installed> {
    bench.progress.set_message("installing the peers");
    let installed = Installed::set_up(&bench.peers_folder()).await?;
    let postgres = Installation::find().map(|found| found.program("postgres"));
    let programs = ["node", "redis-server"].map(|name| (name, installed.program(name).ok()));
    for (program, path) in programs.into_iter().chain([("postgres", postgres)]) {
        if let Some(path) = path
            && let Ok(said) = Command::new(path).arg("--version").output().await
        {
            let said = String::from_utf8_lossy(&said.stdout);
            // A build's hash and such follow.
            let version: Vec<&str> = said.split_whitespace().take(3).collect();
            bench.versions.push(format!("{program}: {}", version.join(" ")));
        }
    }
    Ok(installed)
}

/// Measures every row of the group once.
pub(super) async fn round(bench: &mut Bench, installed: &Installed) -> anyhow::Result<()> {
    let all: Vec<Rows> = PEERS.iter().map(|peer| wanted(bench, peer)).collect();
    let anywhere = Asked {
        drain: all.iter().any(|rows| rows.drain.is_some()),
        lives: all.iter().any(|rows| rows.lives.is_some()),
        start: all.iter().any(|rows| rows.start.is_some()),
    };
    let mut before = ours(bench, anywhere).await?;
    for (peer, rows) in PEERS.iter().zip(all) {
        if rows.all().is_empty() {
            continue;
        }
        bench.progress.set_message(peer.name);
        let folder = bench.new_file("peer");
        let theirs = peers::run(peer, &phases(&rows), installed, &folder, bench.counted()).await;
        match theirs {
            Ok(theirs) => {
                let after = ours(bench, anywhere).await?;
                report(bench, &rows, [&before, &after], &theirs);
                before = after;
            }
            Err(error) => {
                for row in rows.all() {
                    bench.skip(row, &format!("{error:#}"));
                }
            }
        }
        // It may be large, and its owner somebody else.
        std::fs::remove_dir_all(&folder)?;
    }
    Ok(())
}

/// What is measured of us.
#[derive(Clone, Copy)]
struct Asked {
    drain: bool,
    lives: bool,
    start: bool,
}

/// What was measured of us, and meanwhile.
struct Ours {
    figures: Figures,
    frame: Frame,
}

fn wanted(bench: &Bench, peer: &Peer) -> Rows {
    let Rows {
        drain, lives, start, ..
    } = peer.rows;
    Rows {
        drain: drain.filter(|row| bench.wants(&[row])),
        lives: lives.filter(|row| bench.wants(&[row])),
        start: start.filter(|rows| bench.wants(rows)),
        create: None,
    }
}

fn phases(rows: &Rows) -> Vec<&'static str> {
    let drain = rows.drain.map(|_| "drain");
    let lives = rows.lives.map(|_| "lives");
    let start = rows.start.map(|_| "start");
    [drain, lives, start].into_iter().flatten().collect()
}

async fn ours(bench: &mut Bench, asked: Asked) -> anyhow::Result<Ours> {
    let server = Server::start(bench).await?;
    let counted = bench.counted();
    let (figures, frame) = bench
        .frame(server.process.pid(), measure(&server, asked, counted))
        .await?;
    Ok(Ours { figures, frame })
}

async fn measure(server: &Server, asked: Asked, counted: Duration) -> anyhow::Result<Figures> {
    let mut figures = Figures::default();
    if asked.drain {
        figures.drain = Some(drain(server, counted).await?);
    }
    if asked.lives {
        figures.lives = Some(lives(server, counted).await?);
    }
    if asked.start {
        figures.start = Some(follow_creates(server, STARTS, sleep(counted)).await?);
    }
    Ok(figures)
}

/// Our figure is the mean of before and after, as references are elsewhere.
fn report(bench: &mut Bench, rows: &Rows, [before, after]: [&Ours; 2], theirs: &Figures) {
    let frame = around(before, after);
    let mut add = |row: Option<&'static str>, pick: &dyn Fn(&Figures) -> Option<f64>| {
        let ours = pick(&before.figures).zip(pick(&after.figures));
        if let (Some(row), Some((before, after)), Some(theirs)) = (row, ours, pick(theirs)) {
            let ours = Measured::number(f64::midpoint(before, after));
            bench.add(row, ours, Some(theirs), frame);
        }
    };
    add(rows.drain, &|figures| figures.drain);
    add(rows.lives, &|figures| figures.lives);
    let latency = |pick: fn(Latency) -> f64| move |figures: &Figures| figures.start.map(pick);
    add(rows.start.map(|[p50, _]| p50), &latency(|latency| latency.p50_ms));
    add(rows.start.map(|[_, p99]| p99), &latency(|latency| latency.p99_ms));
}

/// The whole stretch was disturbed if any part of it was.
fn around(before: &Ours, after: &Ours) -> Frame {
    let probes = || [before.frame.0, after.frame.0].into_iter().flatten();
    let least = probes().fold(f64::INFINITY, f64::min);
    let most = probes().fold(0.0, f64::max);
    let others = |ours: &Ours| ours.frame.1.map_or(0.0, |shares| shares.others);
    let worse = if others(before) > others(after) {
        before
    } else {
        after
    };
    ([least, most], worse.frame.1)
}
