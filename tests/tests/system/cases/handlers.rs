//! Cases whose tasks are done by `baton worker`, with the handlers and programs that the table gives.

use std::collections::BTreeMap;

use baton_tests::harness::TestServer;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::runner::{Hook, Place, WorkerProcess};

/// What a case says of its worker.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Handlers {
    /// The file of settings; `$folder` is a folder of the case's own, `$hook` a webhook that answers `/500` with 500.
    config: String,
    /// Programs in that folder.
    #[serde(default)]
    programs: BTreeMap<String, String>,
}

/// A worker, and what it writes to.
pub(super) struct Stage {
    place: Place,
    hook: Hook,
    worker: Option<WorkerProcess>,
}

impl Stage {
    pub(super) async fn start(handlers: &Handlers, server: &TestServer) -> Self {
        let (place, hook) = (Place::new(), Hook::start().await);
        for (name, text) in &handlers.programs {
            place.program(name, text);
        }
        let port = hook.address.port().to_string();
        let config = handlers
            .config
            .replace("$hook", &format!("http://{}", hook.address))
            .replace("$port", &port);
        let worker = WorkerProcess::start(server.address(), &place, &config);
        Stage {
            place,
            hook,
            worker: Some(worker),
        }
    }

    /// `hook`: what was posted. `log`: the worker is stopped; of each text that is asked for, whether it was written.
    /// `left`: what is still in the folder for programs.
    pub(super) fn answer(&mut self, call: &str, asked: &Value) -> Value {
        match call {
            "hook" => json!({ "texts": self.hook.texts() }),
            "left" => json!({ "names": self.place.left() }),
            "log" => {
                let log = self.worker.take().expect("the log is read once").stop();
                let asked = asked["words"].as_array().expect("words are asked for");
                let found = asked
                    .iter()
                    .filter(|words| log.contains(words.as_str().unwrap_or_default()));
                json!({ "words": found.collect::<Vec<_>>() })
            }
            other => panic!("there is no call {other}"),
        }
    }
}
