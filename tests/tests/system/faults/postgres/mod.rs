//! Faults of PostgreSQL, and of the way to it.

mod cluster;
mod commits;
mod standing;
mod ways;

use std::net::SocketAddr;
use std::sync::Arc;

use baton_tests::harness::{History, Process, Proxy, TestDatabase};

use crate::support::{LOOK, moment};

/// The database by a way that can break.
struct Way {
    proxy: Proxy,
    url: String,
}

impl Way {
    async fn to(database: &TestDatabase, mark: &'static str) -> Self {
        assert_eq!(
            database.kind(),
            "postgres",
            "run it by `cargo xtask test --only postgres`"
        );
        let url = database.url();
        let (scheme, rest) = url.split_once("://").unwrap();
        let (user, rest) = rest.split_once('@').unwrap();
        let (server, name) = rest.split_once('/').unwrap();
        let server: SocketAddr = server.parse().expect("the cluster is named by its address");
        let proxy = Proxy::to(server, mark).await;
        let url = format!("{scheme}://{user}@{}/{name}", proxy.address());
        Way { proxy, url }
    }

    /// A server that reaches its database by this way alone.
    fn serve(&self, database: &TestDatabase, history: &Arc<History>) -> Process {
        let process = Process::start_at(database, &self.url, |_| {}).unwrap();
        process.with_history(history)
    }
}

/// INV-41: waits until no session of Baton is within a transaction that does nothing; one that is left there stays there.
pub(super) async fn assert_nothing_is_open(database: &TestDatabase) {
    let open = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
         AND application_name = 'baton' AND state LIKE 'idle in transaction%' \
         AND clock_timestamp() - state_change > interval '500 ms'";
    let mut shell = database.shell().await;
    for _ in 0..50 {
        assert_eq!(
            shell.number(open).await,
            0,
            "a session is left within a transaction"
        );
        moment(LOOK).await;
    }
    shell.close().await;
}
