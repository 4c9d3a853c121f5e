//! The worker runtime of the client crate, against a server over a socket.

mod ends;
mod loads;
mod stops;

use std::sync::Arc;

use baton_client::{Client, Ended, Error, Worker, WorkerBuilder, actor};
use baton_tests::harness::TestServer;
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// A worker that runs until it is told to stop. Dropped, it is gone without a word.
pub(crate) struct Running {
    stop: CancellationToken,
    ended: JoinHandle<Result<Ended, Error>>,
}

impl Running {
    pub(crate) fn start(worker: WorkerBuilder) -> Self {
        let stop = CancellationToken::new();
        let ended = tokio::spawn(worker.run_until(stop.clone().cancelled_owned()));
        Running { stop, ended }
    }

    pub(crate) fn tell_to_stop(&self) {
        self.stop.cancel();
    }

    pub(crate) async fn ended(mut self) -> Result<Ended, Error> {
        (&mut self.ended).await.unwrap()
    }

    pub(crate) async fn stop(self) {
        self.tell_to_stop();
        assert_eq!(self.ended().await.unwrap(), Ended::Stopped);
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.ended.abort();
    }
}

/// A server with a worker beside it: not every event has a recorded call.
pub(crate) async fn server() -> TestServer {
    let server = TestServer::start().await;
    server.history().others_act_too();
    server
}

/// A worker as programs set one up: its client repeats what failed on its way.
pub(crate) fn worker(server: &TestServer, id: &str) -> WorkerBuilder {
    let client = Client::builder()
        .endpoint(format!("http://{}", server.address()))
        .build()
        .unwrap();
    Worker::builder(client).actor(actor::service(id))
}

/// What a handler tells a test, in order.
pub(crate) struct Told<T>(mpsc::UnboundedReceiver<T>);

pub(crate) fn channel<T>() -> (mpsc::UnboundedSender<T>, Told<T>) {
    let (sender, receiver) = mpsc::unbounded_channel();
    (sender, Told(receiver))
}

impl<T> Told<T> {
    pub(crate) async fn next(&mut self) -> T {
        self.0.recv().await.unwrap()
    }
}

/// What handlers wait for until the test lets one of them go on.
pub(crate) type Gate = Arc<Notify>;
