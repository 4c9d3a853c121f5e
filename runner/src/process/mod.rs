//! `process`: runs a program for a task, and nothing but what the operator has allowed.
//!
//! In reading order: `program` (what is run), `scratch` (where), `limits` (what it may take), `group` (how it and all it
//! started are ended), `pipes` (what it says), `run` (one run from start to end).

mod group;
mod limits;
mod pipes;
mod program;
mod run;
mod scratch;

use std::sync::Arc;

use baton_client::proto::Payload;
use baton_client::{Context, Failure, Outcome, value};
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

pub(crate) use program::Program;
pub(crate) use scratch::Scratch;

use crate::config::ProcessConfig;
use crate::faults;

/// A handler that runs a program.
pub(crate) struct Process {
    pub(crate) config: ProcessConfig,
    /// None where the configuration names none.
    pub(crate) program: Option<Arc<Program>>,
    pub(crate) scratch: Arc<Scratch>,
}

/// What the program is told.
#[derive(Serialize)]
struct Told<'a> {
    r#type: &'a str,
    input: &'a RawValue,
    config: &'a Map<String, Value>,
}

impl Process {
    pub(crate) async fn run(&self, context: &Context, input: Option<Payload>) -> Result<Outcome, Failure> {
        let program = self.program.as_ref();
        let program = program.ok_or_else(|| faults::config_missing("program"))?;
        let input = read(input.as_ref())?;
        if let Some(field) = self.missing(&input) {
            return Err(faults::config_missing(field));
        }
        let told = Told {
            r#type: &context.task().r#type,
            input: &input,
            config: &self.config.config,
        };
        let payload = serde_json::to_vec(&told)?;
        run::run(context, program, &self.scratch, payload).await
    }

    /// The first field that is required and stands neither in the input nor in the configuration.
    fn missing(&self, input: &RawValue) -> Option<&str> {
        let requires = &self.config.requires;
        if requires.is_empty() {
            return None;
        }
        let input: Map<String, Value> = serde_json::from_str(input.get()).unwrap_or_default();
        let has =
            |from: &Map<String, Value>, field: &str| from.get(field).is_some_and(|value| !value.is_null());
        let missing = |field: &&String| !has(&input, field) && !has(&self.config.config, field);
        requires.iter().find(missing).map(String::as_str)
    }
}

/// The input as it was written: numbers of any length and the order of fields survive.
fn read(input: Option<&Payload>) -> Result<Box<RawValue>, Failure> {
    let Some(payload) = input else {
        return Ok(RawValue::NULL.to_owned());
    };
    value::read_json(payload).map_err(|error| faults::invalid_input(Failure::from(error).message()))
}
