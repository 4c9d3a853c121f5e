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

/// The encoded update of something, with one path in its mask.
fn update_with(method: &str, path: &str) -> Vec<u8> {
    let mask = Some(FieldMask {
        paths: vec![path.to_owned()],
    });
    match method {
        "UpdateTask" => update(v1::Task::default(), &[path]).encode_to_vec(),
        "UpdateQueue" => v1::UpdateQueueRequest {
            queue: Some(v1::Queue {
                name: "a".to_owned(),
                ..Default::default()
            }),
            update_mask: mask,
            ..Default::default()
        }
        .encode_to_vec(),
        "UpdateSchedule" => v1::UpdateScheduleRequest {
            schedule: Some(v1::Schedule {
                name: "a".to_owned(),
                ..Default::default()
            }),
            update_mask: mask,
            ..Default::default()
        }
        .encode_to_vec(),
        "UpdateTaskType" => v1::UpdateTaskTypeRequest {
            task_type: Some(v1::TaskType {
                name: "a".to_owned(),
                ..Default::default()
            }),
            update_mask: mask,
            ..Default::default()
        }
        .encode_to_vec(),
        _ => v1::UpdateWebhookRequest {
            webhook: Some(v1::Webhook {
                name: "a".to_owned(),
                ..Default::default()
            }),
            update_mask: mask,
            ..Default::default()
        }
        .encode_to_vec(),
    }
}

/// What is wrong with a path of a mask, if anything is.
fn told_of(method: &str, path: &str) -> Option<String> {
    let refusal = judge(method, &update_with(method, path)).unwrap().err()?;
    let told = violations(refusal);
    let of_mask = told.into_iter().find(|(at, _)| at == "update_mask.paths[0]");
    of_mask.map(|(_, what)| what)
}

#[test]
fn every_field_is_known_to_the_updates_of_its_message() {
    let descriptors = prost_types::FileDescriptorSet::decode(baton_proto::DESCRIPTOR_SET).unwrap();
    for message in ["Task", "Queue", "Schedule", "TaskType", "Webhook"] {
        let method = format!("Update{message}");
        let mut messages = descriptors.file.iter().flat_map(|file| &file.message_type);
        let fields = &messages.find(|found| found.name() == message).unwrap().field;
        for field in fields {
            let why = told_of(&method, field.name()).unwrap_or_default();
            assert!(
                !why.contains("must be one of"),
                "{method} {}: {why}",
                field.name()
            );
        }
        for (path, what) in [
            ("namespace", "must not be namespace, which never changes"),
            ("etag", "must not be etag, which is output only"),
            ("description.x", "description is replaced, not merged"),
            ("nonsense", "must be one of"),
        ] {
            let why = told_of(&method, path).unwrap();
            assert!(why.contains(what), "{method} {path}: {why}");
        }
    }
}

#[test]
fn a_pause_among_other_edits_is_not_lost_without_a_word() {
    let queue = v1::UpdateQueueRequest {
        queue: Some(v1::Queue {
            name: "a".to_owned(),
            paused: true,
            note: "n".to_owned(),
            concurrency_limit: Some(1),
            ..Default::default()
        }),
        ..Default::default()
    };
    let expected = [("queue.paused", "PauseQueue"), ("queue.note", "ResumeQueue")];
    refused("UpdateQueue", &queue, Reason::InvalidField, &expected);
    let schedule = v1::UpdateScheduleRequest {
        schedule: Some(v1::Schedule {
            name: "a".to_owned(),
            paused: true,
            ..Default::default()
        }),
        ..Default::default()
    };
    let expected = [
        ("schedule.paused", "PauseSchedule"),
        ("schedule", "at least one field"),
    ];
    refused("UpdateSchedule", &schedule, Reason::InvalidField, &expected);
    let webhook = v1::UpdateWebhookRequest {
        webhook: Some(v1::Webhook {
            name: "a".to_owned(),
            paused: true,
            url: "https://example.com".to_owned(),
            ..Default::default()
        }),
        ..Default::default()
    };
    let expected = [("webhook.paused", "PauseWebhook")];
    refused("UpdateWebhook", &webhook, Reason::InvalidField, &expected);
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
