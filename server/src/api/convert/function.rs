//! The function that a task stands for.

use baton_domain::limits::DESCRIPTION_CHARS;
use baton_domain::{Function, FunctionKind};
use baton_proto::raw::v1 as raw;
use prost::Message;

use super::document;
use crate::api::check;
use crate::api::violations::{Path, Violations};

pub(crate) fn read(
    v: &mut Violations,
    at: &Path<'_>,
    function: Option<raw::TaskFunction>,
) -> Option<Option<Function>> {
    let Some(function) = function else {
        return Some(None);
    };
    let fits = document::check_size(v, at, function.encoded_len());
    let raw::TaskFunction {
        kind,
        name,
        description,
        args,
        output,
        prompt_template,
    } = function;
    let kind = check::required_member(v, &at.field("kind"), kind, FunctionKind::from_number);
    let name = if name.is_empty() {
        v.add(&at.field("name"), "must not be empty");
        None
    } else {
        check::type_name(v, &at.field("name"), name)
    };
    let description = check::text(v, &at.field("description"), description, DESCRIPTION_CHARS);
    let args = document::read_struct(v, &at.field("args"), args);
    let output = document::read_value(v, &at.field("output"), output);
    let template = check::text(
        v,
        &at.field("prompt_template"),
        prompt_template,
        DESCRIPTION_CHARS,
    );
    let function = Function {
        kind: kind?,
        name: name?,
        description: description?,
        args: args?,
        output: output?,
        prompt_template: template?,
    };
    fits.then_some(Some(function))
}

pub(crate) fn write(function: &Function) -> raw::TaskFunction {
    let Function {
        kind,
        name,
        description,
        args,
        output,
        prompt_template,
    } = function;
    raw::TaskFunction {
        kind: kind.number(),
        name: name.clone(),
        description: description.clone(),
        args: args.clone(),
        output: output.clone(),
        prompt_template: prompt_template.clone(),
    }
}
