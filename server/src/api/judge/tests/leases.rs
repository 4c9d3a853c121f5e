//! What workers ask for.

use super::*;

fn span(seconds: i64) -> Option<prost_types::Duration> {
    Some(prost_types::Duration { seconds, nanos: 0 })
}

fn worker() -> v1::Actor {
    v1::Actor {
        r#type: v1::ActorType::Service.into(),
        id: "w".to_owned(),
        name: String::new(),
    }
}

fn names(count: usize) -> Vec<String> {
    (0..count).map(|n| format!("n{n}")).collect()
}

#[test]
fn a_poll_at_its_limits_is_taken() {
    let request = v1::LeaseTasksRequest {
        worker: Some(worker()),
        queues: names(16),
        types: names(15).into_iter().chain([String::new()]).collect(),
        max_tasks: 256,
        lease_duration: span(3_600),
        wait_timeout: span(60),
        max_bytes: i32::MAX,
        ..Default::default()
    };
    assert!(judge("LeaseTasks", &request.encode_to_vec()).unwrap().is_ok());
}

#[test]
fn everything_wrong_with_a_poll_is_told() {
    let request = v1::LeaseTasksRequest {
        namespace: "No".to_owned(),
        worker: Some(v1::Actor {
            id: "é".repeat(256 + 1),
            ..worker()
        }),
        queues: vec!["a".to_owned(), "a".to_owned(), "B".to_owned()],
        types: names(17),
        any_type: true,
        max_tasks: 257,
        lease_duration: span(4),
        wait_timeout: span(61),
        max_bytes: -1,
    };
    let expected = [
        ("namespace", "a-z 0-9 . _ -"),
        ("worker.id", "at most 256 characters"),
        ("queues[1]", "twice"),
        ("queues[2]", "a-z 0-9 . _ -"),
        ("types", "together with any_type"),
        ("max_tasks", "0 to 256"),
        ("lease_duration", "at least 5 s"),
        ("wait_timeout", "at most 60 s"),
        ("max_bytes", "0 to"),
    ];
    refused("LeaseTasks", &request, Reason::InvalidField, &expected);
    let many = v1::LeaseTasksRequest {
        worker: Some(worker()),
        types: names(17),
        lease_duration: span(3_601),
        ..Default::default()
    };
    let expected = [("types", "at most 16"), ("lease_duration", "at most 3600 s")];
    refused("LeaseTasks", &many, Reason::InvalidField, &expected);
    let none = v1::LeaseTasksRequest::default();
    let expected = [("worker", "must be given"), ("types", "or any_type")];
    refused("LeaseTasks", &none, Reason::InvalidField, &expected);
}

#[test]
fn whoever_leases_has_an_id_that_fits_a_token() {
    let request = v1::AssignTaskRequest {
        id: ID.to_owned(),
        assignee: Some(v1::Actor {
            id: "é\u{10348}".repeat(86),
            ..worker()
        }),
        lease_duration: span(30),
        ..Default::default()
    };
    let expected = [("assignee.id", "at most 512 bytes")];
    refused("AssignTask", &request, Reason::InvalidField, &expected);
}

#[test]
fn renewals_are_judged_one_by_one() {
    let renewal = |token: &str| v1::LeaseRenewal {
        id: ID.to_owned(),
        lease_token: token.to_owned(),
        progress: Some(v1::Progress {
            percent: Some(101),
            ..Default::default()
        }),
        listen_only: true,
    };
    let request = v1::RenewLeasesRequest {
        renewals: vec![renewal("x"), v1::LeaseRenewal::default()],
        lease_duration: span(1),
        wait_timeout: span(61),
    };
    let expected = [
        ("renewals[0].progress", "together with renewals[0].listen_only"),
        ("renewals[0].progress.percent", "0 to 100"),
        ("renewals[0].lease_token", "token of a lease"),
        ("renewals[1].id", "must be a UUID"),
        ("lease_duration", "at least 5 s"),
        ("wait_timeout", "at most 60 s"),
    ];
    refused("RenewLeases", &request, Reason::InvalidField, &expected);
    let many = v1::RenewLeasesRequest {
        renewals: vec![v1::LeaseRenewal::default(); 1_001],
        ..Default::default()
    };
    refused(
        "RenewLeases",
        &many,
        Reason::BatchTooLarge,
        &[("renewals", "at most 1000")],
    );
    let none = v1::RenewLeasesRequest::default();
    refused(
        "RenewLeases",
        &none,
        Reason::InvalidField,
        &[("renewals", "at least one")],
    );
}
