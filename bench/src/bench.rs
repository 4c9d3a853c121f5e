//! One run of the load generator: the disk, the programs, and how a figure is framed.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use indicatif::{ProgressBar, ProgressStyle};
use tempfile::TempDir;
use tokio::process::Command;

use crate::catalogue::ROWS;
use crate::load::Load;
use crate::options::Options;
use crate::probe::DiskProbe;
use crate::process::Process;
use crate::processor::{Meter, Shares};
use crate::results::{Results, Trial};
use crate::sample;
use crate::statistics::Latency;
use crate::variant::Variant;

/// What all measurements need.
pub(crate) struct Bench {
    pub(crate) options: Options,
    pub(crate) results: Results,
    /// Of the peers' programs.
    pub(crate) versions: Vec<String>,
    /// What the PostgreSQL under test says of itself.
    pub(crate) postgres_version: Option<String>,
    /// Programs that belong to what is measured, beside the one that is named for a figure.
    pub(crate) programs: &'static [&'static str],
    pub(crate) progress: ProgressBar,
    /// The `baton` under test.
    pub(crate) server: PathBuf,
    own: PathBuf,
    folder: TempDir,
    probe: DiskProbe,
    files: u32,
}

/// What was going on around a figure: the disk before and after, and who used the processors.
pub(crate) type Frame = ([f64; 2], Option<Shares>);

/// A figure just measured.
#[derive(Clone, Debug, Default)]
pub(crate) struct Measured {
    pub(crate) figure: f64,
    pub(crate) latency: Option<Latency>,
    pub(crate) broken: Option<String>,
    pub(crate) note: Option<String>,
}

impl Measured {
    /// A number that no calls stand behind.
    pub(crate) fn number(figure: f64) -> Self {
        Measured {
            figure,
            ..Measured::default()
        }
    }

    /// The rate of a load.
    pub(crate) fn rate(load: &Load) -> Self {
        Measured {
            latency: Some(load.latency),
            ..Measured::number(load.rate)
        }
    }

    /// One of the latencies of a load.
    pub(crate) fn latency(load: &Load, pick: impl Fn(&Latency) -> f64) -> Self {
        Measured {
            latency: Some(load.latency),
            ..Measured::number(pick(&load.latency))
        }
    }
}

impl Bench {
    /// Makes a folder on the disk under test and finds the programs.
    ///
    /// Errors: there is no `baton` to measure, or no room for the folder.
    pub(crate) fn new(options: Options) -> anyhow::Result<Self> {
        let own = std::env::current_exe()?;
        let beside = own.parent().context("this program stands nowhere")?;
        let server = options.server.clone().unwrap_or_else(|| beside.join("baton"));
        ensure!(
            server.is_file(),
            "{} is missing: `cargo xtask bench` builds it",
            server.display()
        );
        // It is started in another folder.
        let server = server.canonicalize()?;
        let folder = options.folder.as_deref().unwrap_or(beside);
        // PostgreSQL refuses to run as root, and whoever it runs as has to come through.
        let passable = Permissions::from_mode(0o711);
        let folder = tempfile::Builder::new()
            .prefix("bench-")
            .permissions(passable)
            .tempdir_in(folder)?;
        let probe = DiskProbe::new(folder.path())?;
        let style = ProgressStyle::with_template("{spinner} {elapsed_precise} {prefix} {wide_bar} {msg}")?;
        let progress = ProgressBar::new(0).with_style(style);
        progress.enable_steady_tick(Duration::from_millis(200));
        Ok(Bench {
            options,
            results: Results::default(),
            versions: Vec::new(),
            postgres_version: None,
            programs: &[],
            progress,
            server,
            own,
            folder,
            probe,
            files: 0,
        })
    }

    /// Where the files of this run are; they go with it.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Where the peers are installed.
    pub(crate) fn peers_folder(&self) -> PathBuf {
        let asked = self.options.peers.clone().flatten();
        // Beside the folder of this program, so that debug and release share it.
        let target = self.own.parent().and_then(Path::parent);
        asked.unwrap_or_else(|| target.unwrap_or(Path::new(".")).join("peers"))
    }

    /// How long a figure is counted.
    pub(crate) fn counted(&self) -> Duration {
        Duration::from_secs_f64(self.options.seconds)
    }

    /// Whether one of these rows is to be reported.
    pub(crate) fn wants(&self, ids: &[&str]) -> bool {
        let mut rows = ROWS.iter().filter(|row| ids.contains(&row.id));
        rows.any(|row| self.options.wants(row))
    }

    /// A name for a new file.
    pub(crate) fn new_file(&mut self, extension: &str) -> PathBuf {
        self.files += 1;
        self.folder.path().join(format!("{}.{extension}", self.files))
    }

    /// The URL of a new SQLite file.
    pub(crate) fn new_database(&mut self) -> String {
        format!("sqlite:{}", self.new_file("db").display())
    }

    /// Starts the echo service.
    pub(crate) async fn start_echo(&mut self) -> anyhow::Result<Process> {
        let mut command = Command::new(&self.own);
        command.arg("echo");
        Process::start(command, self.new_file("log")).await
    }

    /// Starts `baton serve` with default settings, but for its address, its store, and the index that one row is about.
    pub(crate) async fn start_baton(&mut self, database: &str) -> anyhow::Result<Process> {
        let mut command = Command::new(&self.server);
        command.args(["serve", "--listen", "127.0.0.1:0", "--database", database]);
        command.env("BATON_INDEXED_LABELS", sample::INDEXED);
        command.current_dir(self.folder());
        Process::start(command, self.new_file("log")).await
    }

    /// Starts a server with one thing changed.
    pub(crate) async fn start_variant(
        &mut self,
        variant: Variant,
        database: &str,
    ) -> anyhow::Result<Process> {
        let mut command = Command::new(&self.own);
        command.args(["serve", variant.name(), database]);
        Process::start(command, self.new_file("log")).await
    }

    /// Measures a figure between two measurements of its references, in the order of `rows`; a row beyond them has
    /// none. While the disk or the neighbours disturb, it is all measured again, as often as the options say.
    ///
    /// Errors: a measurement failed.
    pub(crate) async fn measure<R, F>(
        &mut self,
        rows: &[&'static str],
        measured: u32,
        reference: R,
        figure: F,
    ) -> anyhow::Result<()>
    where
        R: AsyncFn() -> anyhow::Result<Vec<f64>>,
        F: AsyncFn() -> anyhow::Result<Measured>,
    {
        self.progress.set_message(rows[0]);
        let mut retries = 0..self.options.retries;
        loop {
            let before = reference().await?;
            let frame = self.open_frame(measured)?;
            let seen = figure().await?;
            let around = self.close_frame(&frame)?;
            let after = reference().await?;
            let trials: Vec<Trial> = (0..rows.len())
                .map(|at| {
                    let mean = |(before, after): (&f64, &f64)| f64::midpoint(*before, *after);
                    trial(&seen, before.get(at).zip(after.get(at)).map(mean), around)
                })
                .collect();
            if trials[0].disturbance().is_none() || retries.next().is_none() {
                for (row, trial) in rows.iter().zip(trials) {
                    self.tell(row, &trial);
                    self.results.add(row, trial);
                }
                return Ok(());
            }
        }
    }

    /// Takes a figure that no load stands behind.
    ///
    /// Errors: the disk cannot be probed.
    pub(crate) fn record(&mut self, row: &'static str, seen: Measured) -> anyhow::Result<()> {
        self.record_beside(row, seen, None)
    }

    /// As [`Self::record`], beside this reference.
    ///
    /// Errors: as there.
    pub(crate) fn record_beside(
        &mut self,
        row: &'static str,
        seen: Measured,
        reference: Option<f64>,
    ) -> anyhow::Result<()> {
        let probe_ms = self.probe.measure()?;
        self.add(row, seen, reference, ([probe_ms; 2], None));
        Ok(())
    }

    /// Takes a figure that was measured in this frame, beside this reference, and tells it.
    pub(crate) fn add(&mut self, row: &'static str, seen: Measured, reference: Option<f64>, frame: Frame) {
        let trial = trial(&seen, reference, frame);
        self.tell(row, &trial);
        self.results.add(row, trial);
    }

    /// Measures what needs no reference around it: between two looks at the disk, and at who uses the processors.
    ///
    /// Errors: the measurement failed.
    pub(crate) async fn frame<T>(
        &self,
        measured: u32,
        figure: impl Future<Output = anyhow::Result<T>>,
    ) -> anyhow::Result<(T, Frame)> {
        let frame = self.open_frame(measured)?;
        let seen = figure.await?;
        Ok((seen, self.close_frame(&frame)?))
    }

    /// Says loudly that a row cannot be measured, once.
    pub(crate) fn skip(&mut self, row: &'static str, why: &str) {
        if self.results.skip(row, why) {
            self.print(&format!("!!! SKIPPED {row}: {why}"));
        }
    }

    fn open_frame(&self, measured: u32) -> anyhow::Result<(f64, Meter)> {
        Ok((self.probe.measure()?, Meter::start(measured, self.programs)?))
    }

    fn close_frame(&self, (probe_ms, meter): &(f64, Meter)) -> anyhow::Result<Frame> {
        // A process that was killed on purpose has no shares any more.
        let shares = meter.stop().ok();
        Ok(([*probe_ms, self.probe.measure()?], shares))
    }

    /// One line a trial: on a terminal above the bar, else plainly.
    fn tell(&self, row: &str, trial: &Trial) {
        let ratio = trial
            .ratio()
            .map(|ratio| format!("  ratio {ratio:.3}"))
            .unwrap_or_default();
        let disturbed = trial
            .disturbance()
            .map(|what| format!("  disturbed: {what:?}"))
            .unwrap_or_default();
        let note = trial
            .broken
            .iter()
            .chain(&trial.note)
            .map(|note| format!("  {note}"))
            .collect::<String>();
        let [before, after] = trial.probes_ms;
        let line = format!(
            "{row:<22} {:>12.2}{ratio}  flush {before:.2}/{after:.2} ms{disturbed}{note}",
            trial.figure
        );
        self.print(&line);
    }

    fn print(&self, line: &str) {
        if self.progress.is_hidden() {
            eprintln!("{line}");
        } else {
            self.progress.println(line);
        }
    }
}

fn trial(seen: &Measured, reference: Option<f64>, (probes_ms, shares): Frame) -> Trial {
    let Measured {
        figure,
        latency,
        broken,
        note,
    } = seen.clone();
    Trial {
        figure,
        reference,
        latency,
        shares,
        probes_ms,
        broken,
        note,
    }
}
