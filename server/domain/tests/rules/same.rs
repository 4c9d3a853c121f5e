//! Which creates mean the same task.

use crate::support::{NOW, agent, begin, give, id, new_task, payload, task_in};
use baton_domain::dedup::{Hold, KeyParts, Verdict, derived_key, judge, key, label};
use baton_domain::{
    Action, Actor, Command, Dedup, DedupPolicy, NewTask, Payload, PayloadKind, Rejection, Span, State,
    create, decide,
};

#[test]
fn a_derived_key_is_the_seeds() {
    let parts = KeyParts {
        requester: "agent:main",
        kind: "",
        agent_id: "coder",
        label: "fix-login",
        text: "  Fix the login\n",
        request_id: "",
    };
    // printf 'agent:main\nworker\ncoder\nfix-login\nFix the login\n' | sha256sum
    assert_eq!(
        key(&parts),
        "1f56be24ffdcb822dc263bd78cddfd3e5453ee77544b9adaf4a601abf99c049f"
    );
    let packed = KeyParts {
        text: "Fix the login\n\n[Worker result contract]\nWhen done ...",
        kind: "worker",
        ..parts
    };
    assert_eq!(
        key(&packed),
        key(&parts),
        "what was added for a worker does not count"
    );
    let plan = |text, request_id| {
        key(&KeyParts {
            kind: "planner",
            text,
            request_id,
            ..parts
        })
    };
    assert_eq!(
        plan("one", "r1"),
        plan("another", "r1"),
        "a planner is known by its request"
    );
    assert_ne!(plan("one", ""), plan("another", ""));
    let work = |request_id| KeyParts { request_id, ..parts };
    assert_ne!(key(&work("r1")), key(&work("r2")));
}

#[test]
fn tasks_of_the_same_creator_type_title_and_input_have_one_key() {
    let author = agent("author");
    let base = new_task();
    let same = NewTask {
        id: id(2),
        ..new_task()
    };
    assert_eq!(
        derived_key(&base, &author, None),
        derived_key(&same, &author, None)
    );
    let others = [
        NewTask {
            task_type: "mail".to_owned(),
            ..new_task()
        },
        NewTask {
            title: "x".to_owned(),
            ..new_task()
        },
        NewTask {
            input: Some(payload("2")),
            ..new_task()
        },
        NewTask {
            input: None,
            ..new_task()
        },
        NewTask {
            assignee: Some(agent("bob")),
            ..new_task()
        },
    ];
    for other in &others {
        assert_ne!(
            derived_key(&base, &author, None),
            derived_key(other, &author, None),
            "{other:?}"
        );
    }
    assert_ne!(
        derived_key(&base, &author, None),
        derived_key(&base, &agent("other"), None)
    );
    // Two encodings of one document, and the hash that they have in common.
    let documents = [[1; 32], [2; 32]].map(|sha256| NewTask {
        input: Some(Payload {
            kind: PayloadKind::Json,
            sha256,
            ..payload("")
        }),
        ..new_task()
    });
    let keys = documents
        .each_ref()
        .map(|new| derived_key(new, &author, Some([3; 32])));
    assert_eq!(keys[0], keys[1]);
    assert_ne!(keys[0], derived_key(&documents[0], &author, None));
}

#[test]
fn labels_are_the_seeds() {
    assert_eq!(label("  Fix the  Login! (v1.2) "), "fix-the-login-v1.2");
    assert_eq!(label(&"a".repeat(100)).len(), 64);
    assert_eq!(label("—"), "");
}

#[test]
fn a_key_is_held_while_its_task_is_open_or_for_its_window() {
    let dedup = |window| Dedup {
        key: "k".to_owned(),
        window,
        policy: DedupPolicy::Reject,
    };
    let later = NOW.plus(Span::from_secs(60));
    let open = dedup(None).hold(id(1), NOW);
    assert!(open.stands(Some(State::Review), later) && !open.stands(Some(State::Failed), NOW));
    let window: Hold = dedup(Some(Span::from_secs(60))).hold(id(1), NOW);
    assert!(window.stands(Some(State::Completed), NOW) && !window.stands(Some(State::Queued), later));
    assert!(!window.stands(None, NOW), "a task that is gone holds nothing");
    let new = NewTask {
        dedup: Some(dedup(None)),
        ..new_task()
    };
    assert_eq!(create(new, &agent("author"), NOW).task.dedup_key, "k");
}

#[test]
fn the_policy_decides_what_a_second_create_gets() {
    let queued = task_in(State::Queued);
    assert_eq!(judge(DedupPolicy::ReturnExisting, &queued), Verdict::Existing);
    assert_eq!(judge(DedupPolicy::Reject, &queued), Verdict::Refused);
    assert_eq!(judge(DedupPolicy::ReplacePending, &queued), Verdict::Replaces);
    assert_eq!(
        judge(DedupPolicy::ReplacePending, &task_in(State::InProgress)),
        Verdict::Existing
    );
    for state in State::ALL {
        let task = task_in(*state);
        let supersede = Command::new(Actor::system(), Action::Supersede { by: id(9) });
        let answer = decide(&task, &supersede, task.update_time);
        match judge(DedupPolicy::ReplacePending, &task) {
            Verdict::Replaces => {
                let old = answer.expect("it gives way").task;
                assert_eq!(
                    (old.state, old.state_reason.as_ref()),
                    (State::Cancelled, "superseded")
                );
            }
            _ => assert_eq!(answer, Err(Rejection::NothingDue), "{state}"),
        }
    }
    let released = give(&give(&queued, begin(None)), Action::Release);
    assert_eq!(
        judge(DedupPolicy::ReplacePending, &released),
        Verdict::Existing,
        "it was started"
    );
}
