//! What a holder says of its work.

use baton_domain::{Artifact, Blocker, Receipt, VerificationItem};
use baton_proto::raw::v1 as raw;

pub(crate) fn write(receipt: &Receipt) -> raw::Receipt {
    let Receipt {
        status,
        blockers,
        artifacts,
        verification,
        no_verification,
        summary,
    } = receipt;
    raw::Receipt {
        status: status.number(),
        blockers: blockers.iter().map(write_blocker).collect(),
        artifacts: artifacts.iter().map(write_artifact).collect(),
        verification: verification.iter().map(write_item).collect(),
        no_verification: *no_verification,
        summary: summary.clone(),
    }
}

fn write_blocker(blocker: &Blocker) -> raw::Blocker {
    let Blocker {
        kind,
        message,
        suggested_fix,
        required_from_user,
    } = blocker;
    raw::Blocker {
        r#type: kind.clone(),
        message: message.clone(),
        suggested_fix: suggested_fix.clone(),
        required_from_user: *required_from_user,
    }
}

fn write_artifact(artifact: &Artifact) -> raw::Artifact {
    let Artifact {
        kind,
        uri,
        description,
    } = artifact;
    raw::Artifact {
        kind: kind.clone(),
        uri: uri.clone(),
        description: description.clone(),
    }
}

fn write_item(item: &VerificationItem) -> raw::VerificationItem {
    let VerificationItem {
        kind,
        value,
        expected,
    } = item;
    raw::VerificationItem {
        kind: kind.clone(),
        value: value.clone(),
        expected: expected.clone(),
    }
}
