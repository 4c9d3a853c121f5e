//! Time zones by their IANA names, from the rules that are built in: no machine's own say counts.

use std::sync::LazyLock;

use jiff::tz::{AmbiguousOffset, TimeZone, TimeZoneDatabase};
use jiff::{SignedDuration, Timestamp as Instant, civil::DateTime};

static ZONES: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);

/// A time zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone {
    name: String,
    rules: TimeZone,
}

impl Zone {
    /// The zone of that IANA name, in any case, such as `Europe/Berlin` or `UTC`.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let rules = ZONES.get(name).ok()?;
        let name = rules.iana_name()?.to_owned();
        Some(Self { name, rules })
    }

    /// The zone without summer time.
    #[must_use]
    pub fn utc() -> Self {
        Self {
            name: "UTC".to_owned(),
            rules: TimeZone::UTC,
        }
    }

    /// Its IANA name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What its clocks show.
    pub(super) fn local(&self, instant: Instant) -> DateTime {
        self.rules.to_datetime(instant)
    }

    /// The first moment at which its clocks show `local`; where they skip it, the first one after the gap. Never sinks as
    /// `local` rises.
    pub(super) fn first(&self, local: DateTime) -> Option<Instant> {
        match self.rules.to_ambiguous_timestamp(local).offset() {
            AmbiguousOffset::Unambiguous { offset } => offset.to_timestamp(local).ok(),
            AmbiguousOffset::Fold { before, .. } => before.to_timestamp(local).ok(),
            AmbiguousOffset::Gap { before, .. } => {
                let late = before.to_timestamp(local).ok()?;
                // The clocks were put forward at that moment or within the gap before it.
                let after = late.checked_add(SignedDuration::from_secs(1)).ok()?;
                self.rules
                    .preceding(after)
                    .next()
                    .map(|change| change.timestamp())
            }
        }
    }

    /// When its clocks are put forward or back for the first time after `instant`.
    pub(super) fn change_after(&self, instant: Instant) -> Option<Instant> {
        self.rules
            .following(instant)
            .next()
            .map(|change| change.timestamp())
    }
}
