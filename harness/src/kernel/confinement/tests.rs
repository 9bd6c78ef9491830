use super::*;
use crate::host::progress::Progress;
use crate::kernel::build::{Build, Toolchain};
use std::net::TcpListener;

const PATH: &str = "/usr/bin:/bin";

/// A cache in a user's home with a secret beside it, and a source whose Makefile runs `script`.
struct Victim {
    home: tempfile::TempDir,
    toolchain: Toolchain,
}

impl Victim {
    fn new(script: &str) -> Victim {
        let home = tempfile::tempdir().unwrap();
        let victim = Victim { toolchain: Toolchain::of_version("gcc 12"), home };
        let tree = victim.cache().join("tree/mine/src");
        fs::create_dir_all(tree.join("scripts/kconfig")).unwrap();
        fs::write(victim.home.path().join("id_rsa"), "a secret").unwrap();
        let script = script.replace("HOME", &victim.home.path().display().to_string());
        fs::write(tree.join("Makefile"), format!("tinyconfig olddefconfig:\n\t{script}\n")).unwrap();
        fs::write(tree.join("scripts/kconfig/merge_config.sh"), "true\n").unwrap();
        for folder in ["build/mine", "home", "ccache", "ccache-bwrap"] {
            fs::create_dir_all(victim.cache().join(folder)).unwrap();
        }
        victim
    }

    fn cache(&self) -> PathBuf {
        self.home.path().join("cache")
    }

    fn out(&self) -> PathBuf {
        self.cache().join("build/mine")
    }

    /// Configures the kernel, which runs the script.
    fn build(&self, build_in: BuildIn) -> Result<(), KernelError> {
        let (cache, progress) = (self.cache(), Progress::silent());
        let build = Build {
            tree: cache.join("tree/mine/src"),
            out: self.out(),
            cache: &cache,
            toolchain: &self.toolchain,
            build_in,
            shown_as: String::new(),
            instrumented: None,
            progress: &progress,
        };
        build.configure(&[], "stamp")
    }

    /// Whether the file is there, relative to the home.
    fn has(&self, file: &str) -> bool {
        self.home.path().join(file).exists()
    }
}

/// Whether builds can be confined on this host; if not, the test says why and shows nothing.
fn can_confine() -> bool {
    match BuildIn::Bubblewrap.check(OsStr::new(PATH)) {
        Ok(()) => true,
        Err(why) => {
            eprintln!("ignored: {why}");
            false
        }
    }
}

/// Runs `script` on the host, where it must leave `file`, and confined, where it must not.
fn is_stopped(script: &str, file: &str) {
    if !can_confine() {
        return;
    }
    // `.config` is what the build needs to end well.
    let script = format!("{script}; touch $(O)/.config");
    let unconfined = Victim::new(&script);
    unconfined.build(BuildIn::Host).unwrap();
    assert!(unconfined.has(file), "the script does nothing on the host, so this test shows nothing");
    let confined = Victim::new(&script);
    confined.build(BuildIn::Bubblewrap).unwrap();
    assert!(!confined.has(file), "{script}");
}

#[test]
fn a_makefile_cannot_write_into_the_users_home() {
    is_stopped("echo evil >HOME/.bashrc || true", ".bashrc");
}

#[test]
fn a_makefile_cannot_write_into_its_own_source_which_other_builds_use() {
    is_stopped("echo evil >>HOME/cache/tree/mine/src/evil || true", "cache/tree/mine/src/evil");
}

#[test]
fn a_makefile_cannot_write_into_the_ccache_of_other_builds() {
    is_stopped("echo evil >HOME/cache/ccache/evil || true", "cache/ccache/evil");
}

#[test]
fn a_makefile_cannot_read_a_secret_file() {
    is_stopped("if grep -q secret HOME/id_rsa; then touch $(O)/leak; fi", "cache/build/mine/leak");
}

#[test]
fn a_makefile_cannot_see_the_users_processes() {
    let me = std::process::id();
    is_stopped(
        &format!("if grep -q damonlab /proc/{me}/cmdline; then touch $(O)/seen; fi"),
        "cache/build/mine/seen",
    );
}

#[test]
fn a_makefile_cannot_reach_the_network() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    is_stopped(
        &format!("if bash -c 'exec 3<>/dev/tcp/127.0.0.1/{port}' 2>$(O)/no; then touch $(O)/met; fi"),
        "cache/build/mine/met",
    );
}

#[test]
fn what_a_makefile_starts_ends_with_the_build() {
    if !can_confine() {
        return;
    }
    // Without damonlab's mark in its environment, by which the watchdog would find it.
    let script = "(env -i PATH=/usr/bin:/bin setsid sh -c 'sleep 1; touch $(O)/late' >/dev/null 2>&1 &); sleep 0.2; \
                  touch $(O)/.config";
    let late = |build_in: BuildIn| {
        let victim = Victim::new(script);
        victim.build(build_in).unwrap();
        std::thread::sleep(std::time::Duration::from_secs(3));
        victim.has("cache/build/mine/late")
    };
    assert!(late(BuildIn::Host), "nothing lives on on the host either, so this test shows nothing");
    assert!(!late(BuildIn::Bubblewrap));
}

#[test]
fn a_link_that_a_build_leaves_where_damonlab_writes_is_refused_and_not_followed() {
    if !can_confine() {
        return;
    }
    for left in [
        "ln -s HOME/id_rsa $(O)/make.log",
        "rm -f $(O)/.config; ln -s HOME/id_rsa $(O)/.config",
        "mkfifo $(O)/System.map",
    ] {
        let victim = Victim::new(left);
        let error = victim.build(BuildIn::Bubblewrap).unwrap_err();
        assert!(matches!(error, KernelError::LeadsOut(_)), "{left}: {error}");
        assert_eq!(fs::read_to_string(victim.home.path().join("id_rsa")).unwrap(), "a secret");
        // And the next build, which begins with what this one left.
        assert!(matches!(victim.build(BuildIn::Bubblewrap), Err(KernelError::LeadsOut(_))), "{left}");
    }
}

#[test]
fn a_build_is_confined_with_folders_of_its_own() {
    assert_eq!(BuildIn::Bubblewrap.ccache(Path::new("/c")), Path::new("/c/ccache-bwrap"));
    assert_eq!((BuildIn::Host.suffix(), BuildIn::Bubblewrap.suffix()), ("", "-bwrap"));
}

#[test]
fn a_host_without_bubblewrap_is_told_how_to_install_it() {
    let error = BuildIn::Bubblewrap.check(OsStr::new("/nonexistent")).unwrap_err().to_string();
    assert!(error.contains("bwrap") && error.contains("setup --with bubblewrap"), "{error}");
}
