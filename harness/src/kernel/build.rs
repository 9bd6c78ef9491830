//! make, outside of the source: it configures and compiles, and an error shows what went wrong.
//!
//! The environment is damonlab's own, and user, host, time and version are constants, so that the same inputs give the
//! same bytes. A build that was stopped continues where it was.

use super::config::{Fragment, Requests};
use super::confinement::{BuildIn, Places};
use super::diagnosis::{self, Diagnosis};
use super::error::KernelError;
use super::image::KEY_FILE;
use super::instrument::Instrumented;
use super::kconfig;
use crate::host::command::{self, Limits};
use crate::host::paths;
use crate::host::program_version::version_line;
use crate::host::progress::{Progress, clock};
use crate::host::regular_file::cached_text;
use fs_err as fs;
use std::ffi::OsString;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

/// Must change whenever this file makes another kernel from the same inputs.
pub const RECIPE: &str = "2";

/// The number of objects in a first build of the default configuration, for the progress line.
const FIRST_BUILD: u64 = 1_350;

/// The compiler, the linker and ccache.
#[derive(Debug, Clone)]
pub struct Toolchain {
    /// `PATH` for make.
    path: OsString,
    /// Whether ccache stands in front of the compiler.
    ccache: bool,
    /// The version lines of compiler and linker.
    pub version: String,
}

impl Toolchain {
    /// The tools in `path`.
    pub fn find(path: &OsString, cache: &Path) -> Result<Toolchain, KernelError> {
        let line = |program| version_line(program, path, cache);
        let version = format!("{}; {}", line("gcc")?, line("ld")?);
        Ok(Toolchain { path: path.clone(), ccache: paths::find_program(path, "ccache").is_some(), version })
    }
}

#[cfg(test)]
impl Toolchain {
    /// A toolchain with these version lines.
    pub fn of_version(version: &str) -> Toolchain {
        Toolchain { path: "/usr/bin:/bin".into(), ccache: false, version: version.to_owned() }
    }
}

/// A build folder and what is built in it. The caller has its lock.
#[derive(Debug)]
pub struct Build<'a> {
    /// The working copy.
    pub tree: PathBuf,
    /// The build folder.
    pub out: PathBuf,
    /// damonlab's cache.
    pub cache: &'a Path,
    /// The compiler.
    pub toolchain: &'a Toolchain,
    /// Where make runs.
    pub build_in: BuildIn,
    /// The path of the user's source with a slash at its end, for messages; empty for a release.
    pub shown_as: String,
    /// The objects that count the lines that they execute.
    pub instrumented: Option<&'a Instrumented>,
    /// Where progress is printed.
    pub progress: &'a Progress,
}

impl Build<'_> {
    /// Writes the `.config` that `fragments` request, if `stamp`, a digest of everything that decides it, has changed.
    ///
    /// # Errors
    /// The result does not have a requested option.
    pub fn configure(&self, fragments: &[Fragment], stamp: &str) -> Result<(), KernelError> {
        self.build_in.check_left(&self.out)?;
        let stamped = self.out.join("damonlab.stamp");
        if cached_text(&stamped).is_some_and(|text| text == stamp) && self.out.join(".config").is_file() {
            return Ok(());
        }
        let requests = Requests::read(fragments)?;
        let start = Instant::now();
        // Removed until the new configuration is complete: the old stamp must never stand beside a new .config.
        if stamped.exists() {
            fs::remove_file(&stamped)?;
        }
        let folder = self.out.join("damonlab.fragments");
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        fs::create_dir_all(&folder)?;
        let mut merge = self.command("sh");
        merge.arg(self.tree.join("scripts/kconfig/merge_config.sh")).args(["-m", "-O"]).arg(&self.out);
        merge.arg(self.out.join(".config")).current_dir(&self.tree);
        for (index, fragment) in fragments.iter().enumerate() {
            // Under plain names, because merge_config.sh does not quote them.
            let copy = folder.join(format!("{index:02}.config"));
            fs::write(&copy, &fragment.text)?;
            merge.arg(copy);
        }
        // After the fragments were written: it may leave anything in their folder.
        self.run(self.make().arg("tinyconfig"))?;
        self.run(&mut merge)?;
        self.run(self.make().arg("olddefconfig"))?;
        let dropped = requests.dropped(&fs::read_to_string(self.out.join(".config"))?);
        let (unknown, dropped) = kconfig::without_definition(&self.tree, dropped)?;
        if !dropped.is_empty() {
            return Err(KernelError::Dropped(dropped));
        }
        if !unknown.is_empty() {
            self.progress.say(&format!("kernel: this tree has no option {}", unknown.join(", ")));
        }
        paths::write_atomic(&stamped, stamp.as_bytes())?;
        self.progress.say(&format!("kernel: configured in {:.1} s", start.elapsed().as_secs_f64()));
        Ok(())
    }

    /// Builds the bzImage.
    pub fn compile(&self) -> Result<(), KernelError> {
        let key = self.out.join(KEY_FILE);
        if key.exists() {
            fs::remove_file(key)?;
        }
        let mut steps = Steps::load(&self.out);
        let mut task = self.progress.task("kernel", "objects", steps.expected());
        task.resume_at(steps.done);
        task.show("make");
        let mut log = fs::File::create(self.log())?;
        let jobs = std::thread::available_parallelism().map_or(2, |cores| cores.get().max(2));
        let line = |text: &str| {
            writeln!(log, "{text}")?;
            if let Some(object) = diagnosis::step(text).filter(|target| target.ends_with(".o")) {
                task.advance(object);
                steps.done = task.done();
            }
            Ok(())
        };
        let ended = command::follow(self.make().arg(format!("-j{jobs}")).arg("bzImage"), Limits::BUILD, line);
        let (done, elapsed) = (task.done(), clock(task.elapsed()));
        drop(task);
        self.build_in.check_left(&self.out)?;
        steps.store(&self.out, matches!(&ended, Ok(status) if status.success()))?;
        if !ended?.success() {
            return Err(self.explain());
        }
        self.progress.say(&format!("kernel: built {done} objects in {elapsed}"));
        Ok(())
    }

    fn log(&self) -> PathBuf {
        self.out.join("make.log")
    }

    fn explain(&self) -> KernelError {
        let log = self.log();
        let text = std::fs::read(&log).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        match diagnosis::diagnose(&text) {
            Diagnosis::Source(excerpt) => {
                KernelError::Compile { excerpt: self.with_users_paths(&excerpt), log }
            }
            Diagnosis::Other(excerpt) => KernelError::Make { excerpt, log },
        }
    }

    /// `text` with paths of the working copy (absolute, or relative as ccache makes them) as paths of the user's source.
    fn with_users_paths(&self, text: &str) -> String {
        let inside = self.tree.strip_prefix(self.cache).unwrap_or(&self.tree);
        let marker = format!("{}/", inside.to_string_lossy());
        let mut out = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once(&marker) {
            out.push_str(before.trim_end_matches(|c: char| c.is_alphanumeric() || "/._-+~".contains(c)));
            out.push_str(&self.shown_as);
            rest = after;
        }
        out + rest
    }

    fn run(&self, command: &mut Command) -> Result<(), KernelError> {
        let mut log = fs::OpenOptions::new().create(true).append(true).open(self.out.join("config.log"))?;
        let output = command::capture(command, Limits::LOCAL)?;
        log.write_all(&output.stdout)?;
        log.write_all(output.stderr.as_bytes())?;
        self.build_in.check_left(&self.out)?;
        if output.status.success() {
            return Ok(());
        }
        let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), output.stderr);
        let log = self.out.join("config.log");
        Err(match diagnosis::diagnose(&text) {
            Diagnosis::Source(excerpt) => {
                KernelError::Compile { excerpt: self.with_users_paths(&excerpt), log }
            }
            Diagnosis::Other(excerpt) => KernelError::Make { excerpt, log },
        })
    }

    fn make(&self) -> Command {
        let mut make = self.command("make");
        let mut out = OsString::from("O=");
        out.push(&self.out);
        make.arg("-C").arg(&self.tree).arg(out).arg("LOCALVERSION=");
        make.args(UNUSED_TOOLS);
        make.args(self.instrumented.map(Instrumented::argument));
        if self.toolchain.ccache {
            make.args(["CC=ccache gcc", "HOSTCC=ccache gcc"]);
        }
        make
    }

    /// A command in an environment that is the same on every machine.
    fn command(&self, program: &str) -> Command {
        let (home, ccache) = (self.cache.join("home"), self.build_in.ccache(self.cache));
        let places = Places { tree: &self.tree, writable: [&self.out, &ccache], home: &home };
        let mut command = self.build_in.command(program, &places);
        command.env_clear().env("PATH", &self.toolchain.path).env("LC_ALL", "C");
        command.env("HOME", home);
        command.envs(std::env::var_os("TMPDIR").map(|folder| ("TMPDIR", folder)));
        command.envs(CONSTANTS.iter().copied());
        command.env("CCACHE_DIR", ccache).env("CCACHE_BASEDIR", self.cache);
        command
    }
}

/// Tools that the build would look for and not use. Their versions end up in `.config`, which is part of the image
/// (`IKCONFIG`): with another rustc on the machine the same kernel would have other bytes.
const UNUSED_TOOLS: [&str; 3] = ["RUSTC=none", "BINDGEN=none", "PAHOLE=none"];

/// The date is arbitrary; nothing depends on it.
const CONSTANTS: [(&str, &str); 8] = [
    ("KBUILD_BUILD_TIMESTAMP", "Thu Jan  1 00:00:00 UTC 2026"),
    ("SOURCE_DATE_EPOCH", "1767225600"),
    ("KBUILD_BUILD_USER", "damonlab"),
    ("KBUILD_BUILD_HOST", "damonlab"),
    ("KBUILD_BUILD_VERSION", "1"),
    ("CCACHE_NOHASHDIR", "1"),
    // A new hard link changes the ctime of a file and not its content.
    ("CCACHE_SLOPPINESS", "include_file_ctime,include_file_mtime"),
    ("CCACHE_MAXSIZE", "2G"),
];

/// How many objects were built in a build folder, for the progress line of the next build.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Steps {
    /// Objects built since the folder was new or a build was last finished.
    done: u64,
    /// Whether a build has been finished here: the next one builds a part, of unknown size.
    finished: bool,
}

impl Steps {
    fn load(out: &Path) -> Steps {
        let text = cached_text(&out.join("damonlab.steps")).unwrap_or_default();
        let (state, done) = text.trim().split_once(' ').unwrap_or(("", "0"));
        Steps { done: done.parse().unwrap_or(0), finished: state == "finished" }
    }

    fn expected(self) -> Option<u64> {
        (!self.finished).then_some(FIRST_BUILD)
    }

    fn store(self, out: &Path, finished: bool) -> io::Result<()> {
        let text = match finished || self.finished {
            true => "finished 0".to_owned(),
            false => format!("stopped {}", self.done),
        };
        paths::write_atomic(&out.join("damonlab.steps"), text.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn build<'a>(toolchain: &'a Toolchain, cache: &'a Path, progress: &'a Progress) -> Build<'a> {
        let tree = cache.join("tree/mine-1234/src");
        Build {
            tree,
            out: cache.join("build/mine"),
            cache,
            toolchain,
            build_in: BuildIn::Host,
            shown_as: "/home/me/linux/".into(),
            instrumented: None,
            progress,
        }
    }

    #[test]
    fn paths_in_compiler_messages_are_those_of_the_users_source() {
        let (toolchain, progress) = (Toolchain::of_version(""), Progress::silent());
        let build = build(&toolchain, Path::new("/c"), &progress);
        for path in ["/c/tree/mine-1234/src/mm/damon/core.c", "../../tree/mine-1234/src/mm/damon/core.c"] {
            let text = format!("In file included from {path}:1:\n{path}:9:1: error: no");
            let shown = "In file included from /home/me/linux/mm/damon/core.c:1:\n/home/me/linux/mm/damon/core.c:9:1: error: no";
            assert_eq!(build.with_users_paths(&text), shown);
        }
    }

    #[test]
    fn a_stopped_build_continues_its_count_and_a_finished_one_starts_again() {
        let out = tempfile::tempdir().unwrap();
        let first = Steps::load(out.path());
        assert_eq!((first.done, first.expected()), (0, Some(FIRST_BUILD)));
        Steps { done: 300, finished: false }.store(out.path(), false).unwrap();
        let second = Steps::load(out.path());
        assert_eq!((second.done, second.expected()), (300, Some(FIRST_BUILD)));
        second.store(out.path(), true).unwrap();
        assert_eq!(Steps::load(out.path()), Steps { done: 0, finished: true });
    }

    #[test]
    fn a_failed_configuration_leaves_no_earlier_stamp() {
        let (toolchain, progress) = (Toolchain::of_version(""), Progress::silent());
        let cache = tempfile::tempdir().unwrap();
        let build = build(&toolchain, cache.path(), &progress);
        fs::create_dir_all(&build.out).unwrap();
        fs::write(build.out.join(".config"), "").unwrap();
        fs::write(build.out.join("damonlab.stamp"), "first").unwrap();
        build.configure(&[], "first").unwrap();
        // There is no tree, so make fails.
        build.configure(&[], "second").unwrap_err();
        assert!(!build.out.join("damonlab.stamp").exists());
    }

    #[test]
    fn make_gets_none_of_the_callers_environment() {
        let (toolchain, progress) = (Toolchain::of_version(""), Progress::silent());
        let cache = tempfile::tempdir().unwrap();
        let build = build(&toolchain, cache.path(), &progress);
        let output = command::succeed(build.command("env").env_remove("TMPDIR"), Limits::LOCAL).unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let mut names: Vec<&str> =
            text.lines().filter_map(|line| line.split_once('=')).map(|(name, _)| name).collect();
        names.sort_unstable();
        let mut expected = vec!["CCACHE_BASEDIR", "CCACHE_DIR", "DAMONLAB_GROUP", "HOME", "LC_ALL", "PATH"];
        expected.extend(CONSTANTS.iter().map(|(name, _)| *name));
        expected.sort_unstable();
        assert_eq!(names, expected);
    }
}
