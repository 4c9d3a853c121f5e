//! `baton serve`: the server in this process, until SIGTERM or SIGINT.

mod inside;

use std::io::{self, ErrorKind, Write};
use std::net::SocketAddr;

use anyhow::anyhow;
use baton_server::store::Schema;
use baton_server::{Database, RunError, Server, telemetry};
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
            .map_err(|error| deaf(config.listen, &error))?;
        // Before anything can wait for us: a signal from here on stops in order.
        let shutdown = stop_on_signals()?;
        let keys = config.api_key_file.is_some();
        let place = config.redacted().database;
        let opened = Server::open(config, listener).await;
        let server = opened.map_err(|error| explained(error, &place))?;
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
    let migrated = runtime.block_on(baton_server::migrate(&config, contract));
    let database = migrated.map_err(|error| explained(error, &config.redacted().database))?;
    let told = format!("{}\n{}\n", place(&database), standing(database.schema));
    crate::write_out(told.as_bytes())
}

/// Why nobody can be listened to, and what to do.
fn deaf(address: SocketAddr, error: &io::Error) -> anyhow::Error {
    let next = match error.kind() {
        ErrorKind::AddrInUse => {
            "\n  next: another server or program has the port: stop it, or name another by --listen; 127.0.0.1:0 takes a free one"
        }
        ErrorKind::AddrNotAvailable => {
            "\n  next: --listen takes an address of this machine; 0.0.0.0 stands for all of them"
        }
        ErrorKind::PermissionDenied => "\n  next: ports below 1024 are for root: name another by --listen",
        _ => "",
    };
    anyhow!("cannot listen on {address}: {error}{next}")
}

/// Of a database that cannot be opened: which, why, and what to do.
fn explained(error: RunError, place: &str) -> anyhow::Error {
    let RunError::Store(error) = error else {
        return error.into();
    };
    let mut text = error.to_string();
    if let Some(cause) = error.cause() {
        text += &format!(": {cause}");
    }
    text += &format!("\n  database: {place}");
    if let Some(advice) = error.advice() {
        text += &format!("\n  next: {advice}");
    }
    anyhow!(text)
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
