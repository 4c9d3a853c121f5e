//! Masks of updates: which fields of a message an update takes.

use prost_types::FieldMask;

use crate::api::violations::{Path, Violations};

/// What an update may do with the fields of a message.
pub(super) struct Editable {
    /// Fields that it edits, in the order of the contract.
    pub(super) fields: &'static [&'static str],
    /// Fields that clients give, but not by an update, each with what to do instead.
    pub(super) fixed: &'static [(&'static str, &'static str)],
    /// Fields that are the server's.
    pub(super) output_only: &'static [&'static str],
}

/// Which fields are taken.
pub(super) enum Mask {
    /// Every one: the message is new.
    All,
    /// Every one that is not empty.
    Populated,
    /// Those named.
    Named(Vec<&'static str>),
}

impl Mask {
    /// Whether the mask names the field.
    pub(super) fn names(&self, field: &str) -> bool {
        match self {
            Self::All | Self::Populated => false,
            Self::Named(names) => names.contains(&field),
        }
    }

    fn takes(&self, field: &str, populated: bool) -> bool {
        match self {
            Self::All => true,
            Self::Populated => populated,
            Self::Named(_) => self.names(field),
        }
    }
}

impl Editable {
    /// Reads the mask of an update.
    pub(super) fn read(&self, v: &mut Violations, mask: Option<FieldMask>) -> Option<Mask> {
        let paths = mask.unwrap_or_default().paths;
        if paths.is_empty() {
            return Some(Mask::Populated);
        }
        let mask_at = Path::REQUEST.field("update_mask");
        let at = mask_at.field("paths");
        let mut names = Vec::new();
        for (index, path) in paths.iter().enumerate() {
            match self.fields.iter().find(|name| *name == path) {
                Some(name) => names.push(*name),
                None => v.add(&at.index(index), self.why_not(path)),
            }
        }
        (names.len() == paths.len()).then_some(Mask::Named(names))
    }

    fn why_not(&self, path: &str) -> String {
        if let Some((name, instead)) = self.fixed.iter().find(|(name, _)| *name == path) {
            return format!("must not be {name}, which {instead}");
        }
        if self.output_only.contains(&path) {
            return format!("must not be {path}, which is output only");
        }
        let part = path
            .split_once('.')
            .filter(|(name, _)| self.fields.contains(name));
        if let Some((name, _)) = part {
            return format!("must be the name of a whole field: {name} is replaced, not merged");
        }
        format!("must be one of {}", self.fields.join(", "))
    }

    /// Without a mask, a field that is given and not taken would be lost without a word. `given`: of the fixed ones.
    pub(super) fn check_fixed(&self, (v, at): (&mut Violations, &Path<'_>), mask: &Mask, given: &[bool]) {
        if let Mask::Populated = mask {
            debug_assert_eq!(self.fixed.len(), given.len());
            for ((name, instead), _) in self.fixed.iter().zip(given).filter(|(_, given)| **given) {
                v.add(&at.field(name), format!("must be empty: it {instead}"));
            }
        }
    }
}

/// Reads the fields that the mask takes.
pub(super) struct Taken<'a> {
    pub(super) mask: &'a Mask,
    pub(super) v: &'a mut Violations,
    /// Where the message stands.
    pub(super) at: &'a Path<'a>,
}

impl Taken<'_> {
    /// `Some(None)` where the mask does not take the field.
    pub(super) fn take<T>(
        &mut self,
        name: &str,
        populated: bool,
        read: impl FnOnce(&mut Violations, &Path<'_>) -> Option<T>,
    ) -> Option<Option<T>> {
        if self.mask.takes(name, populated) {
            read(self.v, &self.at.field(name)).map(Some)
        } else {
            Some(None)
        }
    }
}
