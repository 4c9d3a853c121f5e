//! Where programs run and find their payloads: folders that only the worker's user can enter, gone after each run, and where
//! the worker died, with the start of the next one.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use uuid::Uuid;

/// A worker's folder carries this name and one of its own; the lock in it is held as long as the worker lives.
const WORKER_PREFIX: &str = "worker-";
const LOCK: &str = "lock";

/// Nobody but the user reads or enters.
const FOLDER_MODE: u32 = 0o700;
const FILE_MODE: u32 = 0o600;

/// So much of a type stands in the name of a payload's file, in characters.
const TYPE_MAX: usize = 64;

/// The folder of one worker; it goes with it.
pub(crate) struct Scratch {
    path: PathBuf,
    /// Held, not read: the system lets go of it however the worker ends.
    _lock: File,
}

impl Scratch {
    /// Removes what dead workers left under `root`, and makes a folder for this one. Answers how many were removed.
    ///
    /// Errors: `root` cannot be made, or others may write there.
    pub(crate) fn open(root: &Path) -> io::Result<(Self, usize)> {
        let root = std::path::absolute(root)?;
        DirBuilder::new()
            .recursive(true)
            .mode(FOLDER_MODE)
            .create(&root)?;
        check_private(&root)?;
        // One worker at a time: a folder whose lock is not yet held is not taken for a dead one's.
        let starting = lock_file(&root)?;
        starting.lock()?;
        let removed = remove_stale(&root)?;
        let path = root.join(format!("{WORKER_PREFIX}{}", Uuid::new_v4()));
        DirBuilder::new().mode(FOLDER_MODE).create(&path)?;
        let lock = lock_file(&path)?;
        lock.lock()?;
        Ok((Scratch { path, _lock: lock }, removed))
    }

    /// A folder for one run.
    ///
    /// Errors: it cannot be made.
    pub(crate) fn run(&self) -> io::Result<RunFolder> {
        let path = self.path.join(format!("run-{}", Uuid::new_v4()));
        DirBuilder::new().mode(FOLDER_MODE).create(&path)?;
        Ok(RunFolder { path })
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        remove(&self.path);
    }
}

/// The folder of one run. Whatever happens, it goes.
pub(crate) struct RunFolder {
    path: PathBuf,
}

impl RunFolder {
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Writes the payload to a file that nobody can guess and nobody else can read.
    ///
    /// Errors: it cannot be written.
    pub(crate) fn write(&self, task_type: &str, payload: &[u8]) -> io::Result<PathBuf> {
        let plain = |c: char| {
            if c.is_ascii_alphanumeric() || "._-".contains(c) {
                c
            } else {
                '_'
            }
        };
        let plain: String = task_type.chars().take(TYPE_MAX).map(plain).collect();
        let path = self.path.join(format!("payload-{plain}-{}.json", Uuid::new_v4()));
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(FILE_MODE)
            .open(&path)?;
        file.write_all(payload)?;
        Ok(path)
    }
}

impl Drop for RunFolder {
    fn drop(&mut self) {
        remove(&self.path);
    }
}

/// What cannot be removed now, the next start tries again.
fn remove(path: &Path) {
    if let Err(error) = std::fs::remove_dir_all(path) {
        tracing::debug!(%error, path = %path.display(), "a folder cannot be removed");
    }
}

/// Others who could write there could put a folder of their own in the place of ours.
fn check_private(root: &Path) -> io::Result<()> {
    let found = root.symlink_metadata()?;
    let own = rustix::process::geteuid().as_raw();
    if found.is_dir() && found.uid() == own && found.mode() & 0o022 == 0 {
        return Ok(());
    }
    let why = format!(
        "{} must be a folder of this user in which nobody else may write",
        root.display()
    );
    Err(io::Error::new(io::ErrorKind::PermissionDenied, why))
}

fn lock_file(folder: &Path) -> io::Result<File> {
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(FILE_MODE)
        .open(folder.join(LOCK))
}

fn remove_stale(root: &Path) -> io::Result<usize> {
    let mut removed = 0;
    for entry in root.read_dir()? {
        let entry = entry?;
        let is_worker = entry.file_name().to_string_lossy().starts_with(WORKER_PREFIX);
        if !is_worker || !entry.file_type()?.is_dir() {
            continue;
        }
        let is_alive = match lock_file(&entry.path())?.try_lock() {
            Ok(()) => false,
            Err(TryLockError::WouldBlock) => true,
            Err(TryLockError::Error(error)) => return Err(error),
        };
        if !is_alive {
            remove(&entry.path());
            removed += 1;
        }
    }
    Ok(removed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(root: &Path) -> Vec<String> {
        let entries = root.read_dir().unwrap();
        let mut names: Vec<_> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn only_the_folders_of_dead_workers_are_removed() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("work");
        let (alive, removed) = Scratch::open(&root).unwrap();
        assert_eq!(removed, 0);
        let run = alive.run().unwrap();
        let payload = run.write("a", b"{}").unwrap();
        // As a worker leaves it that was killed: with a lock that nobody holds.
        let dead = root.join("worker-dead");
        std::fs::create_dir_all(dead.join("run-1")).unwrap();
        std::fs::write(dead.join("lock"), "").unwrap();
        std::fs::write(dead.join("run-1/payload-a-1.json"), "{}").unwrap();
        std::fs::write(root.join("other"), "").unwrap();
        let (second, removed) = Scratch::open(&root).unwrap();
        assert_eq!(removed, 1);
        assert!(payload.exists() && !dead.exists());
        drop((run, alive, second));
        assert_eq!(names(&root), ["lock", "other"]);
    }

    #[test]
    fn nobody_else_can_enter_or_guess() {
        let folder = tempfile::tempdir().unwrap();
        let (scratch, _) = Scratch::open(&folder.path().join("work")).unwrap();
        let run = scratch.run().unwrap();
        let file = run.write("../a b/ü", b"{}").unwrap();
        let mode = |path: &Path| path.metadata().unwrap().mode() & 0o777;
        assert_eq!((mode(run.path()), mode(&file)), (0o700, 0o600));
        let name = file.file_name().unwrap().to_str().unwrap();
        assert!(name.starts_with("payload-.._a_b__-"), "{name}");
        assert_eq!(file.parent(), Some(run.path()));
        assert_ne!(run.write("a", b"").unwrap(), run.write("a", b"").unwrap());
    }

    #[test]
    fn a_folder_in_which_others_may_write_is_refused() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("open");
        std::fs::create_dir(&root).unwrap();
        std::fs::set_permissions(&root, std::fs::Permissions::from_mode(0o777)).unwrap();
        assert!(Scratch::open(&root).is_err());
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(folder.path(), &link).unwrap();
        assert!(Scratch::open(&link).is_err());
    }
}
