//! Workers, and what they hold.

use baton_client::proto::{Worker, WorkerLease};

use super::detail::{Sheet, actor};
use super::table::{self, drawn};
use super::text::{age, clean, short, time};

/// Characters of a list of names in a table.
const NAMES: usize = 60;

pub(super) fn table(workers: &[Worker]) -> String {
    let mut table = table::table(&["ID", "QUEUES", "TYPES", "LEASES", "DRAINING", "LAST SEEN"]);
    for worker in workers {
        table.add_row(vec![
            clean(&worker.id),
            short(&worker.queues.join(" "), NAMES),
            short(&types(worker), NAMES),
            worker.lease_count.to_string(),
            draining(worker).to_owned(),
            age(worker.last_seen_time),
        ]);
    }
    drawn(table)
}

pub(super) fn sheet(worker: &Worker) -> String {
    let mut sheet = Sheet::default();
    sheet.put("id", clean(&worker.id));
    sheet.put("actor", actor(worker.actor.as_ref()));
    sheet.put("namespace", clean(&worker.namespace));
    sheet.put("queues", clean(&worker.queues.join(" ")));
    sheet.put("types", clean(&types(worker)));
    sheet.put("draining", draining(worker));
    sheet.put("first seen", time(worker.first_seen_time));
    sheet.put("last seen", time(worker.last_seen_time));
    sheet.put("leases", worker.lease_count.to_string());
    for lease in &worker.leases {
        sheet.put("lease", held(lease));
    }
    sheet.text()
}

fn held(lease: &WorkerLease) -> String {
    format!(
        "{} until {} (fence {})",
        clean(&lease.task_id),
        time(lease.lease_expire_time),
        lease.fence
    )
}

/// A task without a type has one too: the empty one.
fn types(worker: &Worker) -> String {
    if worker.any_type {
        return "any".to_owned();
    }
    let names = worker.types.iter().map(|name| match name.as_str() {
        "" => "\"\"",
        name => name,
    });
    names.collect::<Vec<_>>().join(" ")
}

fn draining(worker: &Worker) -> &'static str {
    if worker.draining { "yes" } else { "no" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_shows_what_it_takes_and_what_it_holds() {
        let worker = Worker {
            id: "reports-1".to_owned(),
            queues: vec!["default".to_owned(), "slow".to_owned()],
            types: vec!["report".to_owned(), String::new()],
            draining: true,
            lease_count: 1,
            leases: vec![WorkerLease {
                task_id: "019a".to_owned(),
                fence: 3,
                lease_expire_time: Some(prost_types::Timestamp {
                    seconds: 1_795_338_000,
                    nanos: 0,
                }),
            }],
            ..Worker::default()
        };
        let rows = table(std::slice::from_ref(&worker));
        assert!(rows.contains("default slow  report \"\"  1       yes"), "{rows}");
        let text = sheet(&worker);
        assert!(
            text.contains("lease            019a until 2026-11-22T09:00:00Z (fence 3)"),
            "{text}"
        );
        let any = Worker {
            any_type: true,
            ..Worker::default()
        };
        assert!(sheet(&any).contains("types            any"));
    }
}
