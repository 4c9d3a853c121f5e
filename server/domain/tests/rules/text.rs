//! Receipts in the free text of a worker, as the seed finds them.

use baton_domain::ReceiptStatus;
use baton_domain::receipt::{Finding, finding};
use baton_domain::receipt_text::{NamedReceipt, receipts};
use proptest::prelude::*;

/// The seed's own schema, filled in.
const SEED: &str = r#"Fixed it, all tests pass.

```json
{
 "task_id": "a1b2c3d4e5f6-a1",
 "status": "Completed",
 "blockers": [{"type":"access","message":"no key","suggested_fix":"grant it","required_from_user":true}],
 "artifacts": [{"kind":"file","path_or_ref":"src/main.rs","description":"the fix"}],
 "verification": [{"kind":"command","value":"npm test","expected":"all pass"},
                  {"kind":"url","value":"http:\/\/x","expected":"\u00fc\ud83d\ude00"}],
 "summary": "max 8 short lines"
}
```
Current attempt: 1"#;

fn only(text: &str) -> NamedReceipt {
    let [receipt] = receipts(text).try_into().expect("there is one");
    receipt
}

fn says(text: &str) -> Finding {
    finding(Some(&only(text).receipt))
}

#[test]
fn the_seeds_receipt_is_read_whole() {
    let NamedReceipt { task_id, receipt } = only(SEED);
    assert_eq!(
        (task_id.as_str(), receipt.status),
        ("a1b2c3d4e5f6-a1", ReceiptStatus::Completed)
    );
    assert_eq!(receipt.blockers[0].message, "no key");
    assert!(receipt.blockers[0].required_from_user);
    assert_eq!(receipt.artifacts[0].uri, "src/main.rs");
    assert_eq!(receipt.verification.len(), 2);
    assert_eq!(
        (
            receipt.verification[1].value.as_str(),
            receipt.verification[1].expected.as_str()
        ),
        ("http://x", "ü😀")
    );
    assert!(!receipt.no_verification);
    assert_eq!(receipt.summary, "max 8 short lines");
}

#[test]
fn explicitly_none_is_said_in_three_ways() {
    let with = |more: &str| format!("```json\n{{\"task_id\":\"t\",\"status\":\"completed\"{more}}}\n```");
    assert_eq!(says(&with(r#","verification":[]"#)), Finding::NothingToVerify);
    assert_eq!(
        says(&with(r#","verification_required":false"#)),
        Finding::NothingToVerify
    );
    assert_eq!(
        says(&with(r#","no_verification":true"#)),
        Finding::NothingToVerify
    );
    for silent in [
        "",
        r#","verification":"npm test""#,
        r#","no_verification":"true""#,
        r#","verification_required":0"#,
    ] {
        assert_eq!(says(&with(silent)), Finding::Silent, "{silent}");
    }
    assert_eq!(
        says(&with(r#","verification":["npm test", 7]"#)),
        Finding::Items,
        "an item is one whatever it is"
    );
}

#[test]
fn lists_count_bad_blocks_do_not_and_the_last_one_of_a_task_stands() {
    let text = r#"
```JSON [{"task_id":"a","status":"blocked"}, 7, {"task_id":" b ","status":"FAILED"}, {"task_id":"c","status":"done"}] ```
```json {"task_id":"a","status":"failed",} ```
```json {"task_id":"x" ```
```json {"task_id":"a","status":"completed"} ```
{"task_id":"z","status":"completed"}"#;
    let found: Vec<_> = receipts(text)
        .into_iter()
        .map(|r| (r.task_id, r.receipt.status))
        .collect();
    let expected = [("a", ReceiptStatus::Completed), ("b", ReceiptStatus::Failed)];
    assert_eq!(found, expected.map(|(id, status)| (id.to_owned(), status)));
}

#[test]
fn only_where_no_block_has_a_receipt_pairs_are_looked_for() {
    let text = r#"I report "TASK_ID" : "a1", then some words, "status": "running", and "Status":"BLOCKED".
        ```json {"task_id": "b", "status": ```
        "task_id": "a2" "status": "completed", "verification": []"#;
    let found = receipts(text);
    let ids: Vec<_> = found
        .iter()
        .map(|r| (r.task_id.as_str(), r.receipt.status))
        .collect();
    // The regular expression of the seed takes the next status behind an id, whatever stands between them.
    assert_eq!(
        ids,
        [("a1", ReceiptStatus::Blocked), ("b", ReceiptStatus::Completed)]
    );
    assert!(found.iter().all(|r| finding(Some(&r.receipt)) == Finding::Silent));
}

#[test]
fn texts_without_a_receipt_have_none() {
    for text in [
        "",
        "done!",
        "```json```",
        "```json {} ```",
        "```json",
        r#""task_id": """#,
        r#""status":"completed" "task_id":"a""#,
    ] {
        assert_eq!(receipts(text), Vec::new(), "{text}");
    }
}

proptest! {
    #[test]
    fn no_text_panics(text in "([`{}\\[\\]\",:\\\\ ]|json|JSON|task_id|status|completed|\\\\u|d83d|ü|[a-z0-9.eE+-]){0,80}") {
        let fenced = format!("```json{text}```{text}");
        prop_assert!(receipts(&text).len() + receipts(&fenced).len() < 80);
    }
}
