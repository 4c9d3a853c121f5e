use super::*;

fn update(task: v1::Task, paths: &[&str]) -> v1::UpdateTaskRequest {
    v1::UpdateTaskRequest {
        task: Some(v1::Task {
            id: ID.to_owned(),
            ..task
        }),
        update_mask: (!paths.is_empty()).then(|| FieldMask {
            paths: paths.iter().map(|path| (*path).to_owned()).collect(),
        }),
        ..Default::default()
    }
}

#[test]
fn a_mask_names_whole_fields_that_can_be_edited() {
    let editable = [
        "queue",
        "type",
        "priority",
        "title",
        "input",
        "description",
        "labels",
        "metadata",
        "retry_policy",
        "verification",
        "function",
    ];
    accepted("UpdateTask", &update(v1::Task::default(), &editable));
    for (path, what) in [
        ("*", "must be one of queue, type"),
        ("", "must be one of"),
        ("nonsense", "must be one of"),
        ("retryPolicy", "must be one of"),
        ("labels.team", "labels is replaced, not merged"),
        ("state", "output only"),
        ("etag", "output only"),
        ("assignee", "AssignTask"),
        ("schedule_time", "ScheduleTask"),
        ("dependencies", "AddDependency"),
        ("parent_id", "never changes"),
        ("namespace", "never changes"),
    ] {
        let request = update(v1::Task::default(), &["title", path]);
        let expected = [("update_mask.paths[1]", what)];
        refused("UpdateTask", &request, Reason::InvalidField, &expected);
    }
}

#[test]
fn every_field_of_a_task_is_known_to_updates() {
    let descriptors = prost_types::FileDescriptorSet::decode(baton_proto::DESCRIPTOR_SET).unwrap();
    let mut messages = descriptors.file.iter().flat_map(|file| &file.message_type);
    let task = messages.find(|message| message.name() == "Task").unwrap();
    for field in &task.field {
        let request = update(v1::Task::default(), &[field.name()]);
        if let Err(refusal) = judged("UpdateTask", &request) {
            let why = &violations(refusal)[0].1;
            assert!(!why.contains("must be one of"), "{}: {why}", field.name());
        }
    }
}

#[test]
fn only_fields_that_the_mask_names_are_judged() {
    let task = v1::Task {
        title: "fine".to_owned(),
        queue: "Not Fine".to_owned(),
        metadata: Some(document(deep(90))),
        ..Default::default()
    };
    let mut request = update(task, &["title"]);
    accepted("UpdateTask", &request);
    request.update_mask = None;
    let path = format!("task.metadata.k{}", "[0]".repeat(23));
    let expected = [("task.queue", "a-z"), (path.as_str(), "deeper than 24")];
    refused("UpdateTask", &request, Reason::InvalidField, &expected);
}

#[test]
fn without_a_mask_populated_fields_are_taken_and_none_is_lost() {
    let title = v1::Task {
        title: "t".to_owned(),
        state: 3,
        ..Default::default()
    };
    accepted("UpdateTask", &update(title.clone(), &[]));
    let given = v1::Task {
        namespace: "default".to_owned(),
        assignee: Some(human("ada")),
        parent_id: OTHER.to_owned(),
        dependencies: vec![v1::Dependency::default()],
        schedule_time: Some(Timestamp::default()),
        ..title
    };
    let expected = [
        ("task.namespace", "never changes"),
        ("task.assignee", "AssignTask"),
        ("task.parent_id", "never changes"),
        ("task.dependencies", "AddDependency"),
        ("task.schedule_time", "ScheduleTask"),
    ];
    refused("UpdateTask", &update(given, &[]), Reason::InvalidField, &expected);
    let nothing = update(v1::Task::default(), &[]);
    refused(
        "UpdateTask",
        &nothing,
        Reason::InvalidField,
        &[("task", "at least one field")],
    );
}

#[test]
fn the_call_around_the_fields_is_judged_too() {
    let request = v1::UpdateTaskRequest {
        request_id: "1".to_owned(),
        actor: Some(system()),
        ..Default::default()
    };
    let expected = [
        ("task", "must be given"),
        ("task.id", "UUID"),
        ("request_id", "UUID"),
        ("actor.type", "SYSTEM"),
    ];
    refused("UpdateTask", &request, Reason::InvalidField, &expected);
}
