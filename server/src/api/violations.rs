//! Collects what is wrong with a request: all of it at once, each by its path.

use std::fmt;

use super::value::Flaw;
use crate::schema::write_key;

/// Violations that are kept with their words. Beyond that they are only counted: an answer lists fewer anyway, and
/// a request of 4 MiB can break a rule half a million times.
const KEPT_MAX_COUNT: usize = 100;

/// Where in a request a value stands, spelled as the contract spells it: `requests[3].task.labels["a b"]`.
///
/// Paths live on the stack and are written out only where something is wrong.
#[derive(Clone, Copy)]
pub(crate) struct Path<'a> {
    parent: Option<&'a Path<'a>>,
    step: Step<'a>,
}

#[derive(Clone, Copy)]
enum Step<'a> {
    Request,
    Field(&'a str),
    Index(usize),
    Key(&'a str),
}

impl Path<'static> {
    /// The request itself.
    pub(crate) const REQUEST: Self = Path {
        parent: None,
        step: Step::Request,
    };
}

impl<'a> Path<'a> {
    /// The field `name` of the message here.
    pub(crate) const fn field(&'a self, name: &'a str) -> Path<'a> {
        self.then(Step::Field(name))
    }

    /// The member at `index`, from 0, of the list here.
    pub(crate) const fn index(&'a self, index: usize) -> Path<'a> {
        self.then(Step::Index(index))
    }

    /// The member under `key` of the map here.
    pub(crate) const fn key(&'a self, key: &'a str) -> Path<'a> {
        self.then(Step::Key(key))
    }

    const fn then(&'a self, step: Step<'a>) -> Path<'a> {
        Path {
            parent: Some(self),
            step,
        }
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(parent) = self.parent {
            parent.fmt(f)?;
        }
        match self.step {
            Step::Request => Ok(()),
            Step::Field(name) if self.parent.is_some_and(|p| p.parent.is_some()) => write!(f, ".{name}"),
            Step::Field(name) => f.write_str(name),
            Step::Index(index) => write!(f, "[{index}]"),
            Step::Key(key) => write_key(f, key),
        }
    }
}

/// Which rule was broken; it decides the reason of the refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rule {
    /// Any rule of a field.
    Field,
    /// A payload is larger than a payload may be.
    PayloadSize,
    /// A list has more members than the call takes.
    BatchSize,
    /// A filter does not parse or names what it may not, at this byte of it.
    Filter {
        /// Where in the filter, in bytes.
        position: usize,
    },
}

/// One broken rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Violation {
    /// Where.
    pub(crate) path: String,
    /// What is wrong and what would be right, for people.
    pub(crate) what: String,
    /// Which kind of rule.
    pub(crate) rule: Rule,
}

/// What is wrong with one request.
///
/// Readers of a request answer `None` for what they cannot use and have said why here; so a request that was read
/// whole is usable exactly if this is empty.
#[derive(Debug, Default)]
pub(crate) struct Violations {
    kept: Vec<Violation>,
    count: usize,
}

impl Violations {
    /// Notes that the value at `path` breaks a rule; `what` goes on after the path: "must be a UUID".
    pub(crate) fn add(&mut self, path: &Path<'_>, what: impl Into<String>) {
        self.add_rule(path, what, Rule::Field);
    }

    /// As [`Self::add`], for a rule that has a reason of its own.
    pub(crate) fn add_rule(&mut self, path: &Path<'_>, what: impl Into<String>, rule: Rule) {
        self.push(rule, || (path.to_string(), what.into()));
    }

    /// As [`Self::add`], for a flaw inside the document at `path`.
    pub(crate) fn add_flaw(&mut self, path: &Path<'_>, flaw: &Flaw) {
        let Flaw { path: inner, what } = flaw;
        self.push(Rule::Field, || (format!("{path}{inner}"), (*what).to_owned()));
    }

    /// As [`Self::add`], at a place inside the document at a path.
    pub(crate) fn add_at(&mut self, (path, inner): (&Path<'_>, &str), what: String) {
        self.push(Rule::Field, || (format!("{path}{inner}"), what));
    }

    fn push(&mut self, rule: Rule, words: impl FnOnce() -> (String, String)) {
        self.count += 1;
        if self.kept.len() < KEPT_MAX_COUNT {
            let (path, what) = words();
            self.kept.push(Violation { path, what, rule });
        }
    }

    /// The first ones, in the order of the request.
    pub(crate) fn kept(&self) -> &[Violation] {
        &self.kept
    }

    /// All of them, those not kept included.
    pub(crate) const fn count(&self) -> usize {
        self.count
    }

    /// Hands out what was read if nothing is wrong, else everything that is.
    pub(crate) fn finish<T>(self, read: Option<T>) -> Result<T, Self> {
        match read {
            Some(read) if self.count == 0 => Ok(read),
            Some(_) | None => {
                debug_assert!(self.count > 0, "a reader gave up without saying why");
                Err(self)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_spelled_as_the_contract_spells_fields() {
        let requests = Path::REQUEST.field("requests");
        let member = requests.index(3);
        let task = member.field("task");
        let labels = task.field("labels");
        assert_eq!(task.to_string(), "requests[3].task");
        assert_eq!(labels.key("team").to_string(), "requests[3].task.labels.team");
        assert_eq!(labels.key("a b").to_string(), r#"requests[3].task.labels["a b"]"#);
        assert_eq!(labels.key("").to_string(), r#"requests[3].task.labels[""]"#);
        assert_eq!(
            labels.key("\0\u{202e}").to_string(),
            r#"requests[3].task.labels["\0\u{202e}"]"#
        );
        let long = "ü".repeat(41);
        let shown = format!("requests[3].task.labels[\"{}...\"]", "ü".repeat(40));
        assert_eq!(labels.key(&long).to_string(), shown);
    }

    #[test]
    fn violations_beyond_the_kept_ones_are_counted() {
        let mut violations = Violations::default();
        for index in 0..250 {
            violations.add(&Path::REQUEST.field("ids").index(index), "must be a UUID");
        }
        assert_eq!(violations.count(), 250);
        assert_eq!(violations.kept().len(), 100);
        assert_eq!(violations.kept()[99].path, "ids[99]");
        assert!(violations.finish(Some(())).is_err());
    }

    #[test]
    fn a_request_without_violations_is_handed_out() {
        assert_eq!(Violations::default().finish(Some(7)).unwrap(), 7);
    }
}
