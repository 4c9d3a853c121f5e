//! A task that fills every field, and its parts.

use baton_domain::{
    Artifact, AttemptOutcome, Blocker, Dependency, FailureRule, Function, FunctionKind, InputRequest, Lease,
    PayloadKind, Priority, Progress, Receipt, ReceiptStatus, RetryPolicy, Run, RunEnd, Span, State, Task,
    TaskError, TaskId, Timeouts, Timers, Timestamp, Verification, VerificationItem,
};
use bytes::Bytes;
use uuid::Uuid;

use super::fixture::{NOW, all_bytes, human, labels, payload};

/// A task that fills every field, with texts that break careless quoting. No command could lead to it.
pub(super) fn maximal(id: TaskId) -> Task {
    let text = "quote \" slash \\ newline \n tab \t bell \u{7} euro € smile 😀 ' ; -- ]".to_owned();
    Task {
        id,
        namespace: "other".to_owned(),
        queue: "q-1".to_owned(),
        task_type: "generate".to_owned(),
        function: Some(function(&text)),
        title: text.clone(),
        description: text.repeat(20),
        input: Some(payload(PayloadKind::Data, 3, all_bytes())),
        output: Some(payload(PayloadKind::Uri, 2, Bytes::new())),
        receipt: Some(receipt(&text)),
        checkpoint: Some(payload(PayloadKind::Data, 6, all_bytes())),
        error: Some(error(&text)),
        state: State::Paused,
        state_reason: "paused".into(),
        state_message: text.clone(),
        priority: Priority::Critical,
        labels: labels(&[("a/b.c-d_e", &text), ("empty", "")]),
        metadata: Some(all_bytes()),
        creator: human(),
        assignee: Some(human()),
        leased: true,
        lease: Some(LEASE),
        progress: Some(progress(&text)),
        parent_id: Some(TaskId(Uuid::from_u128(9))),
        dependencies: vec![dependency(None), dependency(Some(State::Dead))],
        schedule_time: Some(Timestamp::from_micros(i64::MAX)),
        create_time: Timestamp::from_micros(-1),
        update_time: NOW,
        queue_time: Some(Timestamp::from_micros(0)),
        start_time: Some(NOW),
        end_time: None,
        attempt: 7,
        retry_count: 8,
        cleared_input: 0,
        checkpoint_version: 6,
        execution_count: 9,
        run_count: 10,
        output_count: 11,
        retry_policy: Some(retry_policy(&text)),
        timeouts: TIMEOUTS,
        timers: Timers {
            since: Timestamp::from_micros(0),
            spent: Span::from_secs(3),
            total_since: Timestamp::from_micros(1),
        },
        verification: Verification::Receipt,
        verification_grace: Some(Span::ZERO),
        dedup_key: text.clone(),
        input_requests: input_requests(&text),
        fence: i64::MAX,
        paused_from: Some(State::Review),
        revision: 12,
        edit_revision: 11,
        spec_hash: [255; 32],
        last_call: Some(i64::MIN),
        handover_call: Some(i64::MAX),
        has_dependants: true,
        has_children: true,
    }
}

/// One that is answered, one that has as little as it may.
fn input_requests(text: &str) -> Vec<InputRequest> {
    vec![
        input_request("k1", text),
        InputRequest {
            schema: None,
            deadline_time: None,
            default_input: None,
            answer: None,
            answerer: None,
            ..input_request("k2", "")
        },
    ]
}

pub(super) fn function(text: &str) -> Function {
    Function {
        kind: FunctionKind::Agentic,
        name: text.to_owned(),
        description: text.to_owned(),
        args: Some(all_bytes()),
        output: Some(Bytes::new()),
        prompt_template: "{{name}}".to_owned(),
    }
}

pub(super) fn error(text: &str) -> TaskError {
    TaskError {
        code: "E1".to_owned(),
        message: text.to_owned(),
        details: Some(all_bytes()),
        retry_after: Some(Span::from_secs(5)),
        non_retryable: true,
    }
}

pub(super) fn progress(text: &str) -> Progress {
    Progress {
        percent: Some(0),
        current_step: text.to_owned(),
        message: String::new(),
        estimated_time_remaining: Some(Span::ZERO),
    }
}

pub(super) fn dependency(result: Option<State>) -> Dependency {
    let id = result.map_or(1, |state| 2 + u128::from(state.number().unsigned_abs()));
    Dependency {
        task_id: TaskId(Uuid::from_u128(id)),
        on_failure: FailureRule::Continue,
        result,
    }
}

pub(super) fn retry_policy(text: &str) -> RetryPolicy {
    RetryPolicy {
        max_attempts: Some(0),
        initial_backoff: Some(Span::ZERO),
        max_backoff: Some(Span::from_secs(60)),
        backoff_multiplier: Some(0.1),
        jitter: Some(f64::MIN_POSITIVE),
        retry_outcomes: vec![AttemptOutcome::Killed, AttemptOutcome::Error],
        non_retryable_codes: vec![text.to_owned(), String::new()],
    }
}

pub(super) fn input_request(key: &str, text: &str) -> InputRequest {
    InputRequest {
        key: key.to_owned(),
        prompt: text.to_owned(),
        schema: Some(all_bytes()),
        deadline_time: Some(Timestamp::from_micros(-2)),
        default_input: Some(payload(PayloadKind::Json, 1, all_bytes())),
        choices: vec!["yes".to_owned(), text.to_owned()],
        answer: Some(payload(PayloadKind::Json, 1, all_bytes())),
        answerer: Some(human()),
    }
}

/// With one of everything, and with none of everything where there may be more.
pub(super) fn receipt(text: &str) -> Box<Receipt> {
    Box::new(Receipt {
        status: ReceiptStatus::Blocked,
        blockers: vec![
            Blocker {
                kind: "missing_access".to_owned(),
                message: text.to_owned(),
                suggested_fix: "ask".to_owned(),
                required_from_user: true,
            },
            Blocker::default(),
        ],
        artifacts: vec![Artifact {
            kind: "file".to_owned(),
            uri: "file:///tmp/a".to_owned(),
            description: text.to_owned(),
        }],
        verification: vec![VerificationItem {
            kind: "command".to_owned(),
            value: "cargo test".to_owned(),
            expected: text.to_owned(),
        }],
        no_verification: true,
        summary: text.to_owned(),
    })
}

/// A run that fills every field.
pub(super) fn run(task_id: TaskId, number: i32) -> Run {
    Run {
        task_id,
        number,
        attempt: 3,
        fence: i64::MAX,
        namespace: "other".to_owned(),
        queue: "q-1".to_owned(),
        task_type: "generate".to_owned(),
        assignee: Some(human()),
        start_time: Timestamp::from_micros(-1),
        end: Some(run_end("because")),
    }
}

pub(super) fn run_end(text: &str) -> RunEnd {
    RunEnd {
        outcome: AttemptOutcome::Killed,
        error: Some(error(text)),
        output: Some(payload(PayloadKind::Uri, 2, Bytes::new())),
        end_time: NOW,
    }
}

pub(super) const LEASE: Lease = Lease {
    duration: Span::from_secs(30),
    expire_time: NOW,
};

pub(super) const TIMEOUTS: Timeouts = Timeouts {
    queue: Some(Span::ZERO),
    attempt: Some(Span::from_secs(1)),
    total: Some(Span::from_secs(2)),
};
