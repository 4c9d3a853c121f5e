//! Processes that end where they stand while they deliver.

use std::sync::Arc;
use std::time::Duration;

use baton_client::NewWebhook;
use baton_tests::harness::{History, Process, TestDatabase};
use rand::{Rng, SeedableRng, rngs::StdRng};

use super::{Hook, many, sequences, told, url};

/// Everything is told at least once, and of each task nothing before what came before it: a process that begins again repeats
/// from where it was noted to be, and leaves nothing out.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kills_while_events_are_delivered_lose_none_and_keep_their_order() {
    const KILLS: usize = 6;
    const TASKS: usize = 100;
    let database = TestDatabase::new();
    let history = Arc::new(History::default());
    history.others_act_too();
    let hook = Hook::start().await;
    let mut random = StdRng::seed_from_u64(14);
    let start = || {
        let allow = ["--webhook-allow-private-networks", "--webhook-allow-http"];
        let process = Process::start(&database, |command| {
            command.args(allow);
        });
        process.unwrap().with_history(&history)
    };
    for kill in 0..KILLS {
        let process = start();
        let client = process.client();
        if kill == 0 {
            client
                .create_webhook(NewWebhook::new("all", url(&hook, "/")))
                .await
                .unwrap();
        }
        many(&client, TASKS).await;
        let moment = Duration::from_micros(random.random_range(500..150_000));
        tokio::task::spawn_blocking(move || {
            // The one place where time itself is the test: the moment of the crash is random.
            std::thread::park_timeout(moment);
            process.kill();
        })
        .await
        .unwrap();
    }
    let process = start();
    told(&process.client(), "all").await;
    let sequences = sequences(&hook.sent());
    assert_eq!(sequences.len(), KILLS * TASKS, "every task is told of");
    for (task, told) in &sequences {
        let mut known = 0;
        for sequence in told {
            assert!(*sequence <= known + 1, "{task}: {told:?}");
            known = known.max(*sequence);
        }
        assert_eq!(known, 2, "{task}: {told:?}");
    }
    process.finish().await;
}
