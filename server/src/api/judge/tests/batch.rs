use super::*;

fn with(task: v1::Task) -> v1::CreateTaskRequest {
    v1::CreateTaskRequest {
        task: Some(task),
        ..Default::default()
    }
}

fn on(sibling: &str) -> v1::Dependency {
    v1::Dependency {
        r#ref: sibling.to_owned(),
        ..Default::default()
    }
}

fn batch(requests: Vec<v1::CreateTaskRequest>) -> v1::BatchCreateTasksRequest {
    v1::BatchCreateTasksRequest {
        requests,
        ..Default::default()
    }
}

fn member(name: &str, waits_for: &[&str]) -> v1::CreateTaskRequest {
    v1::CreateTaskRequest {
        r#ref: name.to_owned(),
        ..with(v1::Task {
            dependencies: waits_for.iter().map(|sibling| on(sibling)).collect(),
            ..Default::default()
        })
    }
}

#[test]
fn members_of_a_batch_name_each_other_in_any_order() {
    let request = batch(vec![
        member("a", &["b", "c"]),
        member("b", &[]),
        member("c", &["b"]),
    ]);
    accepted("BatchCreateTasks", &request);
}

#[test]
fn a_batch_tells_every_members_violations() {
    let broken = v1::CreateTaskRequest {
        request_id: ID.to_owned(),
        validate_only: true,
        task_id: ID.to_owned(),
        ..member("a", &["b", "nobody", "b"])
    };
    let stranger = with(v1::Task {
        namespace: "elsewhere".to_owned(),
        ..Default::default()
    });
    let twin = v1::CreateTaskRequest {
        task_id: ID.to_owned(),
        ..member("b", &[])
    };
    let expected = [
        ("requests[2].task_id", "that of requests[1]"),
        ("requests[4].ref", "sibling before"),
        ("requests[3].task.namespace", "requests[0]"),
        ("requests[1].validate_only", "false inside"),
        ("requests[1].request_id", "the batch has one"),
        ("requests[1].task.dependencies[1].ref", "ref of a sibling"),
        ("requests[1].task.dependencies[2]", "stands here already"),
    ];
    let request = batch(vec![member("", &[]), broken, twin, stranger, member("b", &[])]);
    refused("BatchCreateTasks", &request, Reason::InvalidField, &expected);
}

#[test]
fn batches_are_bounded() {
    let expected = [("requests", "at least one")];
    refused(
        "BatchCreateTasks",
        &batch(vec![]),
        Reason::InvalidField,
        &expected,
    );
    accepted("BatchCreateTasks", &batch(vec![member("", &[]); 1_000]));
    let over = batch(vec![member("", &[]); 1_001]);
    refused(
        "BatchCreateTasks",
        &over,
        Reason::BatchTooLarge,
        &[("requests", "it has 1001")],
    );
}

#[test]
fn a_flood_of_violations_is_counted() {
    let member = v1::CreateTaskRequest::default();
    let found = violations(judged("BatchCreateTasks", &batch(vec![member; 1_000])).unwrap_err());
    assert_eq!(found.len(), 21);
    assert_eq!(found[20].1, "and 980 more violations");
}
