//! Task types.

use baton_client::proto::TaskType;
use baton_client::value;
use prost_types::Struct;

use super::detail::{Sheet, actor};
use super::table::{self, drawn};
use super::text::{clean, short, span, time};
use crate::client::names;

/// Characters of a description in a table.
const DESCRIPTION: usize = 60;

pub(super) fn table(task_types: &[TaskType]) -> String {
    let mut table = table::table(&["NAME", "EXPOSURE", "QUEUE", "CHECKS", "DESCRIPTION"]);
    for task_type in task_types {
        table.add_row(vec![
            clean(&task_type.name),
            names::exposure(task_type.exposure()).to_owned(),
            clean(&task_type.queue),
            checks(task_type).to_owned(),
            short(&task_type.description, DESCRIPTION),
        ]);
    }
    drawn(table)
}

pub(super) fn sheet(task_type: &TaskType) -> String {
    let mut sheet = Sheet::default();
    sheet.put("name", clean(&task_type.name));
    sheet.put("namespace", clean(&task_type.namespace));
    sheet.put("description", clean(&task_type.description));
    sheet.put("exposure", names::exposure(task_type.exposure()));
    sheet.put("queue", clean(&task_type.queue));
    if task_type.priority != 0 {
        sheet.put("priority", names::priority(task_type.priority()));
    }
    if let Some(policy) = &task_type.retry_policy {
        let attempts = policy.max_attempts.map(|most| format!("{most} attempts"));
        sheet.put("retry", attempts.unwrap_or_else(|| "by default".to_owned()));
    }
    if let Some(timeouts) = &task_type.timeouts {
        let put = |sheet: &mut Sheet, name, limit: &Option<_>| {
            sheet.put(name, limit.as_ref().map(span).unwrap_or_default());
        };
        put(&mut sheet, "queue timeout", &timeouts.queue_timeout);
        put(&mut sheet, "attempt timeout", &timeouts.attempt_timeout);
        put(&mut sheet, "total timeout", &timeouts.total_timeout);
    }
    sheet.put("input", schema(task_type.input_schema.as_ref()));
    sheet.put("output", schema(task_type.output_schema.as_ref()));
    sheet.put("creator", actor(task_type.creator.as_ref()));
    sheet.put("created", time(task_type.create_time));
    sheet.put("updated", time(task_type.update_time));
    sheet.put("etag", clean(&task_type.etag));
    sheet.text()
}

fn checks(task_type: &TaskType) -> &'static str {
    match (&task_type.input_schema, &task_type.output_schema) {
        (Some(_), Some(_)) => "input, output",
        (Some(_), None) => "input",
        (None, Some(_)) => "output",
        (None, None) => "",
    }
}

fn schema(schema: Option<&Struct>) -> String {
    let text = schema.map(|schema| value::from_struct(schema).to_string());
    text.map(|text| clean(&text)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use baton_client::NewTaskType;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_type_shows_what_it_checks_and_who_may_create_it() {
        let new = NewTaskType::new("rss-sweep")
            .input_schema(json!({"required": ["url"]}))
            .queue("feeds")
            .internal();
        let task_type: TaskType = new.into();
        let sheet = sheet(&task_type);
        assert!(
            sheet.contains("INTERNAL") && sheet.contains(r#"{"required":["url"]}"#),
            "{sheet}"
        );
        let rows = table(&[task_type]);
        assert!(rows.contains("feeds") && rows.contains("INTERNAL"), "{rows}");
    }
}
