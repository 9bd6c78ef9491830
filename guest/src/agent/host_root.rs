//! The host's files under [`ROOT`], and programs of the host in it: their output and how they end, as KTAP.
//!
//! The host's root comes read-only by 9p; what a program writes goes into memory, in a layer above it. A program has
//! a limit of time and one of output, and is killed with all that it started when it reaches either.

use super::failure::Failure;
use super::{clock, damon, files};
use damonlab_protocol::host_files::{self, HostFiles};
use damonlab_protocol::missing_feature::MissingFeature;
use damonlab_protocol::units::Nanos;
use nix::mount::{MsFlags, mount};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::{Pid, chroot};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};

/// What programs see as `/`.
const ROOT: &str = "/run/host";
/// The host's files by themselves, and the layer above them.
const LOWER: &str = "/run/host-lower";
const LAYER: &str = "/run/host-layer";
/// The output of a program goes here first.
const OUTPUT: &str = "/run/host-output";

/// A program with more output is killed.
const OUTPUT_LIMIT: u64 = 4 << 20;
/// The end of the output that is kept.
const KEPT: usize = 64 << 10;
const KEPT_LINES: usize = 500;
const STEP: Nanos = Nanos(20_000_000);

/// How kselftest's programs say that they were skipped.
const SKIP: i32 = 4;

/// The result of a test, in KTAP's terms.
struct ProgramExit {
    ok: bool,
    /// What stands behind the hash sign, or nothing.
    directive: String,
}

impl ProgramExit {
    fn ok(directive: String) -> ProgramExit {
        ProgramExit { ok: true, directive }
    }

    fn not_ok(directive: String) -> ProgramExit {
        ProgramExit { ok: false, directive }
    }
}

/// The host's files, mounted, and the results so far.
pub struct HostRoot {
    files: HostFiles,
    out: File,
    count: u32,
}

impl HostRoot {
    /// Mounts them. A kernel without the file systems is no failure but a missing feature.
    pub fn mount(out: File) -> Result<Result<HostRoot, MissingFeature>, Failure> {
        for folder in [LOWER, LAYER, ROOT] {
            fs::create_dir_all(folder)?;
        }
        let known = fs::read_to_string("/proc/filesystems")?;
        for kind in ["9p", "overlay"] {
            if !known.split_whitespace().any(|known| known == kind) {
                return Ok(Err(MissingFeature::HostRoot { kind: kind.to_owned() }));
            }
        }
        nine_p(host_files::ROOT_TAG, LOWER)?;
        mount(Some("tmpfs"), LAYER, Some("tmpfs"), MsFlags::empty(), None::<&str>)?;
        for folder in ["upper", "work"] {
            fs::create_dir(Path::new(LAYER).join(folder))?;
        }
        let options = format!("lowerdir={LOWER},upperdir={LAYER}/upper,workdir={LAYER}/work");
        mount(Some("overlay"), ROOT, Some("overlay"), MsFlags::empty(), Some(options.as_str()))?;
        for folder in ["dev", "proc", "sys"] {
            let at = format!("{ROOT}/{folder}");
            mount(
                Some(format!("/{folder}").as_str()),
                at.as_str(),
                None::<&str>,
                MsFlags::MS_BIND | MsFlags::MS_REC,
                None::<&str>,
            )?;
        }
        let files = host_files()?;
        let mut out = out;
        writeln!(out, "TAP version 13")?;
        Ok(Ok(HostRoot { files, out, count: 0 }))
    }

    /// Runs one program, in `/`.
    pub fn command(&mut self, name: &str, run: &[String], within: Nanos) -> Result<(), Failure> {
        let outcome = self.attempt(run, "/", within)?;
        self.result(name, &outcome)
    }

    /// Runs the kernel's selftests, one after the other, each for so long at most, but for some.
    pub fn selftests(&mut self, within: Nanos, skip: &BTreeMap<String, String>) -> Result<(), Failure> {
        for test in self.files.selftests.clone() {
            let why_not = skip.get(&test.name).cloned().or(test.lacks).or_else(|| missing_for(&test.name));
            match why_not {
                Some(why) => self.result(&test.name, &ProgramExit::ok(format!("SKIP {why}")))?,
                None => {
                    self.selftest(&test.name, within)?;
                }
            }
        }
        Ok(())
    }

    /// One of them. The tests wait for fixed times, and their guest is on the real clock: on a host that has other work, a
    /// good kernel is late for one now and then. So one that fails is run again; a bug fails twice.
    fn selftest(&mut self, name: &str, within: Nanos) -> Result<(), Failure> {
        let run = [format!("./{name}")];
        let first = self.attempt(&run, host_files::SELFTESTS, within)?;
        // A kdamond ends a while after its target does, and the next test would find it busy.
        damon::turn_off_all()?;
        if first.ok {
            return self.result(name, &first);
        }
        writeln!(self.out, "# result: {}; it is run again", first.directive)?;
        let mut second = self.attempt(&run, host_files::SELFTESTS, within)?;
        damon::turn_off_all()?;
        if second.ok && second.directive.is_empty() {
            second.directive = format!("AGAIN {}", first.directive);
        }
        self.result(name, &second)
    }

    /// Runs a program and keeps its output.
    fn attempt(&mut self, run: &[String], folder: &str, within: Nanos) -> Result<ProgramExit, Failure> {
        let program = run.first().map_or("", String::as_str);
        if !self.is_there(program, folder) {
            let install = match program {
                "damo" => ": `damonlab setup --with damo` installs it",
                _ => "",
            };
            let why = format!("SKIP it needs {program}, which this host does not have{install}");
            return Ok(ProgramExit::ok(why));
        }
        let mut child = match self.spawn(run, folder) {
            Ok(child) => child,
            Err(error) => {
                return Ok(ProgramExit::not_ok(format!("ERROR cannot start {run:?}: {error}")));
            }
        };
        let ended = wait(&mut child, within);
        let output = output()?;
        for line in output.lines() {
            // Each line stays a comment, whatever a program of the host prints.
            writeln!(self.out, "# {line}")?;
        }
        Ok(match ended {
            Ended::By(status) => match (status.code(), status.signal()) {
                (Some(0), _) => ProgramExit::ok(String::new()),
                (Some(SKIP), _) => {
                    let why = output.lines().rev().find(|line| !line.trim().is_empty());
                    ProgramExit::ok(format!("SKIP {}", why.unwrap_or("it gives no reason")))
                }
                (Some(code), _) => ProgramExit::not_ok(format!("exit={code}")),
                (None, signal) => ProgramExit::not_ok(format!("signal={}", signal.unwrap_or(0))),
            },
            Ended::Late => ProgramExit::not_ok(format!("TIMEOUT {} seconds", within.0 / 1_000_000_000)),
            Ended::Loud => ProgramExit::not_ok(format!("ERROR it printed more than {OUTPUT_LIMIT} bytes")),
        })
    }

    /// Whether a program can be found, as a shell would. Absolute links lead out of the host's root here, so a
    /// link is enough.
    fn is_there(&self, program: &str, folder: &str) -> bool {
        let there = |path: String| fs::symlink_metadata(format!("{ROOT}/{path}")).is_ok();
        match program.contains('/') {
            true if program.starts_with('/') => there(program.to_owned()),
            true => there(format!("{folder}/{program}")),
            false => self.files.path.split(':').any(|at| there(format!("{at}/{program}"))),
        }
    }

    fn spawn(&self, run: &[String], folder: &str) -> Result<Child, Failure> {
        let (program, arguments) = run.split_first().ok_or("nothing to run")?;
        let output = File::create(OUTPUT)?;
        let errors = output.try_clone()?;
        let mut command = Command::new("/usr/bin/env");
        command
            .arg(program)
            .args(arguments)
            .env_clear()
            .env("PATH", &self.files.path)
            .envs([("HOME", "/tmp"), ("LANG", "C.UTF-8"), ("TERM", "dumb"), ("PYTHONDONTWRITEBYTECODE", "1")])
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(errors)
            .process_group(0);
        let folder = folder.to_owned();
        #[expect(unsafe_code, reason = "std has no stable way to change a child's root")]
        // SAFETY: the agent has one thread, so the child may do as it likes between fork and exec.
        unsafe {
            command.pre_exec(move || {
                chroot(ROOT)?;
                std::env::set_current_dir(&folder)
            });
        }
        Ok(command.spawn()?)
    }

    fn result(&mut self, name: &str, ProgramExit { ok, directive }: &ProgramExit) -> Result<(), Failure> {
        self.count += 1;
        let status = if *ok { "ok" } else { "not ok" };
        let directive = if directive.is_empty() { String::new() } else { format!(" # {directive}") };
        Ok(writeln!(self.out, "{status} {} {name}{directive}", self.count)?)
    }
}

fn nine_p(tag: &str, at: &str) -> Result<(), Failure> {
    let options = "trans=virtio,version=9p2000.L,cache=loose,msize=262144";
    mount(Some(tag), at, Some("9p"), MsFlags::MS_RDONLY, Some(options))
        .map_err(|errno| format!("cannot mount the host's files '{tag}' at {at}: {errno}").into())
}

/// What the host has put there for us, below a layer of its own: the tests write beside themselves.
fn host_files() -> Result<HostFiles, Failure> {
    let lower = "/run/host-files";
    fs::create_dir_all(lower)?;
    nine_p(host_files::FILES_TAG, lower)?;
    for folder in ["upper-files", "work-files"] {
        fs::create_dir(Path::new(LAYER).join(folder))?;
    }
    let at = format!("{ROOT}{}", host_files::SELFTESTS);
    fs::create_dir_all(&at)?;
    let options = format!("lowerdir={lower},upperdir={LAYER}/upper-files,workdir={LAYER}/work-files");
    mount(Some("overlay"), at.as_str(), Some("overlay"), MsFlags::empty(), Some(options.as_str()))?;
    Ok(serde_json::from_str(&files::read(Path::new(lower).join(host_files::INDEX))?)?)
}

/// What a test needs of the kernel. It looks for itself, but ends with 0 where it finds nothing
/// (`sysfs_memcg_path_leak.sh` of Linux 7.3: `$ksft_skip` is not set there).
fn missing_for(test: &str) -> Option<String> {
    const KMEMLEAK: &str = "/sys/kernel/debug/kmemleak";
    let text = fs::read_to_string(format!("{ROOT}{}/{test}", host_files::SELFTESTS)).ok()?;
    (text.contains(KMEMLEAK) && !Path::new(KMEMLEAK).exists())
        .then(|| "the kernel has no kmemleak (CONFIG_DEBUG_KMEMLEAK=y)".to_owned())
}

enum Ended {
    By(ExitStatus),
    Late,
    Loud,
}

fn wait(child: &mut Child, within: Nanos) -> Ended {
    let ended = clock::poll(STEP, within, || {
        if let Ok(Some(status)) = child.try_wait() {
            return Some(Ended::By(status));
        }
        let length = fs::metadata(OUTPUT).map_or(0, |meta| meta.len());
        (length > OUTPUT_LIMIT).then_some(Ended::Loud)
    });
    // What it started may still be there, whatever became of itself.
    let _ = killpg(Pid::from_raw(child.id().cast_signed()), Signal::SIGKILL);
    let _ = child.wait();
    ended.unwrap_or(Ended::Late)
}

/// The end of what the program printed.
fn output() -> Result<String, Failure> {
    let mut bytes = Vec::new();
    File::open(OUTPUT)?.take(2 * OUTPUT_LIMIT).read_to_end(&mut bytes)?;
    let end = &bytes[bytes.len().saturating_sub(KEPT)..];
    let text = String::from_utf8_lossy(end);
    let first = text.lines().count().saturating_sub(KEPT_LINES);
    Ok(text.lines().skip(first).map(|line| format!("{line}\n")).collect())
}
