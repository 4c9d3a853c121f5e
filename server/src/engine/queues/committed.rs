//! What a commit means for queues: what they are now, and whom that lets go on.

use std::sync::Arc;

use baton_domain::Timestamp;

use super::known::Known;
use super::limits::{Changes, Slot};
use crate::engine::committer::Committer;
use crate::store::StandingQueue;

/// Places that one commit is told to have become free, at most: more calls than that are woken by those.
const WOKEN: usize = 1_000;

impl Committer {
    /// Takes over what was written of queues, and wakes who waits for what became free.
    pub(in crate::engine) fn queues_committed(&mut self, changes: Changes, now: Timestamp) {
        for ((namespace, name), slot) in changes.0 {
            let freed = self.take_over((&namespace, &name), slot, now);
            if freed > 0 {
                self.workers().parked.freed((&namespace, &name), freed.min(WOKEN));
            }
        }
    }

    /// Answers how many places became free.
    fn take_over(&mut self, (namespace, name): (&str, &str), slot: Slot, now: Timestamp) -> usize {
        let Slot {
            before,
            now: standing,
            keys,
            held_back,
        } = slot;
        let Some(standing) = standing else {
            Arc::make_mut(&mut self.queues).remove(namespace, name);
            return usize::from(before.is_some()) * WOKEN;
        };
        let same = |before: &StandingQueue| before.queue.id == standing.queue.id;
        let before = before.filter(same);
        let known = Arc::make_mut(&mut self.queues).get_mut(namespace, name);
        let known = known.filter(|known| same(&known.standing));
        let was_held_back = known.as_ref().is_some_and(|known| known.held_back);
        let mut of_keys = known
            .map(|known| std::mem::take(&mut known.keys))
            .unwrap_or_default();
        let mut freed = before
            .as_ref()
            .map_or(0, |before| before.usage.leased - standing.usage.leased);
        let mut freed_of_keys = 0;
        for (key, leased) in keys {
            let was = if leased == 0 {
                of_keys.remove(&key)
            } else {
                of_keys.insert(key, leased)
            };
            freed_of_keys += (was.unwrap_or(0) - leased).max(0);
        }
        freed = freed.max(freed_of_keys);
        let room = standing.queue.room(standing.usage, now);
        // Whatever was said of it anew may let any number go on.
        if before
            .as_ref()
            .is_none_or(|before| !Arc::ptr_eq(&before.queue, &standing.queue))
        {
            freed = room;
        }
        let known = Known {
            held_back: held_back || was_held_back,
            keys: of_keys,
            standing,
        };
        let turned = before.is_none_or(|before| before.usage.bucket != known.standing.usage.bucket);
        if turned || held_back {
            self.turn_comes(&known, now);
        }
        Arc::make_mut(&mut self.queues).put(known);
        usize::try_from(freed.min(room)).unwrap_or(0)
    }

    /// Tells when the next turn of a rate limit is: at once where there is one left, and ready tasks may be.
    fn turn_comes(&self, known: &Known, now: Timestamp) {
        let room = known.standing.queue.room(known.standing.usage, now);
        if room > 0 && known.held_back {
            self.workers().turns.at(now, &known.standing);
        } else {
            self.workers().turns.wait(&known.standing, now);
        }
    }
}
