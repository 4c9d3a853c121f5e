//! What can be seen to be wrong in a configuration by looking at it.

use std::fmt;

use super::{EmptyConfig, EndpointConfig, HandlerConfig, OUTPUT_MAX_KIB, ProgramConfig, RunnerConfig};

/// The types that one worker can take: the contract's limit.
const HANDLERS_MAX_COUNT: usize = 16;

/// The queues that one worker can take from: the contract's limit.
const QUEUES_MAX_COUNT: u64 = 16;

/// The longest type, in characters: the contract's limit.
const TYPE_MAX: usize = 64;

/// Something in a configuration that cannot work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// Where, for example `handlers.doc-sync.program`.
    pub path: String,
    /// What, and what would do.
    pub message: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.message)
    }
}

impl RunnerConfig {
    /// Says all that can be seen to be wrong without looking at files, variables and the network.
    pub fn mistakes(&self) -> Vec<Mistake> {
        let mut found = Found(Vec::new());
        found.worker(self);
        for (name, program) in &self.programs {
            found.program(&format!("programs.{name}"), program);
        }
        for (name, endpoint) in &self.endpoints {
            found.endpoint(&format!("endpoints.{name}"), endpoint);
        }
        for (name, handler) in &self.handlers {
            found.handler(&format!("handlers.{name}"), handler, self);
        }
        found.0
    }
}

struct Found(Vec<Mistake>);

impl Found {
    fn push(&mut self, path: String, message: impl Into<String>) {
        let message = message.into();
        self.0.push(Mistake { path, message });
    }

    fn range(&mut self, path: String, value: u64, range: std::ops::RangeInclusive<u64>) {
        if !range.contains(&value) {
            let message = format!("must be {} to {}, not {value}", range.start(), range.end());
            self.push(path, message);
        }
    }

    fn worker(&mut self, config: &RunnerConfig) {
        let worker = &config.worker;
        self.range(
            "worker.concurrency".to_owned(),
            worker.concurrency as u64,
            1..=1_000,
        );
        self.range(
            "worker.queues".to_owned(),
            worker.queues.len() as u64,
            1..=QUEUES_MAX_COUNT,
        );
        if config.handlers.len() > HANDLERS_MAX_COUNT {
            let message = format!("at most {HANDLERS_MAX_COUNT}: give the others to another worker");
            self.push("handlers".to_owned(), message);
        }
    }

    fn program(&mut self, path: &str, program: &ProgramConfig) {
        if program.command.first().is_none_or(String::is_empty) {
            self.push(format!("{path}.command"), "names no program");
        }
        if program.command.iter().any(|word| word.contains('\0')) {
            self.push(format!("{path}.command"), "holds a NUL character");
        }
        let names = program.environment.iter().chain(program.variables.keys());
        if names
            .clone()
            .any(|name| name.is_empty() || name.contains(['=', '\0']))
        {
            self.push(format!("{path}.environment"), "a variable has a name without `=`");
        }
        let limits = &program.limits;
        self.range(
            format!("{path}.limits.timeout_secs"),
            limits.timeout_secs,
            1..=604_800,
        );
        self.range(format!("{path}.limits.grace_ms"), limits.grace_ms, 0..=600_000);
        self.range(
            format!("{path}.limits.output_kib"),
            limits.output_kib,
            1..=OUTPUT_MAX_KIB,
        );
    }

    fn endpoint(&mut self, path: &str, endpoint: &EndpointConfig) {
        let EndpointConfig {
            url,
            url_env,
            url_file,
            secrets_env,
            secrets_file,
        } = endpoint;
        let given = [url.is_some(), url_env.is_some(), url_file.is_some()];
        match given.iter().filter(|given| **given).count() {
            1 => {}
            0 => self.push(path.to_owned(), "has neither `url` nor `url_env` nor `url_file`"),
            _ => self.push(
                path.to_owned(),
                "has more than one of `url`, `url_env` and `url_file`",
            ),
        }
        if secrets_env.is_some() && secrets_file.is_some() {
            self.push(path.to_owned(), "has both `secrets_env` and `secrets_file`");
        }
    }

    fn handler(&mut self, path: &str, handler: &HandlerConfig, config: &RunnerConfig) {
        let task_type = path.strip_prefix("handlers.").unwrap_or_default();
        let fits = |c: char| c.is_ascii_alphanumeric() || "._/-".contains(c);
        if task_type.len() > TYPE_MAX || !task_type.chars().all(fits) {
            let message = format!("a type is at most {TYPE_MAX} letters, digits and . _ / -");
            self.push(path.to_owned(), message);
        }
        match handler {
            HandlerConfig::Process(process) => {
                let program = process.program.as_ref();
                if let Some(name) = program.filter(|name| !config.programs.contains_key(*name)) {
                    self.push(
                        format!("{path}.program"),
                        format!("there is no [programs.{name}]"),
                    );
                }
            }
            HandlerConfig::Notify(notify) => {
                let endpoint = notify.endpoint.as_ref();
                if let Some(name) = endpoint.filter(|name| !config.endpoints.contains_key(*name)) {
                    self.push(
                        format!("{path}.endpoint"),
                        format!("there is no [endpoints.{name}]"),
                    );
                }
                let last = u64::try_from(notify.last).unwrap_or(0);
                self.range(format!("{path}.last"), last, 1..=1_000);
                if notify.task_url && config.egress.allow_hosts.is_empty() {
                    let message = "tasks may name URLs only where egress.allow_hosts lists the hosts";
                    self.push(format!("{path}.task_url"), message);
                }
            }
            HandlerConfig::Cleanup(cleanup) => {
                self.range(format!("{path}.max_count"), cleanup.max_count as u64, 1..=100_000);
                self.range(
                    format!("{path}.older_than_days"),
                    cleanup.older_than_days.into(),
                    1..=36_500,
                );
            }
            HandlerConfig::Heartbeat(EmptyConfig {}) | HandlerConfig::Startup(EmptyConfig {}) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(text: &str) -> RunnerConfig {
        toml::from_str(text).unwrap()
    }

    fn mistakes(text: &str) -> Vec<String> {
        let mistakes = config(text).mistakes();
        mistakes.iter().map(Mistake::to_string).collect()
    }

    #[test]
    fn a_file_with_every_handler_is_read() {
        let text = r#"
            [worker]
            queues = ["default"]
            [programs.agent]
            command = ["node", "agent.js"]
            payload = "stdin"
            limits = { timeout_secs = 5 }
            [endpoints.slack]
            url_env = "SLACK_WEBHOOK"
            [handlers.doc-sync]
            kind = "process"
            program = "agent"
            config = { docsPath = "docs" }
            requires = ["docsPath"]
            [handlers.slack-notify]
            kind = "notify"
            endpoint = "slack"
            digest = true
            [handlers.db-cleanup]
            kind = "cleanup"
            [handlers.heartbeat]
            kind = "heartbeat"
            [handlers.startup]
            kind = "startup"
        "#;
        let config = config(text);
        assert_eq!(config.mistakes(), []);
        assert_eq!(config.worker.concurrency, 5);
        let limits = &config.programs["agent"].limits;
        assert_eq!((limits.timeout_secs, limits.grace_ms), (5, 5_000));
        assert_eq!(config.handlers.len(), 5);
    }

    /// What the page for operators shows can be copied.
    #[test]
    fn the_example_of_the_page_works() {
        let page = include_str!("../../../docs/runner.md");
        let example = page
            .split("```toml\n")
            .nth(1)
            .unwrap()
            .split("```")
            .next()
            .unwrap();
        let config = config(example);
        assert_eq!((config.mistakes(), config.handlers.len()), (Vec::new(), 5));
    }

    #[test]
    fn what_is_not_known_is_refused_everywhere() {
        for text in [
            "[worker]\nqueue = \"a\"",
            "[programs.a]\ncommand = [\"a\"]\nshell = true",
            "[programs.a.limits]\ntimeout = 1",
            "[endpoints.a]\nsecret = \"a\"",
            "[handlers.a]\nkind = \"proces\"",
            "[handlers.a]\nprogram = \"a\"",
            "[handlers.a]\nkind = \"process\"\nprogramm = \"a\"",
            "[handlers.a]\nkind = \"heartbeat\"\nevery = 1",
        ] {
            assert!(toml::from_str::<RunnerConfig>(text).is_err(), "{text}");
        }
    }

    #[test]
    fn every_mistake_is_told_with_its_place() {
        let text = r#"
            [worker]
            concurrency = 0
            [programs.none]
            command = []
            environment = ["A=B"]
            limits = { timeout_secs = 0, output_kib = 2000 }
            [endpoints.none]
            [endpoints.two]
            url = "https://a.example"
            url_env = "A"
            [handlers.a]
            kind = "process"
            program = "missing"
            [handlers.b]
            kind = "notify"
            endpoint = "missing"
            last = 0
            task_url = true
            [handlers.c]
            kind = "cleanup"
            older_than_days = 0
            [handlers."d e"]
            kind = "heartbeat"
        "#;
        let told = mistakes(text);
        let places: Vec<_> = told.iter().map(|told| told.split(": ").next().unwrap()).collect();
        assert_eq!(
            places,
            [
                "worker.concurrency",
                "programs.none.command",
                "programs.none.environment",
                "programs.none.limits.timeout_secs",
                "programs.none.limits.output_kib",
                "endpoints.none",
                "endpoints.two",
                "handlers.a.program",
                "handlers.b.endpoint",
                "handlers.b.last",
                "handlers.b.task_url",
                "handlers.c.older_than_days",
                "handlers.d e",
            ],
            "{told:#?}"
        );
        assert!(mistakes("").is_empty());
    }

    #[test]
    fn a_url_is_not_shown() {
        let config = config("[endpoints.a]\nurl = \"https://a.example/secret-path\"");
        assert!(!format!("{config:?}").contains("secret-path"));
    }
}
