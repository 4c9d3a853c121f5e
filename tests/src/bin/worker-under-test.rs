//! A worker in a process of its own: to be killed, to be frozen, to be brought down by its tasks.
//!
//! `worker-under-test <address> <id> <file>`; before a handler does anything else it notes `<task> <fence>` in that file, as
//! an outside system would see its effect. Tasks of the type `hold` go on when a line comes on stdin, and say what a
//! completion of their own was answered.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use baton_client::{Client, Context, Failure, Outcome, Worker, actor};

/// What a loud handler writes, in pieces: 100 MB.
const PIECES: usize = 1_600;
static PIECE: [u8; 62_500] = [b'x'; 62_500];

/// The file of effects. Lines from many processes do not mix: each is one write at the end.
#[derive(Clone)]
struct Effects(Arc<File>);

impl Effects {
    fn note(&self, context: &Context) -> io::Result<()> {
        let line = format!("{} {}\n", context.id(), context.fence());
        (&*self.0).write_all(line.as_bytes())
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [address, id, file] = arguments.as_slice() else {
        anyhow::bail!("expected an address, an id and a file");
    };
    let effects = Effects(Arc::new(OpenOptions::new().append(true).create(true).open(file)?));
    let client = Client::builder().endpoint(format!("http://{address}")).build()?;
    let note = |effects: &Effects| {
        let effects = effects.clone();
        move |context: &Context| {
            effects
                .note(context)
                .map_err(|error| Failure::new(error.to_string()))
        }
    };
    let [count, hold, abort, hang, loud, typed] = std::array::from_fn(|_| note(&effects));
    Worker::builder(client)
        .actor(actor::service(id))
        .concurrency(8)
        .lease_duration(Duration::from_secs(5))
        .handler("count", move |context, (): ()| {
            let noted = count(&context);
            async move { noted }
        })
        .handler("hold", move |context: Context, (): ()| {
            let noted = hold(&context);
            async move {
                noted?;
                held(&context)
                    .await
                    .map_err(|error| Failure::new(error.to_string()))
            }
        })
        .handler("abort", move |context, (): ()| {
            let noted = abort(&context);
            async move {
                noted?;
                std::process::abort();
                #[expect(unreachable_code, reason = "says what the handler would answer")]
                Ok(())
            }
        })
        .handler("hang", move |context, (): ()| {
            let noted = hang(&context);
            async move {
                noted?;
                std::future::pending::<Result<(), Failure>>().await
            }
        })
        .handler("loud", move |context, (): ()| {
            let noted = loud(&context);
            async move {
                noted?;
                for _ in 0..PIECES {
                    io::stdout()
                        .write_all(&PIECE)
                        .map_err(|error| Failure::new(error.to_string()))?;
                }
                Ok(())
            }
        })
        .handler("typed", move |context, number: i64| {
            let noted = typed(&context);
            async move { noted.map(|()| number + 1) }
        })
        .run()
        .await
        .map(drop)
        .context("the worker ended")
}

/// Waits for a line, then completes its task as somebody would who does not know that the lease is gone.
async fn held(context: &Context) -> anyhow::Result<Outcome> {
    let line = tokio::task::spawn_blocking(|| io::stdin().read_line(&mut String::new()));
    line.await??;
    let call = context
        .client()
        .complete(context.id())
        .lease_token(context.lease_token());
    let answer = match call.await {
        Ok(_) => "completed".to_owned(),
        Err(error) => error
            .reason()
            .map_or_else(|| error.to_string(), ToString::to_string),
    };
    println!("{answer}");
    Ok(Outcome::done())
}
