//! What an operator can say: which type of task is done by which handler, and what handlers may do.
//!
//! Tables of a TOML file; docs/runner.md shows one. Paths are relative to the folder in which the program was started.

mod mistakes;

use std::collections::BTreeMap;
use std::path::PathBuf;

use baton_egress::EgressPolicy;
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::{Map, Value};

pub use mistakes::Mistake;

/// Everything that a runner is told. It may stand in one file with other tables: these are left to whom they belong.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct RunnerConfig {
    /// `[worker]`: which tasks are taken, and how many.
    pub worker: WorkerConfig,
    /// `[egress]`: where requests may go.
    pub egress: EgressPolicy,
    /// `[programs.NAME]`: the programs that may be run, and nothing else.
    pub programs: BTreeMap<String, ProgramConfig>,
    /// `[endpoints.NAME]`: the URLs that notifications go to.
    pub endpoints: BTreeMap<String, EndpointConfig>,
    /// `[handlers.TYPE]`: what does the tasks of a type. At most 16.
    pub handlers: BTreeMap<String, HandlerConfig>,
}

/// `[worker]`: which tasks are taken, and how many.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WorkerConfig {
    /// The name of the worker, of which one runs at a time. Default one of its own for each start.
    pub id: Option<String>,
    /// The queues to take tasks from, at most 16. Default `default`.
    pub queues: Vec<String>,
    /// How many tasks are done at once, 1 to 1,000. Default 5.
    pub concurrency: usize,
    /// How long tasks may go on once the worker is told to stop. Default 20,000.
    pub grace_ms: u64,
    /// Where programs get folders of their own; nobody else may write there. Default `baton-work`.
    pub folder: PathBuf,
}

impl Default for WorkerConfig {
    fn default() -> Self {
        WorkerConfig {
            id: None,
            queues: vec!["default".to_owned()],
            concurrency: 5,
            grace_ms: 20_000,
            folder: PathBuf::from("baton-work"),
        }
    }
}

/// `[programs.NAME]`: a program, how it is called, and its limits.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProgramConfig {
    /// The program and its first arguments. Looked up in PATH when the worker starts, where it has no slash.
    pub command: Vec<String>,
    /// The folder it works in. Default one of its own for each run, which is removed afterwards.
    #[serde(default)]
    pub folder: Option<PathBuf>,
    /// How it gets its payload. Default `file`.
    #[serde(default)]
    pub payload: PayloadBy,
    /// Names of the worker's variables that it gets, such as `PATH`. It gets no others but those below.
    #[serde(default)]
    pub environment: Vec<String>,
    /// Variables that it gets.
    #[serde(default)]
    pub variables: BTreeMap<String, String>,
    /// What it may take.
    #[serde(default)]
    pub limits: ProgramLimits,
}

/// How a program gets its payload.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PayloadBy {
    /// As a file that only its user can read, named by `--payload FILE` after the other arguments.
    #[default]
    File,
    /// On its standard input, to the end of it.
    Stdin,
}

/// What a run of a program may take. Where it takes more, it and all it started are ended.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ProgramLimits {
    /// How long it may run. Default 600.
    pub timeout_secs: u64,
    /// How long it has to end by itself after SIGTERM, before SIGKILL. Default 5,000.
    pub grace_ms: u64,
    /// Time on a processor, of each process. Default none.
    pub cpu_secs: Option<u64>,
    /// Address space of each process, in MiB. Some runtimes reserve far more than they use. Default none.
    pub memory_mib: Option<u64>,
    /// The largest file that it may write, in MiB. Default 1,024.
    pub file_mib: u64,
    /// Open files of each process. Default none.
    pub open_files: Option<u64>,
    /// Processes of the user, those of other programs counted; nothing where the user is root. Default none.
    pub processes: Option<u64>,
    /// The longest output, in KiB, at most 1,000: so much fits into a task. Default 1,000.
    pub output_kib: u64,
    /// So much of its standard error goes to the log, in KiB. More is left out. Default 1,024.
    pub log_kib: u64,
}

impl Default for ProgramLimits {
    fn default() -> Self {
        ProgramLimits {
            timeout_secs: 600,
            grace_ms: 5_000,
            cpu_secs: None,
            memory_mib: None,
            file_mib: 1_024,
            open_files: None,
            processes: None,
            output_kib: OUTPUT_MAX_KIB,
            log_kib: 1_024,
        }
    }
}

const OUTPUT_MAX_KIB: u64 = 1_000;

/// `[endpoints.NAME]`: a URL, which is a secret with most services, and how what is sent there is signed.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EndpointConfig {
    /// The URL itself.
    pub url: Option<SecretString>,
    /// The variable of the environment that holds it.
    pub url_env: Option<String>,
    /// The file that holds it.
    pub url_file: Option<PathBuf>,
    /// The variable that holds the secrets of Standard Webhooks, `whsec_..`, with spaces between. Default unsigned.
    pub secrets_env: Option<String>,
    /// The file that holds them, one a line.
    pub secrets_file: Option<PathBuf>,
}

/// `[handlers.TYPE]`: what does the tasks of a type.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum HandlerConfig {
    /// Runs a program.
    Process(ProcessConfig),
    /// Posts a text, or a digest of errors.
    Notify(NotifyConfig),
    /// Deletes old tasks.
    Cleanup(CleanupConfig),
    /// Says how the server is.
    Heartbeat(EmptyConfig),
    /// Says that a worker has started.
    Startup(EmptyConfig),
}

/// A handler that cannot be told anything.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EmptyConfig {}

/// A handler that runs a program.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ProcessConfig {
    /// The program, by the name that `[programs]` gives it.
    pub program: Option<String>,
    /// What the program is told beside the task's input.
    pub config: Map<String, Value>,
    /// The fields that the input or `config` must have. A task that lacks one fails at once.
    pub requires: Vec<String>,
}

/// A handler that posts a text.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NotifyConfig {
    /// Where to, by the name that `[endpoints]` gives it.
    pub endpoint: Option<String>,
    /// Whether a digest of the errors among the last runs is posted, in place of the text of the task.
    pub digest: bool,
    /// How many runs a digest looks at, 1 to 1,000. Default 5.
    pub last: i32,
    /// Whether a task may name a URL itself. The hosts must then be listed: `egress.allow_hosts`.
    pub task_url: bool,
}

impl Default for NotifyConfig {
    fn default() -> Self {
        NotifyConfig {
            endpoint: None,
            digest: false,
            last: 5,
            task_url: false,
        }
    }
}

/// A handler that deletes old tasks.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CleanupConfig {
    /// Settled tasks are kept so long after they ended. Default 30.
    pub older_than_days: u32,
    /// The types to clean up. Default all.
    pub types: Vec<String>,
    /// Which tasks of these, in the language of lists. Default all.
    pub filter: String,
    /// How many tasks one run deletes, 1 to 100,000. Default 10,000.
    pub max_count: usize,
}

impl Default for CleanupConfig {
    fn default() -> Self {
        CleanupConfig {
            older_than_days: 30,
            types: Vec::new(),
            filter: String::new(),
            max_count: 10_000,
        }
    }
}

impl RunnerConfig {
    /// The tables of a file that are a runner's.
    pub const TABLES: [&str; 5] = ["worker", "egress", "programs", "endpoints", "handlers"];
}
