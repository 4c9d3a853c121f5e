//! One run of a program, from its start to the end of all that it started.

use std::io;
use std::pin::pin;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use baton_client::{Context, Failure, Outcome, value};
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};
use tokio::process::{Child, Command};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, timeout};

use super::group::Group;
use super::limits;
use super::pipes::{Lines, Output, feed};
use super::program::Program;
use super::scratch::{RunFolder, Scratch};
use crate::config::PayloadBy;
use crate::faults;

/// A program may leave somebody behind that keeps its pipes open and is not in its group: so long it is listened to.
const LINGER: Duration = Duration::from_secs(1);

const KIB: u64 = 1_024;

/// Why a program was ended.
enum Stop {
    /// The work is not wanted any more.
    Unwanted,
    TimedOut,
    TooMuchOutput,
}

/// Runs the program with this payload. Where the future is dropped, the program and its group are killed.
pub(super) async fn run(
    context: &Context,
    program: &Program,
    scratch: &Scratch,
    payload: Vec<u8>,
) -> Result<Outcome, Failure> {
    let started = Instant::now();
    // Dropped last: nobody writes there any more.
    let folder = scratch.run().map_err(not_started)?;
    let (command, to_stdin) = prepare(context, program, &folder, payload).map_err(not_started)?;
    let mut output = Output::new(bytes(program.limits.output_kib));
    let task_type = &context.task().r#type;
    let mut lines = Lines::new(bytes(program.limits.log_kib), |line: &str| {
        tracing::info!(task_id = context.id(), "[{task_type}] {line}");
    });
    let status = watch(context, program, command, &to_stdin, (&mut output, &mut lines)).await?;
    finished(status, &output.bytes, &lines.last, started.elapsed())
}

fn bytes(kib: u64) -> usize {
    usize::try_from(kib.saturating_mul(KIB)).unwrap_or(usize::MAX)
}

fn not_started(error: io::Error) -> Failure {
    Failure::new(format!("the program cannot be started: {error}")).code("PROGRAM_NOT_STARTED")
}

/// Answers the command, and what it gets on its standard input.
fn prepare(
    context: &Context,
    program: &Program,
    folder: &RunFolder,
    payload: Vec<u8>,
) -> io::Result<(Command, Vec<u8>)> {
    let task = context.task();
    let mut command = Command::new(&program.path);
    command
        .args(&program.arguments)
        .current_dir(program.folder.as_deref().unwrap_or(folder.path()))
        .env_clear()
        .env("TMPDIR", folder.path())
        .envs(&program.variables)
        .env("BATON_TASK_ID", &task.id)
        .env("BATON_TASK_TYPE", &task.r#type)
        .env("BATON_ATTEMPT", context.attempt().to_string())
        .env("BATON_FENCE", context.fence().to_string())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    limits::apply(&mut command, &program.limits);
    let to_stdin = match program.payload {
        PayloadBy::Stdin => {
            command.stdin(Stdio::piped());
            payload
        }
        PayloadBy::File => {
            // From the root, so that no type makes it look like an option.
            command
                .arg("--payload")
                .arg(folder.write(&task.r#type, &payload)?);
            Vec::new()
        }
    };
    Ok((command, to_stdin))
}

/// Starts the command and waits for its end, or ends it.
async fn watch<F: FnMut(&str)>(
    context: &Context,
    program: &Program,
    mut command: Command,
    to_stdin: &[u8],
    (output, lines): (&mut Output, &mut Lines<F>),
) -> Result<ExitStatus, Failure> {
    let mut child = command.spawn().map_err(not_started)?;
    let mut group = Group::of(&child);
    let over = Notify::new();
    let limit = Duration::from_secs(program.limits.timeout_secs);
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let pipes = async {
        let (Some(stdout), Some(stderr)) = (stdout, stderr) else {
            return;
        };
        tokio::join!(
            feed(stdin, to_stdin),
            output.read(stdout, &over),
            lines.read(stderr)
        );
    };
    let (status, stop) = {
        let mut going = pin!(wait(&mut child, &group, pipes));
        let stop = tokio::select! {
            biased;
            status = &mut going => Err(status),
            () = context.cancelled() => Ok(Stop::Unwanted),
            () = over.notified() => Ok(Stop::TooMuchOutput),
            () = sleep(limit) => Ok(Stop::TimedOut),
        };
        match stop {
            Err(status) => (status, None),
            Ok(stop) => {
                group.terminate();
                let grace = Duration::from_millis(program.limits.grace_ms);
                let ended = timeout(grace, &mut going).await;
                group.kill();
                let status = match ended {
                    Ok(status) => status,
                    Err(_) => going.await,
                };
                (status, Some(stop))
            }
        }
    };
    group.over();
    match stop {
        // The last of it may have come together with its end.
        None if output.is_over => Err(too_much(program)),
        None => status.map_err(not_started),
        Some(Stop::TooMuchOutput) => Err(too_much(program)),
        Some(Stop::TimedOut) => Err(faults::timed_out(program.limits.timeout_secs)),
        Some(Stop::Unwanted) => Err(Failure::new("the work is not wanted any more").code("PROGRAM_STOPPED")),
    }
}

/// Waits for the program, ends whoever it left behind, and takes what is still on its way.
async fn wait(child: &mut Child, group: &Group, pipes: impl Future<Output = ()>) -> io::Result<ExitStatus> {
    let mut pipes = pin!(pipes);
    let status = tokio::select! {
        status = child.wait() => status,
        () = &mut pipes => return child.wait().await.inspect(|_| group.kill()),
    };
    group.kill();
    if timeout(LINGER, pipes).await.is_err() {
        tracing::warn!("somebody that a program started has left its group and keeps its output open");
    }
    status
}

fn too_much(program: &Program) -> Failure {
    let limit = program.limits.output_kib;
    Failure::new(format!("the program wrote more than {limit} KiB")).code("PROGRAM_OUTPUT_LIMIT")
}

fn finished(status: ExitStatus, output: &[u8], last: &str, took: Duration) -> Result<Outcome, Failure> {
    if !status.success() {
        return Err(unsuccessful(status, last));
    }
    let result: &RawValue = serde_json::from_slice(output)
        .map_err(|error| Failure::new(format!("the output is not JSON: {error}")).code("OUTPUT_NOT_JSON"))?;
    let text = format!(
        "{{\"agentResult\":{},\"durationMs\":{}}}",
        result.get(),
        took.as_millis()
    );
    Ok(Outcome::payload(value::json_text(text)))
}

/// What it said last is often why.
fn unsuccessful(status: ExitStatus, last: &str) -> Failure {
    use std::os::unix::process::ExitStatusExt as _;
    let (how, code) = match (status.code(), status.signal()) {
        (Some(code), _) => (
            format!("the program ended with exit code {code}"),
            "PROGRAM_FAILED",
        ),
        (None, Some(signal)) => (by_signal(signal), "PROGRAM_KILLED"),
        (None, None) => ("the program did not end well".to_owned(), "PROGRAM_FAILED"),
    };
    let message = if last.is_empty() {
        how
    } else {
        format!("{how}: {last}")
    };
    let Value::Object(details) = json!({ "exitCode": status.code(), "signal": status.signal() }) else {
        return Failure::new(message).code(code);
    };
    let details: Map<_, _> = details
        .into_iter()
        .filter(|(_, value)| !value.is_null())
        .collect();
    Failure::new(message).code(code).details(details)
}

fn by_signal(signal: i32) -> String {
    use rustix::process::Signal;
    let why = match Signal::from_named_raw(signal) {
        Some(Signal::XCPU) => " (its limit of processor time)",
        Some(Signal::XFSZ) => " (its limit of file size)",
        _ => "",
    };
    format!("the program was ended by signal {signal}{why}")
}
