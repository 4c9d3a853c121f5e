//! The only place that makes a gRPC status: a code, one `ErrorInfo`, and the standard detail that fits.

use std::collections::HashMap;
use std::error::Error;
use std::time::Duration;

use tonic::Status;
use tonic_types::{
    ErrorDetails, FieldViolation, PreconditionViolation, QuotaViolation, ResourceInfo, StatusExt,
};

pub use super::reason::{Reason, code_name};

/// `ErrorInfo.domain` of every error that Baton makes.
pub const ERROR_DOMAIN: &str = "baton.dev";

/// Details of one status, encoded, in bytes: they travel in a header, and clients allow about 8 KiB of those.
pub const DETAILS_MAX_BYTES: usize = 4 * 1024;

/// Violations of one request that are listed; what goes beyond is only counted.
pub const VIOLATIONS_MAX_COUNT: usize = 20;

/// Characters of a quotation from the request: enough to recognise it, too little to carry a payload out.
pub const QUOTE_MAX_CHARS: usize = 100;

/// Characters of any other text in a status.
const TEXT_MAX_CHARS: usize = 300;

/// A refusal in the making: collects what a status carries and becomes one by `Status::from`.
///
/// Whatever is put in is cut to its limit, so that the details never pass [`DETAILS_MAX_BYTES`].
#[derive(Debug, Clone)]
pub struct Refusal(Box<Parts>);

#[derive(Debug, Clone)]
struct Parts {
    reason: Reason,
    message: String,
    metadata: HashMap<String, String>,
    retry_after: Option<Duration>,
    fields: Vec<FieldViolation>,
    fields_beyond: usize,
    preconditions: Vec<PreconditionViolation>,
    quotas: Vec<QuotaViolation>,
    resource: Option<ResourceInfo>,
}

impl Refusal {
    /// Begins a refusal. `message` is for people: lowercase, no full stop, quotations through [`quote`].
    pub fn new(reason: Reason, message: impl AsRef<str>) -> Self {
        Refusal(Box::new(Parts {
            reason,
            message: cut(message.as_ref(), TEXT_MAX_CHARS),
            metadata: HashMap::new(),
            retry_after: None,
            fields: Vec::new(),
            fields_beyond: 0,
            preconditions: Vec::new(),
            quotas: Vec::new(),
            resource: None,
        }))
    }

    /// Makes the opaque refusal for a fault of the server and logs the chain of causes: the only log of it.
    pub fn bug(error: &(dyn Error + 'static)) -> Self {
        let causes = std::iter::successors(Some(error), |&error| error.source());
        let chain = causes.map(ToString::to_string).collect::<Vec<_>>().join(": ");
        tracing::error!(error = chain, "a call failed by a fault of the server");
        Self::opaque_bug()
    }

    /// Makes the opaque refusal for a fault that has been logged already.
    pub fn opaque_bug() -> Self {
        Self::new(Reason::Bug, "internal error: the server's log has the cause")
    }

    /// The reason that programs switch on.
    pub fn reason(&self) -> Reason {
        self.0.reason
    }

    /// What is wrong, for people.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The fields that break rules, each with what is wrong with it; not those that are only counted.
    pub fn violations(&self) -> impl Iterator<Item = (&str, &str)> {
        let fields = self.0.fields.iter();
        fields.map(|violation| (violation.field.as_str(), violation.description.as_str()))
    }

    /// The variable parts.
    pub fn metadata(&self) -> &HashMap<String, String> {
        &self.0.metadata
    }

    /// Adds a variable part to `ErrorInfo.metadata`.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl AsRef<str>) -> Self {
        self.0
            .metadata
            .insert(key.to_owned(), cut(value.as_ref(), TEXT_MAX_CHARS));
        self
    }

    /// Tells clients when to try again; only refusals that may be repeated as they are carry it.
    #[must_use]
    pub fn retry_after(mut self, delay: Duration) -> Self {
        self.0.retry_after = Some(delay);
        self
    }

    /// Adds a violation to `BadRequest`. `path` is the field as the request spells it.
    #[must_use]
    pub fn field(mut self, path: impl AsRef<str>, description: impl AsRef<str>) -> Self {
        let path = cut(path.as_ref(), QUOTE_MAX_CHARS);
        self.0.fields.push(FieldViolation::new(
            path,
            cut(description.as_ref(), TEXT_MAX_CHARS),
        ));
        self
    }

    /// Counts violations of fields that whoever found them did not keep.
    #[must_use]
    pub fn more_fields(mut self, count: usize) -> Self {
        self.0.fields_beyond += count;
        self
    }

    /// Adds a violation to `PreconditionFailure`; its type is the reason.
    #[must_use]
    pub fn precondition(mut self, subject: impl AsRef<str>, description: impl AsRef<str>) -> Self {
        self.0.preconditions.push(PreconditionViolation::new(
            self.reason().as_str(),
            cut(subject.as_ref(), QUOTE_MAX_CHARS),
            cut(description.as_ref(), TEXT_MAX_CHARS),
        ));
        self
    }

    /// Adds a violation to `QuotaFailure`. `subject` names the limit.
    #[must_use]
    pub fn quota(mut self, subject: impl AsRef<str>, description: impl AsRef<str>) -> Self {
        let subject = cut(subject.as_ref(), QUOTE_MAX_CHARS);
        self.0.quotas.push(QuotaViolation::new(
            subject,
            cut(description.as_ref(), TEXT_MAX_CHARS),
        ));
        self
    }

    /// Names the thing that is missing or in the way as `ResourceInfo`. `kind` is a word such as `task`.
    #[must_use]
    pub fn resource(mut self, kind: &str, name: impl AsRef<str>) -> Self {
        self.0.resource = Some(ResourceInfo::new(
            kind,
            cut(name.as_ref(), QUOTE_MAX_CHARS),
            "",
            "",
        ));
        self
    }

    /// Builds the status with the first `listed` violations of fields, preconditions and quotas each.
    fn status_listing(&self, listed: usize) -> Status {
        let mut details = ErrorDetails::new();
        details.set_error_info(self.reason().as_str(), ERROR_DOMAIN, self.0.metadata.clone());
        if let Some(delay) = self.0.retry_after {
            details.set_retry_info(Some(delay));
        }
        if !self.0.fields.is_empty() {
            let rest = |n| FieldViolation::new("", format!("and {n} more violations"));
            details.set_bad_request(first(&self.0.fields, self.0.fields_beyond, listed, rest));
        }
        if !self.0.preconditions.is_empty() {
            let rest = |n| PreconditionViolation::new(self.reason().as_str(), "", format!("and {n} more"));
            details.set_precondition_failure(first(&self.0.preconditions, 0, listed, rest));
        }
        if !self.0.quotas.is_empty() {
            let rest = |n| QuotaViolation::new("", format!("and {n} more"));
            details.set_quota_failure(first(&self.0.quotas, 0, listed, rest));
        }
        if let Some(resource) = &self.0.resource {
            details.set_resource_info(&resource.resource_type, &resource.resource_name, "", "");
        }
        Status::with_error_details(self.0.reason.code(), &self.0.message, details)
    }
}

impl From<Refusal> for Status {
    fn from(mut refusal: Refusal) -> Self {
        for listed in (0..=VIOLATIONS_MAX_COUNT).rev() {
            let status = refusal.status_listing(listed);
            if status.details().len() <= DETAILS_MAX_BYTES {
                return status;
            }
        }
        // Only metadata is left to blame: the reason must arrive, its variable parts need not.
        refusal.0.metadata.clear();
        refusal.status_listing(0)
    }
}

/// Quotes a piece of the request for a message: cut, in quotation marks, control and bidi characters escaped.
pub fn quote(text: &str) -> String {
    format!("\"{}\"", cut(text, QUOTE_MAX_CHARS).escape_debug())
}

/// The first `listed` items, then one that counts the rest, if there is a rest; `beyond` of it is not at hand.
fn first<T: Clone>(items: &[T], beyond: usize, listed: usize, rest: impl FnOnce(usize) -> T) -> Vec<T> {
    let mut shown: Vec<T> = items.iter().take(listed).cloned().collect();
    let left = items.len() + beyond - shown.len();
    if left > 0 {
        shown.push(rest(left));
    }
    shown
}

/// The first `max_chars` characters, with an ellipsis where something was cut off.
fn cut(text: &str, max_chars: usize) -> String {
    match text.char_indices().nth(max_chars) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tonic::Code;

    #[test]
    fn a_status_carries_its_reason_and_details() {
        let status: Status = Refusal::new(Reason::TaskNotFound, "task \"x\" does not exist")
            .with("id", "x")
            .resource("task", "x")
            .into();
        assert_eq!(status.code(), Code::NotFound);
        let details = status.get_error_details();
        let info = details.error_info().unwrap();
        assert_eq!(
            (info.reason.as_str(), info.domain.as_str()),
            ("TASK_NOT_FOUND", ERROR_DOMAIN)
        );
        assert_eq!(info.metadata["id"], "x");
        assert_eq!(details.resource_info().unwrap().resource_type, "task");
        assert!(details.retry_info().is_none());
    }

    #[test]
    fn violations_beyond_the_limit_are_counted() {
        let mut refusal = Refusal::new(Reason::InvalidField, "25 violations");
        for i in 0..25 {
            refusal = refusal.field(format!("ids[{i}]"), "must be a UUID");
        }
        let details = Status::from(refusal.clone()).get_error_details();
        let listed = &details.bad_request().unwrap().field_violations;
        assert_eq!(listed.len(), VIOLATIONS_MAX_COUNT + 1);
        assert_eq!(listed[19].field, "ids[19]");
        assert_eq!(listed[20].description, "and 5 more violations");

        let details = Status::from(refusal.more_fields(1_000)).get_error_details();
        let listed = &details.bad_request().unwrap().field_violations;
        assert_eq!(listed[20].description, "and 1005 more violations");
    }

    #[test]
    fn details_never_pass_their_limit() {
        let long = "\u{202e}ü".repeat(10_000);
        let mut refusal = Refusal::new(Reason::InvalidField, &long).retry_after(Duration::from_secs(1));
        for _ in 0..100 {
            refusal = refusal
                .field(&long, &long)
                .precondition(&long, &long)
                .quota(&long, &long);
        }
        for key in 0..50 {
            refusal = refusal.with(&format!("key{key}"), &long);
        }
        let status = Status::from(refusal.resource("task", &long));
        assert!(
            status.details().len() <= DETAILS_MAX_BYTES,
            "{}",
            status.details().len()
        );
        assert_eq!(
            status.get_error_details().error_info().unwrap().reason,
            "INVALID_FIELD"
        );
        assert!(status.message().len() < 2_000);
    }

    #[test]
    fn long_violations_give_way_before_the_reason_does() {
        let mut refusal = Refusal::new(Reason::InvalidField, "bad").with("index", "3");
        for _ in 0..30 {
            refusal = refusal.field("f".repeat(100), "d".repeat(300));
        }
        let status = Status::from(refusal);
        assert!(status.details().len() <= DETAILS_MAX_BYTES);
        let details = status.get_error_details();
        assert_eq!(details.error_info().unwrap().metadata["index"], "3");
        let listed = details.bad_request().unwrap().field_violations.clone();
        assert!(listed.len() > 5 && listed.len() < 20, "{}", listed.len());
        assert_eq!(
            listed.last().unwrap().description,
            format!("and {} more violations", 31 - listed.len())
        );
    }

    #[test]
    fn quotes_are_cut_and_escaped() {
        assert_eq!(quote("a\u{202e}\"\0"), "\"a\\u{202e}\\\"\\0\"");
        assert_eq!(quote(&"x".repeat(500)).len(), QUOTE_MAX_CHARS + 3 + 2);
    }
}
