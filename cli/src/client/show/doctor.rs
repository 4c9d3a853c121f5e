//! What `baton doctor` found.

use super::table::{self, drawn};
use crate::client::doctor::Finding;

pub(super) fn table(findings: &[Finding]) -> String {
    let mut table = table::table(&["", "CHECK", "FOUND"]);
    for finding in findings {
        let next = finding.next.as_ref().map(|next| format!("\n  next: {next}"));
        table.add_row(vec![
            finding.level.word().to_owned(),
            finding.check.to_owned(),
            finding.message.clone() + &next.unwrap_or_default(),
        ]);
    }
    drawn(table)
}

/// One object.
pub(super) fn line(finding: &Finding) -> String {
    let Finding {
        check,
        level,
        message,
        next,
    } = finding;
    serde_json::json!({ "check": check, "level": level.word(), "message": message, "next": next }).to_string()
}
