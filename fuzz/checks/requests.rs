//! Any bytes as the request of any call: the first byte chooses the call, the rest is its encoded request.

use baton_server::api::{judge, methods};

/// Words and paths of a refusal travel in headers, of which clients read about 8 KiB.
const MESSAGE_MAX_BYTES: usize = 4 * 1024;

/// Panics where a request is not judged as it must be.
pub(crate) fn check(data: &[u8]) {
    let Some((choice, request)) = data.split_first() else {
        return;
    };
    let calls: Vec<_> = methods().collect();
    let method = calls[usize::from(*choice) % calls.len()];
    let first = judge(method, request).expect("the call is known");
    let again = judge(method, request).expect("the call is known");
    match (first, again) {
        (Ok(()), Ok(())) => {}
        (Err(first), Err(again)) => {
            assert_eq!(first.reason(), again.reason(), "{method}");
            assert_eq!(first.message(), again.message(), "{method}");
            assert!(
                !first.message().is_empty() && first.message().len() < MESSAGE_MAX_BYTES,
                "{method}"
            );
        }
        (first, again) => panic!("{method}: {first:?}, then {again:?}"),
    }
}
