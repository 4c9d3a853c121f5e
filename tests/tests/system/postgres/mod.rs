//! Many servers on one database: what PostgreSQL alone can do.

mod frozen;
mod poolers;
mod replicas;
mod upgrade;

use std::sync::Arc;

use baton_client::{Error, NewTask};
use baton_proto::v1::Task;
use baton_tests::harness::{History, Process, TestDatabase};

use crate::support::{LOOK, id, moment};

/// Processes of one database and one record.
fn processes(count: usize) -> (TestDatabase, Arc<History>, Vec<Process>) {
    let database = TestDatabase::new();
    assert_eq!(
        database.kind(),
        "postgres",
        "run it by `cargo xtask test --only postgres`"
    );
    let history = Arc::new(History::default());
    let start = |_| {
        let process = Process::start(&database, |_| {}).unwrap();
        process.with_history(&history)
    };
    let processes = (0..count).map(start).collect();
    (database, history, processes)
}

/// Creates a task, again and again until the server does it.
async fn created_in_the_end(process: &Process) -> Task {
    let client = process.client();
    let id = id();
    loop {
        let call = client.create(NewTask::new("test").id(&id));
        match process.history().send(call).await {
            Ok(created) => return created.into_inner(),
            Err(Error::Refused(refusal)) => {
                assert_eq!(refusal.code, baton_client::Code::Unavailable, "{refusal:?}");
                moment(refusal.retry_after.unwrap_or(LOOK)).await;
            }
            Err(other) => panic!("{other:?}"),
        }
    }
}
