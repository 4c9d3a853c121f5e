//! Questions and answers.

use baton_domain::limits::{LINE_CHARS, MESSAGE_CHARS, NAME_CHARS, WORDS};
use baton_domain::{InputRequest, Payload};
use baton_proto::raw::v1 as raw;

use super::{Draw, actor, document, payload, time};
use crate::api::check;
use crate::api::violations::{Path, Violations};

/// Reads a question. Its answer and answerer are the server's and ignored.
pub(crate) fn read(
    v: &mut Violations,
    at: &Path<'_>,
    request: raw::InputRequest,
    draw: &Draw<'_>,
) -> Option<InputRequest> {
    let raw::InputRequest {
        key,
        prompt,
        schema,
        choices,
        deadline_time,
        default_input,
        answer: _,
        answerer: _,
    } = request;
    let key = if key.is_empty() {
        Some(draw.key())
    } else {
        check::word(v, &at.field("key"), key, NAME_CHARS)
    };
    let prompt = check::required_text(v, &at.field("prompt"), prompt, MESSAGE_CHARS);
    let choices = read_choices(v, &at.field("choices"), choices);
    let schema = document::read_struct(v, &at.field("schema"), schema);
    let default_at = at.field("default_input");
    let default_input = match default_input {
        Some(default) => payload::read_answer(v, &default_at, default).map(Some),
        None => Some(None),
    };
    let deadline_at = at.field("deadline_time");
    let deadline_time = match deadline_time {
        Some(time) => check::moment(v, &deadline_at, time).map(Some),
        None => Some(None),
    };
    let (choices, default_input, deadline_time) = (choices?, default_input?, deadline_time?);
    if let Some(default) = &default_input {
        check_default(v, &default_at, default, &choices)?;
        if deadline_time.is_none() {
            v.add(&deadline_at, format!("must be given with {default_at}"));
        }
    }
    Some(InputRequest {
        key: key?,
        prompt: prompt?,
        schema: schema?,
        choices,
        deadline_time,
        default_input,
        answer: None,
        answerer: None,
    })
}

fn check_default(v: &mut Violations, at: &Path<'_>, default: &Payload, choices: &[String]) -> Option<()> {
    let text = payload::text(default);
    let fits = choices.is_empty() || text.is_some_and(|text| choices.contains(&text));
    if !fits {
        v.add(at, "must be one of the choices");
    }
    fits.then_some(())
}

fn read_choices(v: &mut Violations, at: &Path<'_>, choices: Vec<String>) -> Option<Vec<String>> {
    if choices.len() > WORDS {
        v.add(at, format!("must have at most {WORDS} entries"));
        return None;
    }
    let read: Vec<_> = choices
        .into_iter()
        .enumerate()
        .map(|(index, choice)| check::required_text(v, &at.index(index), choice, LINE_CHARS))
        .collect();
    read.into_iter().collect()
}

/// Writes a question. `answer_shown`: with its answer and its default, if it has them.
pub(crate) fn write(request: &InputRequest, answer_shown: bool) -> raw::InputRequest {
    let InputRequest {
        key,
        prompt,
        schema,
        choices,
        deadline_time,
        default_input,
        answer,
        answerer,
    } = request;
    let default_input = default_input.as_ref().filter(|_| answer_shown);
    raw::InputRequest {
        key: key.clone(),
        prompt: prompt.clone(),
        schema: schema.clone(),
        choices: choices.clone(),
        deadline_time: deadline_time.map(time::write),
        default_input: default_input.and_then(payload::write),
        answer: answer.as_ref().filter(|_| answer_shown).and_then(payload::write),
        answerer: answerer.as_ref().map(actor::write),
    }
}
