//! What a holder says of its work when it hands it in, and what follows from that.

use crate::limits::INPUT_REQUESTS_KEPT;
use crate::names::named_enum;
use crate::task::{InputRequest, TaskError};

named_enum! {
    /// How the work ended, in its holder's words. Numbers are those of the proto enum.
    ReceiptStatus {
        /// Done.
        Completed = 1, "COMPLETED";
        /// It cannot go on without somebody else.
        Blocked = 2, "BLOCKED";
        /// It failed.
        Failed = 3, "FAILED";
    }
}

/// A receipt (seed S1-25).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// How the work ended.
    pub status: ReceiptStatus,
    /// What keeps it from going on.
    pub blockers: Vec<Blocker>,
    /// What was made.
    pub artifacts: Vec<Artifact>,
    /// How it can be verified.
    pub verification: Vec<VerificationItem>,
    /// There is nothing to verify.
    pub no_verification: bool,
    /// For people.
    pub summary: String,
}

/// What keeps the work from going on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Blocker {
    /// Stable, for programs.
    pub kind: String,
    /// For people.
    pub message: String,
    /// What would help.
    pub suggested_fix: String,
    /// Only a person can help.
    pub required_from_user: bool,
}

/// Something that was made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Artifact {
    /// For example `file`.
    pub kind: String,
    /// Where it is.
    pub uri: String,
    /// For people.
    pub description: String,
}

/// A way to verify the work.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VerificationItem {
    /// `command`, `file` or `url`.
    pub kind: String,
    /// What to run or look at.
    pub value: String,
    /// What is then to be seen.
    pub expected: String,
}

/// What a receipt says about verification (seed S1-34 to 36).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finding {
    /// It names ways to verify the work.
    Items,
    /// It says that there is nothing to verify.
    NothingToVerify,
    /// Nothing: no receipt, or no word about it.
    Silent,
}

/// What `receipt` says about verification. Ways to verify count before the word that there are none.
#[must_use]
pub fn finding(receipt: Option<&Receipt>) -> Finding {
    match receipt {
        Some(receipt) if !receipt.verification.is_empty() => Finding::Items,
        Some(receipt) if receipt.no_verification => Finding::NothingToVerify,
        _ => Finding::Silent,
    }
}

impl Receipt {
    /// A receipt that says no more than how the work ended.
    #[must_use]
    pub const fn new(status: ReceiptStatus) -> Self {
        Self {
            status,
            blockers: Vec::new(),
            artifacts: Vec::new(),
            verification: Vec::new(),
            no_verification: false,
            summary: String::new(),
        }
    }

    /// The questions that its blockers put, at most as many as a task keeps; one where it names no blocker.
    /// `sequence`: that of the event which carries it, so that their keys are new in the task.
    #[must_use]
    pub fn questions(&self, sequence: i64) -> Vec<InputRequest> {
        let question =
            |(n, prompt): (usize, String)| InputRequest::new(format!("blocker-{sequence}-{}", n + 1), prompt);
        if self.blockers.is_empty() {
            let summary = self.summary.trim();
            let prompt = if summary.is_empty() {
                "the work cannot go on, and its receipt does not say why"
            } else {
                summary
            };
            return vec![question((0, prompt.to_owned()))];
        }
        let prompts = self.blockers.iter().map(Blocker::prompt);
        prompts
            .take(INPUT_REQUESTS_KEPT)
            .enumerate()
            .map(question)
            .collect()
    }

    /// The error of a task whose receipt says that the work failed.
    #[must_use]
    pub fn failure(&self) -> TaskError {
        let first = self.blockers.first().map(|blocker| blocker.message.as_str());
        let texts = [self.summary.trim(), first.unwrap_or_default()];
        let message = texts.into_iter().find(|text| !text.is_empty());
        TaskError::new(
            "REPORTED_FAILED",
            message.unwrap_or("its receipt says that the work failed"),
        )
    }
}

impl Blocker {
    fn prompt(&self) -> String {
        let known = [&self.message, &self.kind];
        let what = known.into_iter().find(|text| !text.trim().is_empty());
        let what = what.map_or("something keeps the work from going on", |text| text.trim());
        if self.suggested_fix.trim().is_empty() {
            return what.to_owned();
        }
        format!("{what} (suggested: {})", self.suggested_fix.trim())
    }
}
