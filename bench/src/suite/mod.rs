//! All measurements, round by round: what drifts on this machine drifts for all rows alike.

mod footprint;
mod growth;
mod peers;
mod postgres;
mod reads;
mod server;
mod watches;
mod workers;
mod writes;

use crate::bench::Bench;
use crate::catalogue::ROWS;
use crate::peers::is_reference_of;
use crate::row::{Group, Row};

/// Measures all that the options want.
///
/// Errors: a program does not start, a call fails that must not.
pub(crate) async fn run(bench: &mut Bench) -> anyhow::Result<()> {
    let rounds = bench.options.rounds;
    let needs = |row: &Row| is_reference_of(row) && bench.options.wants(row);
    let installed = match ROWS.iter().any(needs) {
        true => Some(peers::set_up(bench).await?),
        false => None,
    };
    for round in 1..=rounds {
        bench.progress.set_prefix(format!("round {round} of {rounds}"));
        if wanted(bench, Group::Writes) {
            writes::round(bench).await?;
        }
        if wanted(bench, Group::Watches) {
            watches::round(bench).await?;
        }
        if wanted(bench, Group::Workers) {
            workers::round(bench).await?;
        }
        if let Some(installed) = installed.as_ref().filter(|_| wanted(bench, Group::Peers)) {
            peers::round(bench, installed).await?;
        }
        if wanted(bench, Group::Postgres) {
            postgres::round(bench, installed.as_ref()).await?;
        }
        if wanted(bench, Group::Footprint) {
            footprint::round(bench).await?;
        }
    }
    if wanted(bench, Group::Reads) {
        let mut stage = reads::open(bench).await?;
        for round in 1..=rounds {
            bench.progress.set_prefix(format!("round {round} of {rounds}"));
            stage = stage.round(bench).await?;
        }
        stage.close(bench).await?;
    }
    if wanted(bench, Group::Growth) {
        growth::sqlite(bench).await?;
    }
    if wanted(bench, Group::GrowthPostgres) {
        growth::postgres(bench).await?;
    }
    bench.progress.finish_and_clear();
    Ok(())
}

fn wanted(bench: &Bench, group: Group) -> bool {
    ROWS.iter()
        .any(|row| row.group == group && bench.options.wants(row))
}
