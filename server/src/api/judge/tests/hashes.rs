//! What two specifications have in common where one call repeats another.

use super::create::{full_task, with};
use super::*;
use crate::api::repeat::spec_hash;

#[test]
fn equal_specifications_have_equal_hashes() {
    let hash = |request: &v1::CreateTaskRequest| {
        let bytes = request.encode_to_vec();
        spec_hash(&mut raw::CreateTaskRequest::decode(&bytes[..]).unwrap())
    };
    let request = v1::CreateTaskRequest {
        task_id: ID.to_owned(),
        ..with(full_task())
    };
    let same = v1::CreateTaskRequest {
        actor: Some(human("somebody else")),
        request_id: OTHER.to_owned(),
        task: Some(v1::Task {
            revision: 7,
            etag: "\"7\"".to_owned(),
            ..full_task()
        }),
        ..request.clone()
    };
    assert_eq!(hash(&same), hash(&request));
    for other in [
        v1::Task {
            title: "another".to_owned(),
            ..full_task()
        },
        v1::Task {
            input: Some(number(2.5)),
            ..full_task()
        },
        v1::Task {
            metadata: None,
            ..full_task()
        },
        v1::Task {
            function: None,
            ..full_task()
        },
    ] {
        assert_ne!(hash(&with(other)), hash(&request));
    }
    let held = v1::CreateTaskRequest {
        hold: true,
        ..request.clone()
    };
    assert_ne!(hash(&held), hash(&request));
}

#[test]
fn the_order_of_keys_does_not_change_a_hash() {
    // The fields of the Struct {"a": true, "b": true} in both orders, as a runtime with unordered maps sends them.
    let entry = |key: u8| vec![0x0a, 0x07, 0x0a, 0x01, key, 0x12, 0x02, 0x20, 0x01];
    let request = |keys: [u8; 2]| raw::CreateTaskRequest {
        task: Some(Box::new(raw::Task {
            metadata: Some(keys.map(entry).concat().into()),
            ..Default::default()
        })),
        ..Default::default()
    };
    let [mut ab, mut ba] = [[b'a', b'b'], [b'b', b'a']].map(request);
    accepted("CreateTask", &ab);
    assert_ne!(ab, ba);
    let sent = ab.clone();
    assert_eq!(fingerprint(&mut ab), fingerprint(&mut ba));
    assert_eq!(ab, sent, "the documents are as they came");
}
