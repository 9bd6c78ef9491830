//! A host whose QEMU, virtme-ng and kernel are small shell scripts and files, in one folder: damonlab gets as far as a
//! waiting guest or a build in a moment. Every process that comes from it has the folder's name in its arguments, its
//! environment or its working folder.

use damonlab::host::command::{Limits, capture, command_for};
use damonlab::host::process::Group;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// What processes of a busy host may need to come to an end.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// A QEMU that has a version and the features of a plain machine.
const QEMU: &str = r#"case "$*" in
*--version*) echo 'QEMU emulator version 10.0.2' ;;
*"-machine none"*)
    echo '{"QMP": {}}'
    while read -r line; do
        case "$line" in
        *qom-list-types*) echo '{"return": [{"name": "memory-backend-ram"}]}' ;;
        *query-machines*) echo '{"return": [{"name": "pc-q35-10.0", "alias": "q35"}]}' ;;
        *list-properties*) echo '{"return": [{"name": "hmat"}]}' ;;
        *) echo '{"return": {}}' ;;
        esac
    done ;;
esac"#;

/// A tree of processes as virtme-ng's, one of them in a session of its own, that says so and runs for ever.
pub const TREE: &str =
    "sh -c 'sleep 600 & (setsid sleep 600 &); sh -c \"sleep 600 & wait\" & touch $STARTED; wait' & wait";

/// The configuration of the tree has what the fragments request, and its build starts processes without end.
const MAKEFILE: &str = "VERSION = 7
PATCHLEVEL = 3
SUBLEVEL = 4
EXTRAVERSION =
OBJECTS := $(addsuffix .o,0 1 2 3 4 5 6 7 8 9)
tinyconfig olddefconfig:
\t@touch $(O)/.config
bzImage: $(OBJECTS)
%.o:
\t@sh -c 'sleep 600 & sleep 600 & touch STARTED; wait'
";

const MERGE_CONFIG: &str = "#!/bin/sh
shift 2
out=$1/.config
shift 2
cat \"$@\" > \"$out\"
";

/// The host. Its processes and files go with it.
pub struct FakeHost {
    folder: TempDir,
}

impl FakeHost {
    pub fn new() -> FakeHost {
        let folder = tempfile::Builder::new().prefix("fake-host-").tempdir().expect("a folder");
        let host = FakeHost { folder };
        for name in ["bin", "tmp", "linux"] {
            fs::create_dir_all(host.path(name)).expect("a folder");
        }
        host.program("qemu-system-x86_64", QEMU);
        host.venv();
        host.kernel();
        host
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Puts the shell script `text` in front of every program of that name. `$STARTED` in it is the file by which
    /// [`Self::wait_until_started`] knows that it runs.
    pub fn program(&self, name: &str, text: &str) {
        self.script(&self.path("bin").join(name), text);
    }

    /// What starts QEMU.
    pub fn vng(&self, text: &str) {
        self.script(&self.path("cache/damonlab/venv/bin/vng"), text);
    }

    fn script(&self, path: &Path, text: &str) {
        let text = text.replace("$STARTED", &self.path("started").to_string_lossy());
        fs::write(path, format!("#!/bin/sh\n{text}\n")).expect("a script");
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("a script");
    }

    /// damonlab's own environment, complete but for virtme-ng itself.
    fn venv(&self) {
        let venv = self.path("cache/damonlab/venv");
        let python = fs::canonicalize("/usr/bin/python3").unwrap_or_else(|_| "/bin/sh".into());
        fs::create_dir_all(venv.join("lib/python3/site-packages/virtme_ng-99.0.dist-info"))
            .expect("a folder");
        fs::create_dir_all(venv.join("bin")).expect("a folder");
        std::os::unix::fs::symlink(&python, venv.join("bin/python3")).expect("a link");
        let marker = format!("made in {} with {}\n", venv.display(), python.display());
        fs::write(venv.join("damonlab-complete"), marker).expect("a file");
        self.vng(TREE);
    }

    /// A bzImage that is a header, and a tree with a Makefile.
    fn kernel(&self) {
        let mut image = vec![0; 2048];
        image[0x1f1] = 1; // one setup sector behind the boot sector
        image[0x1f4] = 64; // 64 paragraphs behind them
        image[0x1fe..0x200].copy_from_slice(&[0x55, 0xaa]);
        image[0x202..0x208].copy_from_slice(b"HdrS\x0f\x02");
        image[0x236] = 1; // a 64-bit entry point
        image[0x24d] = 1; // an alignment
        image[0x262] = 1; // the memory that it unpacks into
        fs::write(self.path("bzImage"), image).expect("a file");
        let makefile = MAKEFILE.replace("STARTED", &self.path("started").to_string_lossy());
        for (name, text) in [
            ("Makefile", makefile.as_str()),
            ("mm/damon/Kconfig", "config DAMON_SYSFS\n"),
            ("include/linux/damon.h", ""),
            ("include/trace/events/damon.h", ""),
            ("scripts/kconfig/merge_config.sh", MERGE_CONFIG),
        ] {
            let path = self.path("linux").join(name);
            fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            fs::write(path, text).expect("a file");
        }
    }

    /// damonlab with these arguments on this host.
    pub fn damonlab(&self, arguments: &[&str]) -> Command {
        let mut command = command_for(env!("CARGO_BIN_EXE_damonlab"));
        self.set_up(command.args(arguments));
        command
    }

    pub fn set_up(&self, command: &mut Command) {
        let path = std::env::var("PATH").expect("a PATH");
        command.env("PATH", format!("{}:{path}", self.path("bin").display()));
        command.env("XDG_CACHE_HOME", self.path("cache")).env("TMPDIR", self.path("tmp"));
        command.env_remove("DAMONLAB_SLOTS").current_dir(self.folder.path());
        command.stdin(Stdio::null()).stdout(self.log("output")).stderr(self.log("output"));
    }

    fn log(&self, name: &str) -> fs::File {
        fs::File::options().create(true).append(true).open(self.path(name)).expect("a file")
    }

    /// What damonlab has printed, on both streams.
    pub fn output(&self) -> String {
        fs::read_to_string(self.path("output")).unwrap_or_default()
    }

    /// The arguments of a run that boots a guest.
    pub fn run(&self) -> Vec<String> {
        let path = |name: &str| self.path(name).to_string_lossy().into_owned();
        let run = ["run", "idle", "--no-checkpoint", "--kernel"].map(str::to_owned);
        run.into_iter().chain([path("bzImage"), "--out".to_owned(), path("results")]).collect()
    }

    /// The arguments of a build of the tree.
    pub fn build(&self) -> Vec<String> {
        let tree = self.path("linux").to_string_lossy().into_owned();
        ["kernel", "build", "--kernel"].map(str::to_owned).into_iter().chain([tree]).collect()
    }

    /// Starts damonlab.
    pub fn start(&self, arguments: &[String]) -> Group {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        Group::spawn(&mut self.damonlab(&arguments)).expect("damonlab starts")
    }

    /// Waits until the script that touches `$STARTED` runs.
    pub fn wait_until_started(&self) {
        wait_for(|| self.path("started").exists(), || format!("it does not start: {}", self.output()));
        fs::remove_file(self.path("started")).expect("a file");
    }

    /// The running processes that come from this host, without children of this test: damonlab and its watchdog.
    pub fn processes(&self) -> Vec<(Pid, String)> {
        let folder = self.folder.path().to_string_lossy().into_owned();
        let text =
            |path: PathBuf| fs::read(path).map(|bytes| String::from_utf8_lossy(&bytes).replace('\0', " "));
        let found = fs::read_dir("/proc").expect("/proc").flatten().filter_map(|entry| {
            let pid: i32 = entry.file_name().to_str()?.parse().ok()?;
            // A process may end meanwhile.
            let line = text(entry.path().join("cmdline")).ok()?;
            let environment = text(entry.path().join("environ")).unwrap_or_default();
            let place = fs::read_link(entry.path().join("cwd")).unwrap_or_default();
            let status = text(entry.path().join("status")).unwrap_or_default();
            if status.contains(&format!("\nPPid:\t{}\n", std::process::id())) {
                return None;
            }
            let is_here =
                line.contains(&folder) || environment.contains(&folder) || place.starts_with(&folder);
            is_here.then_some((Pid::from_raw(pid), line))
        });
        found.collect()
    }

    /// Waits until no process of this host is left.
    pub fn is_empty_soon(&self) -> Result<(), String> {
        let until = Instant::now() + PATIENCE;
        loop {
            let left = self.processes();
            if left.is_empty() {
                return Ok(());
            }
            if Instant::now() > until {
                return Err(format!("still running: {left:?}"));
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for FakeHost {
    /// A test that failed leaves nothing either.
    fn drop(&mut self) {
        for (pid, _) in self.processes() {
            let _ = kill(pid, Signal::SIGKILL);
        }
    }
}

/// Sends `signal` to damonlab itself.
pub fn send(group: &mut Group, signal: Signal) {
    let pid = Pid::from_raw(group.leader().id().cast_signed());
    kill(pid, signal).expect("damonlab runs");
}

/// The exit status of a damonlab that is about to end.
pub fn status(group: &mut Group) -> ExitStatus {
    group.wait_for(PATIENCE).expect("a status").expect("damonlab ends")
}

/// Waits until `condition` is true.
pub fn wait_for(condition: impl Fn() -> bool, why: impl Fn() -> String) {
    let until = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < until, "{}", why());
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Whether this machine has all that damonlab needs besides QEMU and virtme-ng; a test that needs it skips if not.
pub fn has_tools() -> bool {
    let host = FakeHost::new();
    let ready =
        capture(host.damonlab(&["doctor"]).stdout(Stdio::piped()), Limits::LOCAL).expect("damonlab starts");
    if !ready.status.success() {
        eprintln!("skipped: {}", String::from_utf8_lossy(&ready.stdout));
    }
    ready.status.success()
}
