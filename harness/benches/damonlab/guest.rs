//! What needs a guest: starts to a verdict, plain virtme-ng beside them, and the pace of guest time.

use super::figure::{Better, Figure};
use super::{Failure, ratio};
use damonlab::check::{EXPECT, Verdict};
use damonlab::host::paths;
use damonlab::host::process::Group;
use damonlab::kernel::{self, Origins, Request, Source};
use damonlab::run::{self, RunEnv, ScenarioSource};
use damonlab::scenario::Scenario;
use damonlab::setup::{self, Env};
use damonlab::vm;
use damonlab::vm::checkpoint::Store;
use damonlab_protocol::plan::READY_MARK;
use std::ffi::OsString;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;
use tempfile::TempDir;

/// Tools, a kernel, and a place for what comes out.
pub struct Bench {
    lab: RunEnv,
    scratch: TempDir,
}

impl Bench {
    /// An error says what is missing; nothing is built or installed.
    pub fn new() -> Result<Bench, Failure> {
        let env = Env::machine()?;
        let tools = setup::tools(&env)?;
        let request = Request::of(Source::default());
        let image = kernel::ready(&request, &Origins::of(env))?
            .ok_or_else(|| format!("no kernel; `{}` builds it", setup::ourselves("kernel build")))?;
        let scratch = tempfile::tempdir()?;
        let out = scratch.path().join("results");
        let checkpoints = Some(Store::of(&scratch.path().join("cache")));
        Ok(Bench { lab: RunEnv { tools, image, agent: vm::AGENT, out, checkpoints }, scratch })
    }

    /// All figures. What is compared is measured in turn, so that a busy host is busy for both.
    pub fn measure(&self, runs: usize, figures: &mut Vec<Figure>) -> Result<(), Failure> {
        let noop = loaded(&benches("noop.yaml"), &[])?;
        let (mut plain, mut cold, mut restored) = (Vec::new(), Vec::new(), Vec::new());
        // The first run leaves what later ones start from.
        self.restored(&noop)?;
        for _ in 0..runs {
            plain.push(self.plain()?);
            cold.push(self.cold(&noop)?);
            restored.push(self.restored(&noop)?);
        }
        // The kernel has no 9p, so `-- true` on the host's root does not work on it.
        let plain = Figure::new("plain vng, initramfs, to user space", "s", Better::Less, plain);
        let cold = Figure::new("no-op, cold start to verdict", "s", Better::Less, cold);
        let restored = Figure::new("no-op, restored start to verdict", "s", Better::Less, restored);
        let ratios = [
            ratio("cold start / plain vng", &cold, &plain),
            ratio("restored start / plain vng", &restored, &plain),
        ];
        figures.extend([plain, cold, restored]);
        figures.extend(ratios);
        let shipped = paths::project().join("scenarios/pull-push.yaml");
        let pull_push = self.instruction_cost(&shipped, ["windows: 100", "windows: 50"], runs)?;
        figures.push(Figure::new("guest seconds a second, pull-push", "s/s", Better::More, pull_push));
        let idle = self.instruction_cost(&benches("idle-guest.yaml"), ["for: 1000s", "for: 1s"], runs)?;
        figures.push(Figure::new("guest seconds a second, idle guest", "s/s", Better::More, idle));
        Ok(())
    }

    /// Seconds from the command to the verdict, with no checkpoint to start from.
    fn cold(&self, loaded: &ScenarioSource) -> Result<f64, Failure> {
        let fresh = tempfile::tempdir()?;
        run(&RunEnv { checkpoints: Some(Store::of(fresh.path())), ..self.lab.clone() }, loaded)
    }

    /// Seconds from the command to the verdict, from whatever earlier runs left.
    fn restored(&self, loaded: &ScenarioSource) -> Result<f64, Failure> {
        run(&self.lab, loaded)
    }

    /// Guest seconds a second of wall time, without what every run takes: from a long and a short run.
    fn instruction_cost(
        &self,
        path: &Path,
        [long, short]: [&str; 2],
        runs: usize,
    ) -> Result<Vec<f64>, Failure> {
        let (short, long) = (loaded(path, &[(long, short)])?, loaded(path, &[])?);
        let more = (long.scenario.guest_time().0 - short.scenario.guest_time().0) as f64 / 1e9;
        (0..runs).map(|_| Ok(more / (run(&self.lab, &long)? - run(&self.lab, &short)?))).collect()
    }

    /// Seconds that plain virtme-ng needs to the first line of user space, on the same kernel. The guest has
    /// our `/init` without a plan, and is ended then.
    fn plain(&self) -> Result<f64, Failure> {
        let initrd = self.scratch.path().join("plain.cpio");
        fs::write(&initrd, vm::initramfs_archive(self.lab.agent)?)?;
        let options = format!("--qemu-opts=-no-reboot -initrd {}", initrd.display());
        let words: Vec<OsString> = ["--run".into(), self.lab.image.bzimage.clone().into()]
            .into_iter()
            .chain(["--disable-kvm", "--skip-modules", "--user", "root", "--cpus", "1"].map(OsString::from))
            .chain(["--memory", "128M", &options].map(OsString::from))
            .collect();
        let tools = &self.lab.tools;
        let mut command = Command::new(&tools.vng);
        command
            .args(words)
            .current_dir(self.scratch.path())
            .env_clear()
            .env("PATH", &tools.path)
            .env("HOME", &tools.home)
            .env("TERM", "dumb")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            // virtme-ng hands the guest's console through there.
            .stderr(Stdio::piped());
        let started = Instant::now();
        let mut group = Group::spawn(&mut command)?;
        let said = group.leader().stderr.take().map(BufReader::new);
        for line in said.into_iter().flat_map(BufRead::lines) {
            if line?.contains(READY_MARK) {
                return Ok(started.elapsed().as_secs_f64());
            }
        }
        Err("plain virtme-ng did not come to user space".into())
    }
}

/// Seconds to a verdict. A run that was made shorter need not come to what its scenario expects; the rest
/// must hold.
fn run(lab: &RunEnv, loaded: &ScenarioSource) -> Result<f64, Failure> {
    let report = run::run(lab, loaded, 0)?;
    let holds = match &report.verdict {
        Verdict::Pass => true,
        Verdict::Fail(findings) => findings.iter().all(|finding| finding.id() == EXPECT),
        _ => false,
    };
    match report.wall_time.filter(|_| holds) {
        Some(time) => Ok(time.as_secs_f64()),
        None => Err(format!("{} should pass: {}", report.scenario, report.verdict).into()),
    }
}

fn benches(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("benches").join(name)
}

/// A scenario with some words replaced; each has to be there.
fn loaded(path: &Path, changes: &[(&str, &str)]) -> Result<ScenarioSource, Failure> {
    let mut text = fs::read_to_string(path)?;
    for (from, to) in changes {
        if !text.contains(from) {
            return Err(format!("{} has no '{from}'", path.display()).into());
        }
        text = text.replace(from, to);
    }
    let name = path.file_stem().and_then(|name| name.to_str()).unwrap_or("bench");
    Ok(ScenarioSource { scenario: Scenario::parse(name, &text)?, text })
}
