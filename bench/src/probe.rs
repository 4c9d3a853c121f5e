//! How fast the disk flushes just now.
//!
//! Virtual disks have moods: the same flush takes 0.1 ms for minutes and 4 ms for the next ones. A figure that is not
//! framed by two probes says nothing.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::statistics::{milliseconds, quantile};

/// Overwritten and flushed: two pages, as a small commit does.
const BLOCK: [u8; 8192] = [0x5a; 8192];
/// Enough for a median; 0.3 s on a disk that takes 4 ms each.
const FLUSHES: usize = 75;
/// Two probes that differ by more are two different disks.
const STEADY: f64 = 2.0;

/// Overwrites one block of a file on the disk under test and flushes it, again and again.
pub(crate) struct DiskProbe {
    file: File,
}

impl DiskProbe {
    /// Makes the file of the probe in `folder`, on the disk under test.
    pub(crate) fn new(folder: &Path) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(true);
        let file = options.open(folder.join("probe"))?;
        file.write_all_at(&BLOCK, 0)?;
        file.sync_all()?;
        Ok(DiskProbe { file })
    }

    /// The median time of `fdatasync`, in milliseconds.
    pub(crate) fn measure(&self) -> io::Result<f64> {
        let mut times = Vec::with_capacity(FLUSHES);
        for _ in 0..FLUSHES {
            times.push(self.flush(&BLOCK)?);
        }
        times.sort_unstable();
        Ok(milliseconds(quantile(&times, 0.5).unwrap_or(Duration::ZERO)))
    }

    /// Overwrites the file with `block`. Answers how long the flush took.
    pub(crate) fn flush(&self, block: &[u8]) -> io::Result<Duration> {
        self.file.write_all_at(block, 0)?;
        let started = Instant::now();
        self.file.sync_data()?;
        Ok(started.elapsed())
    }
}

/// Whether two probes saw the same mood of the disk.
pub(crate) fn steady(before_ms: f64, after_ms: f64) -> bool {
    before_ms.max(after_ms) <= STEADY * before_ms.min(after_ms)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probes_within_a_factor_of_two_are_steady() {
        assert!(steady(0.1, 0.2) && steady(0.2, 0.1) && steady(4.0, 3.1));
        assert!(!steady(0.1, 0.21) && !steady(4.0, 0.1));
    }

    #[test]
    fn a_probe_takes_time() {
        let folder = tempfile::tempdir().unwrap();
        let probe = DiskProbe::new(folder.path()).unwrap();
        assert!(probe.measure().unwrap() > 0.0);
        assert_eq!(std::fs::read(folder.path().join("probe")).unwrap(), BLOCK);
    }
}
