//! `baton serve`: the server in this process, until SIGTERM or SIGINT.

mod inside;

use std::io::Write;

use anyhow::Context;
use baton_server::store::Schema;
use baton_server::{Database, Server, telemetry};
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::file::BatonFile;
use crate::settings::{self, Flags};

/// Serves until a signal, then drains. Where handlers are configured, a worker of this process does their tasks.
pub(crate) fn serve(flags: &Flags) -> anyhow::Result<()> {
    let (config, file) = settings::load_all(flags)?;
    file.judge_settings(&config)?;
    let BatonFile { runner, declared, .. } = file;
    config.validate()?;
    telemetry::init(&config)?;
    let worker = inside::prepare(&config, runner)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind(config.listen)
            .await
            .with_context(|| format!("cannot listen on {}", config.listen))?;
        // Before anything can wait for us: a signal from here on stops in order.
        let shutdown = stop_on_signals()?;
        let keys = config.api_key_file.is_some();
        let server = Server::open(config, listener).await?;
        if let Some(declared) = declared {
            server.declare(declared).await?;
        }
        greet(&server, keys);
        match worker {
            Some(worker) => worker.beside(server, shutdown).await,
            None => Ok(server.serve(shutdown).await?),
        }
    })
}

/// Makes or migrates the database, says where it is, and ends.
pub(crate) fn migrate(flags: &Flags, contract: bool) -> anyhow::Result<()> {
    let config = settings::load(flags)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let database = runtime.block_on(baton_server::migrate(&config, contract))?;
    println!("{}", place(&database));
    println!("{}", standing(database.schema));
    Ok(())
}

/// Which servers may use the database.
fn standing(schema: Schema) -> String {
    let Schema {
        version,
        readable_from,
        known,
    } = schema;
    let waits = if version < known {
        "; `baton migrate --contract` takes away what only servers of the versions before need"
    } else {
        ""
    };
    format!("Schema {version}, for servers that know {readable_from} or newer; this one knows {known}{waits}")
}

fn place(database: &Database) -> String {
    let found = if database.created {
        "created"
    } else {
        "its schema is up to date"
    };
    format!("Tasks are kept in {} ({found})", database.place)
}

/// Tells people where the server is and what to try; programs read the log.
fn greet(server: &Server, keys: bool) {
    let address = server.address();
    let header = if keys {
        "-H 'authorization: Bearer <key>' "
    } else {
        ""
    };
    let greeting = format!(
        "Baton {} listens on {address}\n{}\nTry:  grpcurl -plaintext {header}-d '{{\"task\": {{\"type\": \"hello\"}}}}' {address} \
         baton.v1.TaskService/CreateTask\n",
        env!("CARGO_PKG_VERSION"),
        place(server.database()),
    );
    // A server serves whether or not anybody reads its greeting.
    if let Err(error) = std::io::stdout().write_all(greeting.as_bytes()) {
        tracing::debug!(%error, "stdout is closed");
    }
}

/// A token that SIGTERM or SIGINT cancels. A second signal ends the process where it stands: whoever presses Ctrl-C
/// twice does not want to wait for the grace.
pub(crate) fn stop_on_signals() -> anyhow::Result<CancellationToken> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let shutdown = CancellationToken::new();
    let token = shutdown.clone();
    tokio::spawn(async move {
        either(&mut terminate, &mut interrupt).await;
        token.cancel();
        either(&mut terminate, &mut interrupt).await;
        std::process::exit(1);
    });
    Ok(shutdown)
}

async fn either(a: &mut Signal, b: &mut Signal) {
    tokio::select! {
        _ = a.recv() => {}
        _ = b.recv() => {}
    }
}
