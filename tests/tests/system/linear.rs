//! Many callers on one task: an order of their calls explains every answer, also of the calls that nobody heard the end of.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use baton_client::proto::Task;
use baton_client::{Client, Error, NewTask, actor};
use baton_tests::harness::TestServer;
use baton_tests::linear::{Ask, Held, Kind, Model, Operation, Outcome, check};
use futures::future::join_all;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{Rng as _, SeedableRng as _};

use crate::support::id;

const CALLERS: u64 = 8;
const CALLS: usize = 24;
/// Longer than any story.
const LEASE: Duration = Duration::from_secs(600);

/// What a server could have forgotten. The callers leave out of a call what it would not have looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bug {
    NoFence,
    NoRevisionGuard,
}

/// One task, and all that is asked of it.
struct Story {
    id: String,
    queue: String,
    bug: Option<Bug>,
    clock: AtomicU64,
    calls: Mutex<Vec<Operation>>,
    known: Mutex<Known>,
}

/// What the callers told each other.
#[derive(Default)]
struct Known {
    revision: i64,
    etag: Option<String>,
    tokens: Vec<String>,
}

impl Story {
    async fn begin(client: &Client, seed: u64, bug: Option<Bug>) -> (Self, Model) {
        let (id, queue) = (id(), format!("story-{seed}"));
        let new = NewTask::new("story").id(&id).queue(&queue);
        let created = client.create(new).await.unwrap();
        let model = Model {
            state: created.state(),
            revision: created.revision,
            etag: Some(created.etag.clone()),
            held: Held::Free,
            said: Vec::new(),
        };
        let story = Story {
            id,
            queue,
            bug,
            clock: AtomicU64::new(1),
            calls: Mutex::default(),
            known: Mutex::default(),
        };
        (story, model)
    }

    /// One of the callers, to its last call.
    async fn tell(&self, client: &Client, seed: u64) {
        let mut random = StdRng::seed_from_u64(seed);
        for _ in 0..CALLS {
            let ask = self.choose(&mut random);
            let sent = self.clock.fetch_add(1, Ordering::SeqCst);
            let call = self.send(client, &ask);
            let outcome = match random.random_bool(0.05) {
                // Hangs up before, while or after the server acts.
                true => {
                    let patience = Duration::from_micros(random.random_range(0..3_000));
                    let answer = tokio::time::timeout(patience, call).await;
                    answer.unwrap_or(Outcome::Unknown)
                }
                false => call.await,
            };
            self.note(ask, outcome, sent);
        }
    }

    fn choose(&self, random: &mut StdRng) -> Ask {
        let known = self.known.lock().unwrap();
        let kind = match random.random_range(0..100) {
            0..20 => Kind::Get,
            20..30 => Kind::Comment,
            30..55 => Kind::Lease,
            55..67 => Kind::Start,
            67..77 => Kind::Release,
            77..80 => Kind::Complete,
            80..88 => Kind::Pause,
            88..99 => Kind::Resume,
            _ => Kind::Cancel,
        };
        let newest = known.tokens.last();
        let token = match random.random_bool(0.7) {
            true => newest.cloned(),
            false => known.tokens.choose(random).cloned(),
        };
        let is_the_holders = kind.is_the_holders();
        // Nobody has held it yet.
        let kind = if is_the_holders && token.is_none() {
            Kind::Lease
        } else {
            kind
        };
        let is_guarded = !matches!(kind, Kind::Get | Kind::Comment | Kind::Lease);
        Ask {
            kind,
            etag: known
                .etag
                .clone()
                .filter(|_| is_guarded && random.random_bool(0.3)),
            token: token.filter(|_| is_the_holders),
        }
    }

    async fn send(&self, client: &Client, ask: &Ask) -> Outcome {
        let etag = match self.bug {
            Some(Bug::NoRevisionGuard) => String::new(),
            _ => ask.etag.clone().unwrap_or_default(),
        };
        let token = match self.bug {
            Some(Bug::NoFence) => self.known.lock().unwrap().tokens.last().cloned(),
            _ => ask.token.clone(),
        };
        let (id, token) = (self.id.as_str(), token.unwrap_or_default());
        match ask.kind {
            Kind::Get => of(client.get(id).await.map(|got| got.task)),
            Kind::Comment => of(client
                .comment(id, "again")
                .await
                .map(|said| said.into_inner().task)),
            Kind::Lease => self.lease(client).await,
            Kind::Start => of(task(client.start(id).etag(etag).lease_token(token).await)),
            Kind::Release => of(task(client.release(id).etag(etag).lease_token(token).await)),
            Kind::Complete => of(task(client.complete(id).etag(etag).lease_token(token).await)),
            Kind::Pause => of(task(client.pause(id).etag(etag).await)),
            Kind::Resume => of(task(client.resume(id).etag(etag).await)),
            Kind::Cancel => of(task(client.cancel(id).etag(etag).await)),
        }
    }

    async fn lease(&self, client: &Client) -> Outcome {
        let call = client.lease_tasks().worker(actor::service("teller")).any_type();
        let call = call.queues([&self.queue]).max_tasks(1).lease_duration(LEASE);
        match call.wait_timeout(Duration::ZERO).await {
            Err(error) => failed(&error),
            Ok(mut answer) => match answer.leased_tasks.pop() {
                None => Outcome::Nothing,
                Some(leased) => match of(Ok(leased.task.unwrap())) {
                    Outcome::Done {
                        state,
                        revision,
                        etag,
                        ..
                    } => Outcome::Done {
                        state,
                        revision,
                        etag,
                        token: Some(leased.lease_token),
                    },
                    other => other,
                },
            },
        }
    }

    fn note(&self, ask: Ask, outcome: Outcome, sent: u64) {
        let answered = match outcome {
            Outcome::Unknown => u64::MAX,
            _ => self.clock.fetch_add(1, Ordering::SeqCst),
        };
        if let Outcome::Done {
            revision,
            etag,
            token,
            ..
        } = &outcome
        {
            let mut known = self.known.lock().unwrap();
            if *revision > known.revision {
                known.revision = *revision;
                known.etag = Some(etag.clone());
            }
            known.tokens.extend(token.clone());
        }
        let call = Operation {
            ask,
            outcome,
            sent,
            answered,
        };
        self.calls.lock().unwrap().push(call);
    }
}

fn task(answer: Result<baton_client::Reply<Task>, Error>) -> Result<Task, Error> {
    answer.map(baton_client::Reply::into_inner)
}

fn of(answer: Result<Task, Error>) -> Outcome {
    match answer {
        Ok(task) => Outcome::Done {
            state: task.state(),
            revision: task.revision,
            etag: task.etag,
            token: None,
        },
        Err(error) => failed(&error),
    }
}

fn failed(error: &Error) -> Outcome {
    let reason = error.reason().map(|reason| reason.as_str().to_owned());
    reason.map_or(Outcome::Unknown, Outcome::Refused)
}

/// Tells one story to all of these servers at once, and looks for the order of its calls.
async fn judged(servers: &[TestServer], seed: u64, bug: Option<Bug>) -> Result<(), String> {
    let (story, model) = Story::begin(servers[0].client(), seed, bug).await;
    let callers = (0..CALLERS).map(|n| {
        let at = usize::try_from(n).unwrap() % servers.len();
        story.tell(servers[at].client(), seed * 100 + n)
    });
    join_all(callers).await;
    check(&model, &story.calls.into_inner().unwrap())
}

/// As [`judged`], of many stories, none of which may be told wrongly.
pub(crate) async fn all_have_an_order(servers: &[TestServer], stories: u64) {
    // These calls are judged here.
    servers[0].history().others_act_too();
    for seed in 0..stories {
        println!("SEED={seed}");
        if let Err(finding) = judged(servers, seed, None).await {
            panic!("seed {seed}: {finding}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_of_the_calls_explains_every_answer() {
    let server = [TestServer::start().await];
    all_have_an_order(&server, 20).await;
    let [server] = server;
    server.finish().await;
}

/// A server that does not look at etags, or at tokens, is found out.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_guard_that_is_missing_is_found() {
    const STORIES: u64 = 50;
    let server = [TestServer::start().await];
    server[0].history().others_act_too();
    for bug in [Bug::NoFence, Bug::NoRevisionGuard] {
        let mut found = 0;
        for seed in 0..STORIES {
            let seed = seed + if bug == Bug::NoFence { 1_000 } else { 2_000 };
            found = u64::from(judged(&server, seed, Some(bug)).await.is_err());
            if found > 0 {
                break;
            }
        }
        assert_eq!(found, 1, "{bug:?} in {STORIES} stories");
    }
    let [server] = server;
    server.finish().await;
}
