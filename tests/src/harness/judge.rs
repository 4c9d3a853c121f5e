//! What the oracle says of the evidence, and the log that a failure names.

use crate::oracle::{self, Evidence};

/// Fails the test if the oracle finds anything; the log is then in a file that the failure names.
pub fn judge(evidence: &Evidence) {
    let findings = oracle::check(evidence);
    if findings.is_empty() {
        return;
    }
    let file = std::env::temp_dir().join(format!("baton-oracle-{}.log", std::process::id()));
    std::fs::write(&file, told(evidence)).expect("a temporary file can be written");
    let shown: Vec<_> = findings.iter().take(20).map(ToString::to_string).collect();
    panic!(
        "the oracle has {} findings (the log is in {}):\n{}",
        findings.len(),
        file.display(),
        shown.join("\n")
    );
}

/// The log, a line an event.
fn told(evidence: &Evidence) -> String {
    let mut text = String::new();
    for event in evidence.namespaces.values().flat_map(|namespace| &namespace.feed) {
        let states = (oracle::short(event.from_state()), oracle::short(event.to_state()));
        let actor = event.actor.as_ref().map_or("", |actor| actor.id.as_str());
        text += &format!(
            "{} {} {} {} {} -> {} {} by {actor} {:?}\n",
            event.position,
            event.task_id,
            event.sequence,
            oracle::event_name(event.r#type()),
            states.0,
            states.1,
            event.state_reason,
            event.detail,
        );
    }
    text
}
