//! Getting the peers' packages, into a folder of their own, and finding the programs that they need.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, bail};
use tokio::process::Command;
use tokio::time::timeout;

use super::{Peer, ServerKind};

pub(super) const PACKAGES: &str = include_str!("../../peers/package.json");
pub(super) const REQUIREMENTS: &str = include_str!("../../peers/requirements.txt");

/// They stand beside their packages: that is where Node looks for these.
const SCRIPTS: &[(&str, &str)] = &[
    ("lib.mjs", include_str!("../../peers/lib.mjs")),
    ("bullmq.mjs", include_str!("../../peers/bullmq.mjs")),
    ("graphile.mjs", include_str!("../../peers/graphile.mjs")),
    ("pgboss.mjs", include_str!("../../peers/pgboss.mjs")),
    ("restate.mjs", include_str!("../../peers/restate.mjs")),
    ("temporal.py", include_str!("../../peers/temporal.py")),
];

/// How long one installation may take.
const INSTALLATION: Duration = Duration::from_secs(900);

/// A folder with what could be installed.
#[derive(Debug)]
pub(crate) struct Installed {
    folder: PathBuf,
    /// What went wrong, for those who miss something.
    troubles: Vec<String>,
}

impl Installed {
    /// Writes the scripts into `folder` and gets the packages, unless they are there. What cannot be had is missing
    /// later.
    ///
    /// Errors: the folder cannot be written.
    pub(crate) async fn set_up(folder: &Path) -> anyhow::Result<Self> {
        fs::create_dir_all(folder)?;
        let folder = folder.canonicalize()?;
        for (name, text) in SCRIPTS {
            fs::write(folder.join(name), text)?;
        }
        let mut installed = Installed {
            folder,
            troubles: Vec::new(),
        };
        let packages = installed.packages().await;
        installed.note("npm", packages);
        let wheels = installed.wheels().await;
        installed.note("pip", wheels);
        Ok(installed)
    }

    fn note(&mut self, what: &str, done: anyhow::Result<()>) {
        if let Err(error) = done {
            self.troubles.push(format!("{what}: {error:#}"));
        }
    }

    async fn packages(&self) -> anyhow::Result<()> {
        let stamp = self.folder.join("package.json");
        let wanted = self.folder.join("node_modules");
        if wanted.is_dir() && is(&stamp, PACKAGES) {
            return Ok(());
        }
        fs::write(&stamp, PACKAGES)?;
        let mut npm = Command::new("npm");
        // What its packages would build or fetch by scripts of their own is not needed.
        npm.args(["install", "--no-audit", "--no-fund", "--ignore-scripts"]);
        let done = quietly(npm.current_dir(&self.folder)).await;
        if done.is_err() {
            fs::remove_file(stamp)?;
        }
        done
    }

    async fn wheels(&mut self) -> anyhow::Result<()> {
        let stamp = self.folder.join("requirements.txt");
        if is(&stamp, REQUIREMENTS) {
            return Ok(());
        }
        let mut python = Command::new("python3");
        python
            .args(["-m", "venv", "--clear"])
            .arg(self.folder.join("venv"));
        quietly(&mut python).await?;
        let mut all = Ok(());
        // One by one: what cannot be had must not keep the others away.
        for requirement in REQUIREMENTS.lines() {
            let mut pip = Command::new(self.in_venv("python"));
            pip.args(["-m", "pip", "install", "--quiet", requirement]);
            all = quietly(&mut pip).await.and(all);
        }
        all?;
        Ok(fs::write(stamp, REQUIREMENTS)?)
    }

    /// Where the scripts are.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    fn in_venv(&self, program: &str) -> PathBuf {
        self.folder.join("venv/bin").join(program)
    }

    /// A program of the machine's, or one that came with a package.
    ///
    /// Errors: there is none; why.
    pub(crate) fn program(&self, name: &str) -> anyhow::Result<PathBuf> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let on_path = std::env::split_paths(&path).map(|folder| folder.join(name));
        let restate = "node_modules/@restatedev/restate-server-linux-x64/bin";
        let packaged = [self.in_venv(name), self.folder.join(restate).join(name)];
        let mut places = on_path.chain(packaged);
        let found = places.find(|file| file.is_file());
        found.with_context(|| self.missing(&format!("no {name} on this machine")))
    }

    /// What runs the script of a peer.
    ///
    /// Errors: something is missing; what.
    pub(super) fn interpreter(&self, peer: &Peer) -> anyhow::Result<PathBuf> {
        if peer.server == ServerKind::Temporal {
            return Ok(self.in_venv("python"));
        }
        let package = self.folder.join("node_modules").join(peer.package);
        if !package.is_dir() {
            bail!(self.missing(&format!("the package {} is not installed", peer.package)));
        }
        self.program("node")
    }

    fn missing(&self, what: &str) -> String {
        let troubles = self.troubles.iter().map(String::as_str);
        std::iter::once(what)
            .chain(troubles)
            .collect::<Vec<_>>()
            .join("; ")
    }
}

fn is(file: &Path, text: &str) -> bool {
    fs::read_to_string(file).is_ok_and(|read| read == text)
}

/// Runs a command that has nothing to say unless it fails.
pub(super) async fn quietly(command: &mut Command) -> anyhow::Result<()> {
    let name = command.as_std().get_program().display().to_string();
    let output = timeout(INSTALLATION, command.kill_on_drop(true).output())
        .await
        .with_context(|| format!("{name} takes too long"))?
        .with_context(|| format!("cannot start {name}"))?;
    if !output.status.success() {
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        let last = said.lines().rev().find(|line| !line.trim().is_empty());
        bail!("{name}: {}", last.unwrap_or("failed without a word"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_fails_says_why_in_one_line() {
        let mut shell = Command::new("sh");
        shell.args(["-c", "echo first; echo 'no network' >&2; exit 3"]);
        let error = quietly(&mut shell).await.unwrap_err();
        assert_eq!(error.to_string(), "sh: no network");
        let error = quietly(&mut Command::new("no-such-program")).await.unwrap_err();
        assert!(error.to_string().contains("no-such-program"), "{error:#}");
    }

    #[test]
    fn a_program_that_is_missing_is_told_with_what_went_wrong() {
        let installed = Installed {
            folder: PathBuf::from("/nowhere"),
            troubles: vec!["npm: no network".to_owned()],
        };
        let error = installed.program("no-such-program").unwrap_err();
        assert_eq!(
            error.to_string(),
            "no no-such-program on this machine; npm: no network"
        );
    }
}
