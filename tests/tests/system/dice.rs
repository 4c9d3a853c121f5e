//! A client that does anything: every call of the contract, as the dice fall.

use std::sync::Mutex;
use std::time::Duration;

use baton_client::proto::{AttemptOutcome, DependencyFailureRule, RetryPolicy, WaitTaskRequest};
use baton_client::{Call, Client, Code, Error, NewTask, Priority, Selection, State, value};
use baton_proto::v1::Task;
use baton_tests::harness::{History, Recorded};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use serde_json::json;

use crate::support::{id, person, worker};

/// The ids that all callers of a test throw their dice over.
pub(crate) type Ids = Mutex<Vec<String>>;

/// One client and its dice.
pub(crate) struct Caller<'a> {
    client: &'a Client,
    history: &'a History,
    ids: &'a Ids,
    random: StdRng,
    gone: bool,
}

impl<'a> Caller<'a> {
    pub(crate) fn new(client: &'a Client, history: &'a History, ids: &'a Ids, seed: u64) -> Self {
        Caller {
            client,
            history,
            ids,
            random: StdRng::seed_from_u64(seed),
            gone: false,
        }
    }

    /// Makes a random call; answers whether there still was somebody to answer it.
    pub(crate) async fn call(&mut self) -> bool {
        self.anything().await;
        !self.gone
    }

    async fn send<R: Recorded>(&mut self, call: Call<R>) {
        drop(self.made(call).await);
    }

    /// A call may be refused, in words, or the server may be gone; a fault of the server is a bug.
    async fn made<R: Recorded>(&mut self, call: Call<R>) -> Option<R::Output> {
        match self.history.send(call).await {
            Ok(answer) => Some(answer),
            Err(Error::Refused(refusal)) => {
                assert_ne!(refusal.code, Code::Internal, "{}: {refusal:?}", R::METHOD);
                if refusal.code == Code::Unavailable {
                    self.leave(&format!("{}: {refusal:?}", R::METHOD));
                }
                None
            }
            Err(error) => {
                self.leave(&format!("{}: {error:?}", R::METHOD));
                None
            }
        }
    }

    /// Says why, for tests that hold the server to be there.
    fn leave(&mut self, why: &str) {
        eprintln!("{why}");
        self.gone = true;
    }

    fn one(&mut self) -> String {
        let ids = self.ids.lock().unwrap();
        ids.choose(&mut self.random).cloned().unwrap_or_else(id)
    }

    fn span(&mut self) -> Duration {
        Duration::from_millis(self.random.random_range(0..20_000))
    }

    async fn anything(&mut self) {
        match self.random.random_range(0..100) {
            0..14 => self.create().await,
            14..16 => self.batch().await,
            16..40 => self.begin().await,
            40..58 => self.end().await,
            58..72 => self.steer().await,
            72..82 => self.connect().await,
            82..90 => self.together().await,
            _ => self.look().await,
        }
    }

    fn new_task(&mut self) -> NewTask {
        let mut new = NewTask::new(["mail", "print"][self.random.random_range(0..2)])
            .queue(["a", "b"][self.random.random_range(0..2)])
            .label("n", self.random.random_range(0..3).to_string());
        if self.random.random_bool(0.2) {
            new = new.hold();
        }
        if self.random.random_bool(0.2) {
            new = new.delay(self.span());
        }
        if self.random.random_bool(0.2) {
            new = new.assignee(worker());
        }
        if self.random.random_bool(0.2) {
            new = new.needs_approval().priority(Priority::High);
        }
        if self.random.random_bool(0.4) {
            new = new.retry_policy(RetryPolicy {
                max_attempts: Some(self.random.random_range(1..4)),
                ..RetryPolicy::default()
            });
        }
        if self.random.random_bool(0.4) {
            new = new.input_json(&json!({"dice": self.random.random_range(0..6)}));
        }
        for _ in 0..self.random.random_range(0..3) {
            let rule = [
                DependencyFailureRule::Fail,
                DependencyFailureRule::Cancel,
                DependencyFailureRule::Continue,
            ][self.random.random_range(0..3)];
            new = new.depends_on_with(self.one(), rule);
        }
        if self.random.random_bool(0.2) {
            new = new.parent(self.one());
        }
        new
    }

    async fn create(&mut self) {
        let new = self.new_task().id(id());
        if let Some(task) = self.made(self.client.create(new)).await {
            self.ids.lock().unwrap().push(task.id.clone());
        }
    }

    async fn batch(&mut self) {
        let members = [
            self.new_task().id(id()).reference("one"),
            self.new_task().id(id()).depends_on_sibling("one"),
        ];
        if let Some(tasks) = self.made(self.client.batch_create(members)).await {
            let mut ids = self.ids.lock().unwrap();
            ids.extend(tasks.iter().map(|task| task.id.clone()));
        }
    }

    async fn begin(&mut self) {
        let (id, client, span) = (self.one(), self.client, self.span());
        match self.random.random_range(0..12) {
            0..5 => self.send(client.start(&id)).await,
            5 => self.send(client.assign(&id, worker())).await,
            6 => self.send(client.queue(&id)).await,
            7 => self.send(client.schedule(&id, span)).await,
            8 => self.send(client.progress(&id).percent(50)).await,
            9 => {
                self.send(client.request_input(&id, "?").key(span.as_millis().to_string()))
                    .await
            }
            10 => self.send(client.provide_input(&id, value::json_text("1"))).await,
            _ => self.send(client.snooze(&id, span)).await,
        }
    }

    async fn end(&mut self) {
        let (id, client, span) = (self.one(), self.client, self.span());
        let outcome = [
            AttemptOutcome::Error,
            AttemptOutcome::Timeout,
            AttemptOutcome::Killed,
        ];
        let outcome = outcome[self.random.random_range(0..3)];
        match self.random.random_range(0..12) {
            0..3 => {
                self.send(client.complete(&id).output_json(&json!(span.as_millis())))
                    .await
            }
            3 => self.send(client.complete(&id)).await,
            4 | 5 => self.send(client.fail(&id, "dice").outcome(outcome)).await,
            6 => self.send(client.fail(&id, "dice").retry_after(span)).await,
            7 => self.send(client.fail(&id, "dice").non_retryable()).await,
            8 => self.send(client.submit(&id).output_json(&json!("draft"))).await,
            9 => self.send(client.approve(&id).actor(person())).await,
            10 => self.send(client.request_rework(&id, "more")).await,
            _ => self.send(client.reject(&id).reason("no")).await,
        }
    }

    async fn steer(&mut self) {
        let (id, client, span) = (self.one(), self.client, self.span());
        match self.random.random_range(0..12) {
            0 | 1 => self.send(client.pause(&id)).await,
            2..5 => self.send(client.resume(&id)).await,
            5 => self.send(client.release(&id)).await,
            6 => self.send(client.retry(&id)).await,
            7 => {
                self.send(client.retry(&id).delay(span).input(value::json_text("2")))
                    .await
            }
            8 => self.send(client.cancel(&id).reason("dice")).await,
            9 => self.send(client.discard(&id)).await,
            10 => self.send(client.delete(&id)).await,
            _ => self.send(client.delete(&id).force()).await,
        }
    }

    async fn connect(&mut self) {
        let (id, other, client) = (self.one(), self.one(), self.client);
        let mut edit = Task {
            id: id.clone(),
            queue: "b".to_owned(),
            title: other.clone(),
            ..Task::default()
        };
        edit.labels.insert("n".to_owned(), "1".to_owned());
        match self.random.random_range(0..8) {
            0..2 => self.send(client.add_dependency(&id, &other)).await,
            2 => self.send(client.remove_dependency(&id, &other)).await,
            3 => self.send(client.update(edit, ["labels"])).await,
            4 => self.send(client.update(edit, ["queue"])).await,
            5 => self.send(client.update(edit, ["title", "labels"])).await,
            6 => self.send(client.update(edit, ["input"])).await,
            _ => self.send(client.comment(&id, "hm")).await,
        }
    }

    async fn together(&mut self) {
        let (one, two, client) = (self.one(), self.one(), self.client);
        let ids = Selection::ids([&one, &two]);
        let states = [
            State::Queued,
            State::InProgress,
            State::Completed,
            State::Paused,
            State::Review,
        ];
        let state = states[self.random.random_range(0..states.len())];
        match self.random.random_range(0..6) {
            0 | 1 => self.send(client.bulk_update_state(ids, state)).await,
            2 => self.send(client.bulk_retry(ids)).await,
            3 => self.send(client.bulk_discard(ids)).await,
            4 => {
                let some = Selection::filter("state = PAUSED AND queue = a");
                self.send(client.bulk_update_state(some, State::Queued).max_count(3))
                    .await;
            }
            _ => self.send(client.bulk_cancel(ids)).await,
        }
    }

    async fn look(&mut self) {
        let (id, client, span) = (self.one(), self.client, self.span());
        let wait = WaitTaskRequest {
            id: id.clone(),
            timeout: Some(value::span(Duration::ZERO)),
            ..WaitTaskRequest::default()
        };
        match self.random.random_range(0..8) {
            0 => self.send(client.get(&id)).await,
            1 => {
                self.send(client.list().filter("state = QUEUED").page_size(10))
                    .await
            }
            2 => self.send(client.list_events(&id)).await,
            3 => self.send(client.explain(&id)).await,
            4 => self.send(client.stats()).await,
            5 => self.send(client.call(wait)).await,
            _ => {
                self.send(client.advance_clock(span + Duration::from_millis(1)))
                    .await
            }
        }
    }
}
