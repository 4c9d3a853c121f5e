//! `baton export` and `baton import`: a namespace as a file, for another database.

use std::io::{self, IsTerminal as _};
use std::path::{Path, PathBuf};

use baton_client::Export;
use bytes::Bytes;
use clap::Args;
use futures::Stream;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tokio::fs::{self, File};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::exit::{EXIT_CODES, Exit, Failure};
use super::options::{Format, Options, Session};

/// Bytes that are read and sent at once.
const PIECE_BYTES: usize = 256 * 1024;

const EXPORT_EXAMPLES: &str = "\
The file holds the tasks of one namespace with their histories, its queues, task types, schedules and webhooks (without \
their secrets); the format is that of ArchiveRecord in baton/v1/archive.proto. Only its owner can read it.
Examples:
  baton export --namespace default default.baton
  baton export default.baton --output json | jq -r .totalBytes
How to move from SQLite to PostgreSQL: docs/operations.md";

const IMPORT_EXAMPLES: &str = "\
The namespace must never have been used on this server. All of the file goes in, or nothing of it.
Examples:
  baton import default.baton
  baton import --namespace restored default.baton --server 127.0.0.1:50052
How to move from SQLite to PostgreSQL: docs/operations.md";

/// `baton export`
#[derive(Args)]
#[command(after_help = format!("{EXPORT_EXAMPLES}\n\n{EXIT_CODES}"))]
pub(crate) struct ExportArgs {
    #[command(flatten)]
    pub(super) options: Options,
    /// The file to be written, which is not there yet
    #[arg(value_name = "FILE")]
    pub(super) file: PathBuf,
}

/// `baton import`
#[derive(Args)]
#[command(after_help = format!("{IMPORT_EXAMPLES}\n\n{EXIT_CODES}"))]
pub(crate) struct ImportArgs {
    #[command(flatten)]
    pub(super) options: Options,
    /// The file that `baton export` wrote
    #[arg(value_name = "FILE")]
    pub(super) file: PathBuf,
}

pub(super) async fn export(session: &Session, path: PathBuf) -> Result<Exit, Failure> {
    if fs::try_exists(&path).await? {
        let path = path.display();
        return Err(Failure::Usage(format!(
            "{path} is there already: choose another name, or remove it"
        )));
    }
    // Whole under its own name, or not at all.
    let part = part_of(&path);
    let export = session.client.export_namespace("").await?;
    let written = write(session, &part, export).await;
    if written.is_err() {
        // What matters is why it was not written.
        drop(fs::remove_file(&part).await);
    }
    let bytes = written?;
    fs::rename(&part, &path).await?;
    session.screen.exported(&path.display().to_string(), bytes)?;
    Ok(Exit::Done)
}

fn part_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".part");
    name.into()
}

async fn write(session: &Session, part: &Path, mut export: Export) -> Result<u64, Failure> {
    let mut options = fs::OpenOptions::new();
    let mut file = options
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(part)
        .await
        .map_err(|error| Failure::Usage(format!("{} cannot be written: {error}", part.display())))?;
    let bar = bar(session);
    let mut bytes = 0;
    while let Some(piece) = export.next().await {
        let piece = piece?;
        file.write_all(&piece).await?;
        bytes += piece.len() as u64;
        bar.set_length(export.total_bytes());
        bar.set_position(bytes);
    }
    file.sync_all().await?;
    bar.finish_and_clear();
    Ok(bytes)
}

pub(super) async fn import(session: &Session, (path, namespace): (PathBuf, String)) -> Result<Exit, Failure> {
    let unreadable = |error: io::Error| Failure::Usage(format!("{} cannot be read: {error}", path.display()));
    let file = File::open(&path).await.map_err(unreadable)?;
    let length = file.metadata().await.map_err(unreadable)?.len();
    let bar = bar(session);
    bar.set_length(length);
    let imported = session
        .client
        .import_namespace(namespace, pieces(file, bar.clone()))
        .await;
    bar.finish_and_clear();
    session.screen.imported(&imported?)?;
    Ok(Exit::Done)
}

/// The bytes of a file. Where it cannot be read any more they end early, and the server says so.
fn pieces(file: File, bar: ProgressBar) -> impl Stream<Item = Bytes> + Send + 'static {
    futures::stream::unfold((file, bar), |(mut file, bar)| async move {
        let mut piece = Vec::with_capacity(PIECE_BYTES);
        match (&mut file).take(PIECE_BYTES as u64).read_to_end(&mut piece).await {
            Ok(bytes) if bytes > 0 => {
                bar.inc(bytes as u64);
                if Some(bar.position()) >= bar.length() {
                    bar.set_message("the server checks and writes it");
                }
                Some((Bytes::from(piece), (file, bar)))
            }
            Ok(_) | Err(_) => None,
        }
    })
}

/// How far it is: for people at a terminal.
fn bar(session: &Session) -> ProgressBar {
    let shown = session.screen.format() == Format::Table && io::stderr().is_terminal();
    let target = if shown {
        ProgressDrawTarget::stderr()
    } else {
        ProgressDrawTarget::hidden()
    };
    let style = ProgressStyle::with_template("[{bar:30}] {bytes}/{total_bytes} {msg}")
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("=> ");
    ProgressBar::with_draw_target(None, target).with_style(style)
}
