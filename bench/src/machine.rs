//! What a report says about where it was made.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Serialize;

/// The machine and the versions of a run.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Machine {
    pub(crate) date: String,
    pub(crate) processor: String,
    pub(crate) cores: usize,
    pub(crate) memory_gib: u64,
    pub(crate) kernel: String,
    /// Of the disk under test: file system and device.
    pub(crate) disk: String,
    pub(crate) rust: String,
    /// What was measured: its version and the commit.
    pub(crate) baton: String,
}

impl Machine {
    /// Looks at this machine, `folder` being on the disk under test and `server` the program under test. What cannot
    /// be found out stands as "unknown": it explains the figures, they do not need it.
    pub(crate) fn look(folder: &Path, server: &Path) -> Self {
        let cpuinfo = read("/proc/cpuinfo");
        let meminfo = read("/proc/meminfo");
        let memory_kib = field(&meminfo, "MemTotal").and_then(|text| text.strip_suffix(" kB")?.parse().ok());
        let version = said(Command::new(server).arg("--version"));
        Machine {
            date: jiff::Timestamp::now().strftime("%Y-%m-%d").to_string(),
            processor: field(&cpuinfo, "model name").unwrap_or("unknown").to_owned(),
            cores: std::thread::available_parallelism().map_or(0, usize::from),
            memory_gib: memory_kib.map_or(0, |kib: u64| kib >> 20),
            kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
            disk: mount_of(folder, &read("/proc/mounts")).unwrap_or("unknown".to_owned()),
            rust: said(Command::new("rustc").arg("--version")),
            baton: format!("{version} ({})", commit()),
        }
    }
}

fn read(file: &str) -> String {
    fs::read_to_string(file).unwrap_or_default()
}

fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let lines = text.lines().filter_map(|line| line.split_once(':'));
    let mut fields = lines.map(|(key, value)| (key.trim(), value.trim()));
    fields.find(|(key, _)| *key == name).map(|(_, value)| value)
}

/// File system and device of the innermost mount above `folder`.
fn mount_of(folder: &Path, mounts: &str) -> Option<String> {
    let folder = folder.canonicalize().ok()?;
    let mounts = mounts.lines().filter_map(|line| {
        let mut words = line.split_whitespace();
        let (device, point, kind) = (words.next()?, words.next()?, words.next()?);
        Some((PathBuf::from(point), format!("{kind} on {device}")))
    });
    let above = mounts.filter(|(point, _)| folder.starts_with(point));
    // Of two mounts on one point the later hides the earlier.
    above
        .max_by_key(|(point, _)| point.components().count())
        .map(|(_, name)| name)
}

/// The commit of the sources, with a mark where they were changed since.
fn commit() -> String {
    let revision = said(Command::new("git").args(["rev-parse", "--short=10", "HEAD"]));
    let changes = said(Command::new("git").args(["status", "--porcelain", "--untracked-files=no"]));
    match changes.as_str() {
        "" => revision,
        _ => format!("{revision} and uncommitted changes"),
    }
}

fn said(command: &mut Command) -> String {
    let output = command.output().ok().filter(|output| output.status.success());
    output.map_or_else(
        || "unknown".to_owned(),
        |output| String::from_utf8_lossy(&output.stdout).trim().to_owned(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_is_that_of_the_innermost_mount() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().canonicalize().unwrap();
        let mounts = format!(
            "/dev/a / ext4 rw 0 0\ntmpfs {} tmpfs rw 0 0\n/dev/b /nowhere xfs rw\n",
            inner.display()
        );
        assert_eq!(mount_of(&inner, &mounts).unwrap(), "tmpfs on tmpfs");
        assert_eq!(mount_of(Path::new("/"), &mounts).unwrap(), "ext4 on /dev/a");
    }

    #[test]
    fn fields_are_found_by_name() {
        let text = "model\t\t: 17\nmodel name\t: EPYC\n";
        assert_eq!(field(text, "model name"), Some("EPYC"));
        assert_eq!(field(text, "flags"), None);
    }
}
