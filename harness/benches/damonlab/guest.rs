//! The figures that need a guest: the time to a verdict, plain virtme-ng for comparison, and the speed of guest time.

use super::figure::{Better, Figure};
use super::{Failure, ratio};
use damonlab::check::{EXPECT, Verdict};

use damonlab::host::process::Group;
use damonlab::kernel::{self, Origins, Request};
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

/// Tools, a kernel, and a folder for results.
pub struct Bench {
    env: RunEnv,
    scratch: TempDir,
}

impl Bench {
    /// Finds the tools and the kernel. Nothing is built or installed.
    ///
    /// # Errors
    /// What is missing.
    pub fn new() -> Result<Bench, Failure> {
        let env = Env::machine()?;
        let tools = setup::tools(&env, setup::Work::Kernel)?;
        let request = Request::default();
        let image = kernel::ready(&request, &Origins::of(env))?
            .ok_or_else(|| format!("no kernel; `{}` builds it", setup::ourselves("kernel build")))?;
        let scratch = tempfile::tempdir()?;
        let out = scratch.path().join("results");
        let checkpoints = Some(Store::of(&scratch.path().join("cache")));
        Ok(Bench { env: RunEnv { tools, image, agent: vm::AGENT, out, checkpoints }, scratch })
    }

    /// All figures. Those that are compared are measured alternately, so that a busy host affects both.
    pub fn measure(&self, runs: usize, figures: &mut Vec<Figure>) -> Result<(), Failure> {
        let noop = scenario(&benches("noop.yaml"), &[])?;
        let (mut plain, mut cold, mut restored) = (Vec::new(), Vec::new(), Vec::new());
        // The first run saves the checkpoint from which later ones start.
        self.restored(&noop)?;
        for _ in 0..runs {
            plain.push(self.plain()?);
            cold.push(self.cold(&noop)?);
            restored.push(self.restored(&noop)?);
        }
        // The kernel has no 9p, so `-- true` with the host's root does not work on it.
        let plain = Figure::new("plain vng, initramfs, to user space", "s", Better::Less, plain);
        let cold = Figure::new("no-op, cold start to verdict", "s", Better::Less, cold);
        let restored = Figure::new("no-op, restored start to verdict", "s", Better::Less, restored);
        let ratios = [
            ratio("cold start / plain vng", &cold, &plain),
            ratio("restored start / plain vng", &restored, &plain),
        ];
        figures.extend([plain, cold, restored]);
        figures.extend(ratios);
        let shipped = damonlab::bundled::home().join("scenarios/pull-push.yaml");
        let pull_push = self.speed(&shipped, ["windows: 100", "windows: 50"], runs)?;
        figures.push(Figure::new("guest seconds a second, pull-push", "s/s", Better::More, pull_push));
        let idle = self.speed(&benches("idle-guest.yaml"), ["for: 1000s", "for: 1s"], runs)?;
        figures.push(Figure::new("guest seconds a second, idle guest", "s/s", Better::More, idle));
        Ok(())
    }

    /// The seconds from the command to the verdict, without a checkpoint.
    fn cold(&self, source: &ScenarioSource) -> Result<f64, Failure> {
        let fresh = tempfile::tempdir()?;
        run(&RunEnv { checkpoints: Some(Store::of(fresh.path())), ..self.env.clone() }, source)
    }

    /// The seconds from the command to the verdict, from the checkpoint of an earlier run.
    fn restored(&self, source: &ScenarioSource) -> Result<f64, Failure> {
        run(&self.env, source)
    }

    /// The guest seconds in a second of wall time, from a long and a short run, so that the cost of a start cancels out.
    fn speed(&self, path: &Path, [long, short]: [&str; 2], runs: usize) -> Result<Vec<f64>, Failure> {
        let (short, long) = (scenario(path, &[(long, short)])?, scenario(path, &[])?);
        let more = (long.scenario.guest_time().0 - short.scenario.guest_time().0) as f64 / 1e9;
        (0..runs).map(|_| Ok(more / (run(&self.env, &long)? - run(&self.env, &short)?))).collect()
    }

    /// The seconds that plain virtme-ng takes to the first line of user space, on the same kernel. The guest has
    /// damonlab's `/init` without a plan and is stopped there.
    fn plain(&self) -> Result<f64, Failure> {
        let initrd = self.scratch.path().join("plain.cpio");
        fs::write(&initrd, vm::initramfs_archive(self.env.agent)?)?;
        let options = format!("--qemu-opts=-no-reboot -initrd {}", initrd.display());
        let arguments: Vec<OsString> = ["--run".into(), self.env.image.bzimage.clone().into()]
            .into_iter()
            .chain(["--disable-kvm", "--skip-modules", "--user", "root", "--cpus", "1"].map(OsString::from))
            .chain(["--memory", "128M", &options].map(OsString::from))
            .collect();
        let tools = &self.env.tools;
        let mut command = Command::new(&tools.vng);
        command
            .args(arguments)
            .current_dir(self.scratch.path())
            .env_clear()
            .env("PATH", &tools.path)
            .env("HOME", &tools.home)
            .env("TERM", "dumb")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            // virtme-ng forwards the console of the guest there.
            .stderr(Stdio::piped());
        let started = Instant::now();
        let mut group = Group::spawn(&mut command)?;
        let console = group.leader().stderr.take().map(BufReader::new);
        for line in console.into_iter().flat_map(BufRead::lines) {
            if line?.contains(READY_MARK) {
                return Ok(started.elapsed().as_secs_f64());
            }
        }
        Err("plain virtme-ng did not reach user space".into())
    }
}

/// The seconds to a verdict. A shortened run may violate the expectations of its scenario, but no invariant.
fn run(env: &RunEnv, source: &ScenarioSource) -> Result<f64, Failure> {
    let report = run::run(env, source, 0)?;
    let is_valid = match &report.verdict {
        Verdict::Pass => true,
        Verdict::Fail(findings) => findings.iter().all(|finding| finding.id() == EXPECT),
        _ => false,
    };
    match report.wall_time.filter(|_| is_valid) {
        Some(time) => Ok(time.as_secs_f64()),
        None => Err(format!("{} should pass: {}", report.scenario, report.verdict).into()),
    }
}

fn benches(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("benches").join(name)
}

/// A scenario with parts of its text replaced, each of which must exist.
fn scenario(path: &Path, changes: &[(&str, &str)]) -> Result<ScenarioSource, Failure> {
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
