//! A turn that is one statement: one way to the database and back, where a turn that is begun takes four.
//!
//! Who had the last turn takes it that nobody has had one since. The statement looks whether that is so and nobody has one now, and
//! writes; where it is not so, it fails and nothing is written. See docs/adr/0021.

use std::time::Duration;

use sqlx::Row as _;

use super::{PostgresLink, Standing, filled, heard};
use crate::store::dialect;
use crate::store::dialect::postgres::ANSWER_TIMEOUT;
use crate::store::error::Class;
use crate::store::plan::{Parameter, Part, together};

/// A turn is begun at least that often: this is when the database tells the time.
const BEGIN_AFTER: Duration = Duration::from_secs(1);

impl PostgresLink {
    /// Whether a turn is under way.
    pub(in crate::store::writer) const fn has_turn(&self) -> bool {
        self.turn.is_some()
    }

    /// Whether the next batch may be decided and written before a turn is begun for it.
    pub(in crate::store::writer) fn may_presume(&self) -> bool {
        self.turn.is_none()
            && self.seen.is_some()
            && self.can_be_asked()
            && self.begun_at.elapsed() < BEGIN_AFTER
    }

    /// As when no turn was begun for long.
    #[cfg(test)]
    pub(in crate::store) fn rest(&mut self) {
        self.begun_at -= BEGIN_AFTER;
    }

    /// What the last turn said, where none is under way.
    pub(in crate::store::writer) const fn presumed_turn(&self) -> Option<Standing> {
        match self.turn {
            None if self.can_be_asked() => self.seen,
            _ => None,
        }
    }

    /// As [`Writer::go_back`](super::super::Writer::go_back).
    pub(in crate::store::writer) const fn go_back(&mut self, last: Option<Standing>) {
        self.seen = last;
    }

    /// Writes the parts as a turn of their own. `false`: the database refused that, and has nothing of it. As with
    /// [`Self::write`], the outcome of a call that failed or was cut off is in doubt.
    pub(in crate::store::writer) async fn write_at_once(
        &mut self,
        (parts, parameters): (Vec<Part>, Vec<Parameter>),
    ) -> Result<bool, sqlx::Error> {
        let Some((last, definition)) = self.seen else {
            return Ok(false);
        };
        self.in_doubt = true;
        let text = self.turns.of(&parts, together::turn);
        let (query, wanted) = filled(sqlx::query(text), &parts, parameters);
        let query = wanted
            .into_iter()
            .fold(query.bind(last), |query, count| query.bind(count));
        let asked = query.fetch_one(&mut self.connection);
        match heard(&mut self.is_deaf, ANSWER_TIMEOUT, asked).await {
            Ok(row) => {
                self.seen = Some((row.try_get(0)?, definition));
                self.in_doubt = false;
                Ok(true)
            }
            Err(error) if is_refusal(&error) => {
                self.in_doubt = false;
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }
}

/// Whether the database took the statement and found something wrong with it, so that nothing of it stands.
fn is_refusal(error: &sqlx::Error) -> bool {
    matches!(error, sqlx::Error::Database(_))
        && matches!(
            dialect::classify(error),
            Class::Unique | Class::Refused | Class::Statement
        )
}
