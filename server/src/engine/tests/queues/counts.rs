//! Whatever happens to tasks and queues, what is in use is what is leased, and no claim goes past a limit.

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

use super::*;
use crate::engine::tests::leases::renew;

const QUEUES: [&str; 3] = ["a", "b", "c"];

/// What the test knows of a run of random moves.
struct Moves {
    bench: Bench,
    chance: StdRng,
    tasks: Vec<TaskId>,
    granted: Vec<Done>,
    call: i64,
}

impl Moves {
    fn below(&mut self, most: usize) -> usize {
        self.chance.random_range(0..most.max(1))
    }

    fn queue(&mut self) -> &'static str {
        QUEUES[self.below(QUEUES.len())]
    }

    fn spec(&mut self) -> QueueSpec {
        let label = ["tenant", "group"][self.below(2)].to_owned();
        let keys = (self.below(2) == 0).then(|| KeyLimit {
            label,
            limit: 1 + i32::try_from(self.below(2)).unwrap_or(0),
        });
        QueueSpec {
            concurrency: (self.below(3) > 0).then(|| i32::try_from(self.below(5)).unwrap_or(0)),
            keys,
            ..QueueSpec::default()
        }
    }

    async fn create(&mut self) {
        let mut new = self.bench.new_task("random");
        new.queue = self.queue().to_owned();
        let group = format!("g{}", self.below(2));
        let tenant = format!("t{}", self.below(3));
        let mut labels = BTreeMap::from([("tenant".to_owned(), tenant)]);
        if self.below(3) > 0 {
            labels.insert("group".to_owned(), group);
        }
        new.labels = Arc::new(labels);
        let created = self.bench.create(new).await.expect("created");
        self.tasks.push(created.task.id);
    }

    /// Claims, and looks whether that went past a limit.
    async fn claim(&mut self) {
        let most = 1 + self.below(4);
        let claim = claim_of(&QUEUES, most);
        let granted = self.bench.engine.claim(claim).await.expect("answered");
        for queue in QUEUES {
            let found = self.bench.engine.store().queue("default", queue).await;
            let Some(found) = found.expect("the store reads") else {
                continue;
            };
            let got = granted.iter().any(|done| done.task.queue == queue);
            let limit = found.queue.spec.concurrency.map_or(i64::MAX, i64::from);
            assert!(!got || found.usage.leased <= limit, "{found:?}");
        }
        self.granted.extend(granted);
    }

    async fn hold(&mut self) {
        if self.granted.is_empty() {
            return;
        }
        let which = self.below(self.granted.len());
        self.call += 1;
        let action = match self.below(7) {
            0 | 1 => start(),
            2 => complete(),
            3 => fail(),
            4 => Action::Release,
            5 => renew(),
            _ => Action::Submit {
                output: None,
                receipt: None,
                jitter: 0.0,
            },
        };
        // Many of these are refused, which is as good.
        drop(self.bench.hold(&self.granted[which], self.call, action).await);
    }

    async fn operate(&mut self) {
        if self.tasks.is_empty() {
            return;
        }
        let which = self.below(self.tasks.len());
        let id = self.tasks[which];
        let action = match self.below(6) {
            0 => Action::Pause {
                reason: String::new(),
            },
            1 => Action::Resume,
            2 => cancel(),
            3 => Action::Delete { force: true },
            4 => retry(),
            _ => {
                let tenant = format!("t{}", self.below(3));
                let labels = Arc::new(BTreeMap::from([("tenant".to_owned(), tenant)]));
                Action::Update(Box::new(baton_domain::Edit {
                    labels: Some(labels),
                    ..baton_domain::Edit::default()
                }))
            }
        };
        drop(self.bench.give(id, action).await);
    }

    async fn manage(&mut self) {
        let (name, spec) = (self.queue(), self.spec());
        let action = match self.below(4) {
            0 | 1 => self.bench.new_queue(name, spec),
            2 => {
                let (key_label, key_limit) = match spec.keys {
                    Some(keys) => (keys.label, Some(keys.limit)),
                    None => (String::new(), None),
                };
                QueueAction::Update(Box::new(QueueEdit {
                    concurrency: Some(spec.concurrency),
                    key_label: Some(key_label),
                    key_limit: Some(key_limit),
                    ..QueueEdit::default()
                }))
            }
            _ => QueueAction::Delete,
        };
        drop(self.bench.change_queue(name, action).await);
    }

    /// What is in use is what is leased.
    async fn check(&self) {
        let store = self.bench.engine.store();
        let (queues, keys) = store.all_queues().await.expect("the store reads");
        for StandingQueue { queue, usage } in &queues {
            let label = queue.spec.keys.as_ref().map(|keys| keys.label.as_str());
            let leased = store
                .leased_of(("default", &queue.name), label)
                .await
                .expect("the store reads");
            assert_eq!(usage.leased, leased.len() as i64, "{queue:?}");
            let mut counted: BTreeMap<&str, i64> = BTreeMap::new();
            for key in leased.iter().filter_map(|task| task.key.as_deref()) {
                *counted.entry(key).or_default() += 1;
            }
            let stored = keys.iter().filter(|key| key.queue == queue.id);
            let stored: BTreeMap<&str, i64> = stored.map(|key| (key.key.as_str(), key.leased)).collect();
            assert_eq!(stored, counted, "{queue:?}");
        }
        let ids: Vec<_> = queues.iter().map(|known| known.queue.id).collect();
        assert!(
            keys.iter().all(|key| ids.contains(&key.queue)),
            "no key outlives its queue"
        );
    }
}

async fn run(seed: u64) {
    let mut moves = Moves {
        bench: Bench::new().await,
        chance: StdRng::seed_from_u64(seed),
        tasks: Vec::new(),
        granted: Vec::new(),
        call: 0,
    };
    for step in 0..400 {
        match moves.below(12) {
            0..=2 => moves.create().await,
            3..=5 => moves.claim().await,
            6..=8 => moves.hold().await,
            9 => moves.operate().await,
            10 => moves.manage().await,
            _ => {
                let seconds = moves.below(15) as u64;
                moves.bench.pass(seconds).await;
            }
        }
        if step % 10 == 0 {
            moves.check().await;
        }
        if step == 200 {
            moves.bench = moves.bench.restart().await;
        }
    }
    moves.check().await;
    moves.bench.finish().await;
}

#[tokio::test]
async fn what_is_in_use_is_what_is_leased_whatever_happens() {
    for seed in 0..4 {
        run(seed).await;
    }
}
