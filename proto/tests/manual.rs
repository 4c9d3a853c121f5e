//! The comments of the contract are its manual: every call has an example, and the example is a request of that call.

use baton_proto::DESCRIPTOR_SET;
use prost_reflect::{DescriptorPool, DynamicMessage, MethodDescriptor};

const ADDRESS: &str = "localhost:50051";
/// What the shell puts in place of `'$ID'`, `'$OTHER'` and `'$TOKEN'`.
const ID: &str = "0199d3a0-0000-7000-8000-000000000000";

fn methods() -> Vec<MethodDescriptor> {
    let pool = DescriptorPool::decode(DESCRIPTOR_SET).expect("the set decodes");
    pool.services()
        .flat_map(|service| service.methods().collect::<Vec<_>>())
        .collect()
}

/// The comment of a call, its continued lines joined.
fn comment(method: &MethodDescriptor) -> String {
    let file = method.parent_file().file_descriptor_proto().clone();
    let locations = file.source_code_info.unwrap_or_default().location;
    let location = locations
        .into_iter()
        .find(|location| location.path == method.path());
    let comment = location
        .and_then(|location| location.leading_comments)
        .unwrap_or_default();
    comment
        .replace("\\\n", " ")
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
}

/// The JSON that grpcurl gets from the shell, where the example names this very call.
fn request_of_example(method: &MethodDescriptor) -> Option<String> {
    let comment = comment(method);
    let call = format!(
        "' {ADDRESS} {}/{}",
        method.parent_service().full_name(),
        method.name()
    );
    let before = &comment[..comment.find(&call)?];
    let (_, json) = before.split_once("Example: grpcurl -plaintext -d '")?;
    let json = json.replace("'$ID'", ID).replace("'$OTHER'", ID);
    let json = json.replace("'$TOKEN'", "token");
    // grpcurl takes a field mask as the message it is, canonical JSON as text.
    Some(json.replace(r#"{"paths": ["priority"]}"#, r#""priority""#))
}

#[test]
fn every_call_has_an_example_that_is_its_request() {
    for method in methods() {
        let name = method.full_name();
        let json = request_of_example(&method).unwrap_or_else(|| panic!("{name} has no example"));
        assert!(
            !json.contains('\''),
            "{name}: the shell would end the quotes early: {json}"
        );
        let mut json = serde_json::Deserializer::from_str(&json);
        let message = DynamicMessage::deserialize(method.input(), &mut json)
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        json.end().unwrap();
        // An example that says nothing is right only where there is nothing to say.
        assert_eq!(
            message.fields().count() == 0,
            method.input().fields().count() == 0,
            "{name}"
        );
    }
}

#[test]
fn every_call_that_moves_a_task_names_its_event() {
    let pool = DescriptorPool::decode(DESCRIPTOR_SET).unwrap();
    let types = pool.get_enum_by_name("baton.v1.TaskEventType").unwrap();
    let types: Vec<_> = types
        .values()
        .map(|value| value.name().replace("TASK_EVENT_TYPE_", ""))
        .collect();
    // Reads, and calls that are many of another call.
    let silent = [
        "Get", "List", "Wait", "Watch", "Explain", "Batch", "Bulk", "Advance", "Drain", "Backup", "Export",
        "Import",
    ];
    // Those that change no task.
    let moves_none = |method: &MethodDescriptor| match method.parent_service().name() {
        "ScheduleService" => method.name() != "TriggerSchedule",
        "QueueService" => method.name() != "PurgeQueue",
        service => ["TaskTypeService", "WebhookService"].contains(&service),
    };
    for method in methods()
        .iter()
        .filter(|m| !moves_none(m) && !silent.iter().any(|prefix| m.name().starts_with(prefix)))
    {
        let comment = comment(method);
        let (_, events) = comment.split_once("vent").unwrap_or_default();
        let named = events.split(|c: char| !c.is_ascii_uppercase() && c != '_');
        assert!(
            named.into_iter().any(|word| types.iter().any(|t| t == word)),
            "{}",
            method.full_name()
        );
    }
}
