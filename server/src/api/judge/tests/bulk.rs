use super::*;

fn cancel(ids: &[&str], filter: &str) -> v1::BulkCancelRequest {
    v1::BulkCancelRequest {
        ids: ids.iter().map(|id| (*id).to_owned()).collect(),
        filter: filter.to_owned(),
        ..Default::default()
    }
}

#[test]
fn a_bulk_call_names_its_tasks_in_exactly_one_way() {
    accepted("BulkCancel", &cancel(&[ID, OTHER], ""));
    accepted("BulkCancel", &cancel(&[], "state = QUEUED"));
    refused(
        "BulkCancel",
        &cancel(&[], " "),
        Reason::InvalidField,
        &[("ids", "or filter")],
    );
    let both = cancel(&[ID], "state = QUEUED");
    refused(
        "BulkCancel",
        &both,
        Reason::InvalidField,
        &[("ids", "together with filter")],
    );
    let odd = cancel(&[ID, ID, "x"], "");
    let expected = [("ids[1]", "already"), ("ids[2]", "UUID")];
    refused("BulkCancel", &odd, Reason::InvalidField, &expected);
    let with_token = v1::BulkCancelRequest {
        page_token: "t".to_owned(),
        max_count: 1,
        ..cancel(&[ID], "")
    };
    let expected = [("page_token", "empty"), ("max_count", "0")];
    refused("BulkCancel", &with_token, Reason::InvalidField, &expected);
}

#[test]
fn bulk_calls_are_bounded() {
    let ids: Vec<String> = (0..1_001)
        .map(|n| format!("0199d3a0-5c00-7000-8000-{n:012}"))
        .collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    accepted("BulkCancel", &cancel(&ids[..1_000], ""));
    refused(
        "BulkCancel",
        &cancel(&ids, ""),
        Reason::BatchTooLarge,
        &[("ids", "it has 1001")],
    );
    let many = |max_count| v1::BulkCancelRequest {
        max_count,
        ..cancel(&[], "state = QUEUED")
    };
    accepted("BulkCancel", &many(10_000));
    for wrong in [-1, 10_001] {
        let expected = [("max_count", "0 to 10000")];
        refused("BulkCancel", &many(wrong), Reason::InvalidField, &expected);
    }
}

#[test]
fn a_broken_filter_has_a_reason_of_its_own_unless_more_is_wrong() {
    let refusal = judged("BulkCancel", &cancel(&[], "state = QUEUED AND nonsense = 1")).unwrap_err();
    assert_eq!(refusal.reason(), Reason::InvalidFilter);
    let details = tonic::Status::from(refusal).get_error_details();
    assert_eq!(details.error_info().unwrap().metadata["position"], "19");

    let broken = v1::BulkCancelRequest {
        reason: "\0".to_owned(),
        ..cancel(&[], "nonsense")
    };
    let expected = [("reason", "NUL"), ("filter", "")];
    refused("BulkCancel", &broken, Reason::InvalidField, &expected);
}

#[test]
fn only_states_with_a_way_into_them_are_aims() {
    let aim = |state| v1::BulkUpdateStateRequest {
        ids: vec![ID.to_owned()],
        state,
        ..Default::default()
    };
    for state in [3, 5, 7, 9, 10, 13] {
        accepted("BulkUpdateState", &aim(state));
    }
    for state in [0, 1, 2, 4, 6, 8, 11, 12, 14, -1] {
        refused(
            "BulkUpdateState",
            &aim(state),
            Reason::InvalidField,
            &[("state", "must be")],
        );
    }
}

#[test]
fn lists_are_judged() {
    let list = |order_by: &str| v1::ListTasksRequest {
        order_by: order_by.to_owned(),
        ..Default::default()
    };
    for order in [
        "",
        "create_time",
        "update_time asc",
        " priority  desc ",
        "schedule_time desc",
    ] {
        accepted("ListTasks", &list(order));
    }
    for order in [
        "id",
        "create_time down",
        "create_time desc, id",
        "create_time desc desc",
        "DROP TABLE",
    ] {
        let expected = [("order_by", "create_time, update_time")];
        refused("ListTasks", &list(order), Reason::InvalidField, &expected);
    }
    let wrong = v1::ListTasksRequest {
        namespace: "A".to_owned(),
        page_size: -1,
        view: 3,
        ..Default::default()
    };
    let expected = [
        ("namespace", "a-z"),
        ("page_size", "negative"),
        ("view", "3 is none"),
    ];
    refused("ListTasks", &wrong, Reason::InvalidField, &expected);
    let large = v1::ListTasksRequest {
        page_size: i32::MAX,
        ..Default::default()
    };
    accepted("ListTasks", &large);
}

#[test]
fn reads_by_id_are_judged() {
    let events = v1::ListTaskEventsRequest {
        id: ID.to_owned(),
        event_types: vec![1, 98, 99],
        ..Default::default()
    };
    let expected = [("event_types[1]", "98 is none"), ("event_types[2]", "99 is none")];
    refused("ListTaskEvents", &events, Reason::InvalidField, &expected);
    let get = v1::GetTaskRequest {
        id: ID.to_owned(),
        event_limit: 101,
        ..Default::default()
    };
    refused(
        "GetTask",
        &get,
        Reason::InvalidField,
        &[("event_limit", "0 to 100")],
    );
    let none = v1::BatchGetTasksRequest::default();
    refused(
        "BatchGetTasks",
        &none,
        Reason::InvalidField,
        &[("ids", "at least one")],
    );
}

#[test]
fn counts_are_filtered_by_what_is_counted_only() {
    let stats = |filter: &str| v1::GetTaskStatsRequest {
        filter: filter.to_owned(),
        ..Default::default()
    };
    accepted(
        "GetTaskStats",
        &stats("state = QUEUED AND queue = reports AND NOT type = a"),
    );
    for filter in ["labels.a = b", "labels:a", "id = 1", "priority = HIGH"] {
        let expected = [("filter", "state, queue, type")];
        refused("GetTaskStats", &stats(filter), Reason::InvalidFilter, &expected);
    }
}
