//! An archive that holds: it is read to its end before any of it is written.

use std::fs::File;

use super::ArchiveCounts;
use super::ledger::Ledger;
use super::read::{Batches, Fault, Target};

/// An archive that was read once from its beginning to its end, and holds.
pub struct Archive {
    file: File,
    target: Target,
    /// The namespace it goes to.
    pub namespace: String,
    /// What is in it.
    pub counts: ArchiveCounts,
}

impl Archive {
    /// Reads all of `file`. Takes as long as that takes, and some fifty bytes of memory for each task.
    ///
    /// # Errors
    /// What is wrong with it, and where.
    pub fn check(file: File, target: Target) -> Result<Self, Fault> {
        let mut batches = Batches::open(&file, target.clone())?;
        let mut ledger = Ledger::default();
        while let Some(batch) = batches.judged(Some(&mut ledger))? {
            ledger.points(&batch).map_err(|what| batches.fault(what))?;
        }
        ledger.close().map_err(|what| batches.fault(what))?;
        let (namespace, counts) = (batches.target.namespace.clone(), batches.counts);
        drop(batches);
        Ok(Self {
            file,
            target,
            namespace,
            counts,
        })
    }

    /// What is to be written, in its order.
    ///
    /// # Errors
    /// The file cannot be read any more.
    pub fn batches(&self) -> Result<Batches<'_>, Fault> {
        let mut batches = Batches::open(&self.file, self.target.clone())?;
        batches.end = self.counts.events;
        Ok(batches)
    }
}

impl std::fmt::Debug for Archive {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Archive")
            .field("namespace", &self.namespace)
            .field("counts", &self.counts)
            .finish_non_exhaustive()
    }
}
