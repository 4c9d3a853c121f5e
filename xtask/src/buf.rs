//! The rules of the proto files, held by buf.

use std::ffi::OsStr;
use std::path::Path;

use crate::run;

/// The image of the last released proto files; absent before the first release.
const RELEASED: &str = "proto/released.binpb";

/// Lints the proto files and compares their format with buf's own.
pub fn lint(buf: &Path) -> anyhow::Result<()> {
    run::command(run::in_root(buf).arg("lint"))?;
    run::command(run::in_root(buf).args(["format", "--diff", "--exit-code"]))
}

/// Fails if the proto files take back or alter something that the last release promised.
pub fn breaking(buf: &Path) -> anyhow::Result<()> {
    let root = crate::root();
    if root.join(RELEASED).exists() {
        return compare(buf, &root, RELEASED);
    }
    eprintln!("    nothing released yet: {RELEASED} does not exist");
    Ok(())
}

/// Writes the image of the proto files of `workspace` (a folder with a buf.yaml) to `image`.
pub fn build(buf: &Path, workspace: &Path, image: &Path) -> anyhow::Result<()> {
    run::command(
        run::in_root(buf)
            .arg("build")
            .arg("--output")
            .arg(image)
            .current_dir(workspace),
    )
}

/// Fails if the proto files of `workspace` break a client of those in `image`.
pub fn compare(buf: &Path, workspace: &Path, image: impl AsRef<OsStr>) -> anyhow::Result<()> {
    run::command(
        run::in_root(buf)
            .arg("breaking")
            .arg("--against")
            .arg(image)
            .current_dir(workspace),
    )
}
