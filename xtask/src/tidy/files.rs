//! Rules that need no more than a file's path, size and lines.

use std::path::Path;

use anyhow::Context as _;
use ignore::WalkBuilder;

use super::Violation;

/// A Rust file shorter than this is read at one sitting.
pub(super) const AIM_LINES: usize = 400;
/// No Rust file is longer.
const MAX_LINES: usize = 500;
/// No file is larger: a repository never forgets what was once committed.
const MAX_BYTES: u64 = 1 << 20;

/// A file of the checkout that is not ignored by git.
pub struct File {
    /// Path from the root, with slashes.
    pub path: String,
    /// What it says; empty where that is not text.
    pub text: String,
    /// Its size.
    pub bytes: u64,
}

impl File {
    /// One that a test makes up.
    #[cfg(test)]
    pub(super) fn of(path: &str, text: &str) -> Self {
        File {
            path: path.to_owned(),
            text: text.to_owned(),
            bytes: text.len() as u64,
        }
    }

    pub(super) fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    /// Only tests run what is in it.
    pub(super) fn is_test(&self) -> bool {
        self.path
            .split('/')
            .any(|part| part == "tests" || part == "tests.rs")
    }

    pub(super) fn lines(&self) -> usize {
        self.text.lines().count()
    }
}

/// Reads every file under `root` that git would not ignore, committed or not.
pub(super) fn read(root: &Path) -> anyhow::Result<Vec<File>> {
    let mut files = Vec::new();
    let not_git = |entry: &ignore::DirEntry| entry.file_name() != ".git";
    for entry in WalkBuilder::new(root)
        .hidden(false)
        .require_git(false)
        .filter_entry(not_git)
        .build()
    {
        let entry = entry?;
        if !entry.file_type().is_some_and(|kind| kind.is_file()) {
            continue;
        }
        let path = entry
            .path()
            .strip_prefix(root)?
            .to_string_lossy()
            .replace('\\', "/");
        let bytes = std::fs::read(entry.path()).with_context(|| path.clone())?;
        let size = bytes.len() as u64;
        files.push(File {
            path,
            text: String::from_utf8(bytes).unwrap_or_default(),
            bytes: size,
        });
    }
    Ok(files)
}

/// Whether `file` is allowed but longer than it should be.
pub(super) fn is_long(file: &File) -> bool {
    file.is_rust() && file.lines() > AIM_LINES
}

pub(super) fn check(files: &[File]) -> Vec<Violation> {
    let mut violations: Vec<_> = files
        .iter()
        .flat_map(|file| [size(file), leftover(file), lints(file)])
        .flatten()
        .collect();
    violations.extend(clippy_settings(files));
    violations.extend(changelog(files));
    violations
}

fn size(file: &File) -> Option<Violation> {
    if file.is_rust() && file.lines() > MAX_LINES {
        let message = format!(
            "{} lines, at most {MAX_LINES}: give a part of it a file of its own",
            file.lines()
        );
        return Some(Violation::new(file, 0, message));
    }
    let message = format!(
        "{} bytes, at most {MAX_BYTES}: make it when it is needed",
        file.bytes
    );
    (file.bytes > MAX_BYTES).then(|| Violation::new(file, 0, message))
}

fn leftover(file: &File) -> Option<Violation> {
    const CODE: [&str; 5] = [".rs", ".proto", ".toml", ".sh", ".ci/run"];
    if !CODE.iter().any(|end| file.path.ends_with(end)) {
        return None;
    }
    // In two parts, so that this file does not find itself.
    let marks = [concat!("TO", "DO"), concat!("FIX", "ME")];
    let (index, _) = file
        .text
        .lines()
        .enumerate()
        .find(|(_, line)| marks.iter().any(|mark| line.contains(mark)))?;
    Some(Violation::new(
        file,
        index + 1,
        "work left undone: do it, or file it as an issue",
    ))
}

/// Cargo does not inherit the workspace's lints by itself. A package outside the workspace has a `[workspace]` of its own.
fn lints(file: &File) -> Option<Violation> {
    let says = |text| file.text.contains(text);
    let is_member = file.path.ends_with("Cargo.toml") && says("[package]") && !says("[workspace]");
    (is_member && !says("[lints]\nworkspace = true"))
        .then(|| Violation::new(file, 0, "has no `[lints] workspace = true`"))
}

/// Clippy reads the nearest clippy.toml only, so one further down must repeat what the root's says.
fn clippy_settings(files: &[File]) -> Vec<Violation> {
    let settings = |file: &File| -> Vec<String> {
        let lines = file.text.lines().map(str::trim);
        lines
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
            .map(str::to_owned)
            .collect()
    };
    let Some(root) = files.iter().find(|file| file.path == "clippy.toml") else {
        return Vec::new();
    };
    let mut violations = Vec::new();
    for file in files.iter().filter(|file| file.path.ends_with("/clippy.toml")) {
        let own = settings(file);
        let missing = settings(root).into_iter().filter(|line| !own.contains(line));
        violations
            .extend(missing.map(|line| Violation::new(file, 0, format!("lacks the root's setting: {line}"))));
    }
    violations
}

fn changelog(files: &[File]) -> Option<Violation> {
    let file = files.iter().find(|file| file.path == "CHANGELOG.md")?;
    let has = file.text.lines().any(|line| line.trim_end() == "## [Unreleased]");
    (!has).then(|| Violation::new(file, 0, "has no section `## [Unreleased]`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(files: &[File]) -> Vec<String> {
        check(files).iter().map(Violation::to_string).collect()
    }

    #[test]
    fn a_long_file_is_named_and_a_longer_one_refused() {
        let at = |lines: usize| File::of("a/src/b.rs", &"\n".repeat(lines));
        assert!(!is_long(&at(400)));
        assert!(is_long(&at(401)));
        assert!(messages(&[at(500)]).is_empty());
        assert_eq!(
            messages(&[at(501)]),
            ["a/src/b.rs: 501 lines, at most 500: give a part of it a file of its own"]
        );
    }

    #[test]
    fn a_large_file_is_refused_whatever_it_holds() {
        let large = File {
            path: "docs/picture.png".to_owned(),
            text: String::new(),
            bytes: (1 << 20) + 1,
        };
        assert_eq!(messages(&[large]).len(), 1);
    }

    #[test]
    fn undone_work_is_found_with_its_line() {
        let text = concat!("fn a() {}\n// TO", "DO: more\n");
        assert_eq!(
            messages(&[File::of("a.rs", text)]),
            ["a.rs:2: work left undone: do it, or file it as an issue"]
        );
    }

    #[test]
    fn a_package_inherits_the_lints() {
        assert_eq!(
            messages(&[File::of("a/Cargo.toml", "[package]\nname = \"a\"\n")]).len(),
            1
        );
        assert!(messages(&[File::of("a/Cargo.toml", "[package]\n[lints]\nworkspace = true\n")]).is_empty());
    }

    #[test]
    fn a_nearer_clippy_toml_repeats_the_root() {
        let root = File::of("clippy.toml", "# why\nlimit = 5\n");
        assert!(
            messages(&[
                File::of("clippy.toml", "limit = 5\n"),
                File::of("server/clippy.toml", "limit = 5\nmore = 1\n")
            ])
            .is_empty()
        );
        assert_eq!(
            messages(&[root, File::of("server/clippy.toml", "limit = 6\n")]).len(),
            1
        );
    }

    #[test]
    fn the_changelog_has_a_place_for_the_next_entry() {
        assert_eq!(messages(&[File::of("CHANGELOG.md", "## [0.1.0]\n")]).len(), 1);
        assert!(messages(&[File::of("CHANGELOG.md", "## [Unreleased]\n\n## [0.1.0]\n")]).is_empty());
    }
}
