//! What is installed, and how, on machines that are made up: folders with an os-release and a fake package manager.

use super::*;
use crate::setup::Importance;
use fs_err as fs;
use std::os::unix::fs::PermissionsExt;

/// A machine with an os-release and programs that are scripts.
struct Machine {
    folder: tempfile::TempDir,
}

impl Machine {
    fn of(os_release: &str) -> Machine {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("etc")).unwrap();
        fs::create_dir_all(folder.path().join("bin")).unwrap();
        fs::write(folder.path().join("etc/os-release"), os_release).unwrap();
        let machine = Machine { folder };
        // Whoever is not root installs through it.
        machine.program("sudo", "shift; exec /usr/bin/env \"$@\"");
        machine
    }

    fn program(&self, name: &str, script: &str) {
        let path = self.folder.path().join("bin").join(name);
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// With a package manager that writes down its arguments.
    fn with_manager(self, name: &str) -> Machine {
        self.program(name, &format!("echo \"$@\" >>{}", self.log().display()));
        self
    }

    fn log(&self) -> std::path::PathBuf {
        self.folder.path().join("log")
    }

    fn env(&self) -> Env {
        Env {
            root: self.folder.path().into(),
            path: self.folder.path().join("bin").into(),
            cache: self.folder.path().join("cache"),
        }
    }

    /// What the package manager was told to install for all that is missing.
    fn installed(&self) -> String {
        let env = self.env();
        install_packages(&env, &packages(&doctor(&env)), &Progress::silent()).unwrap();
        fs::read_to_string(self.log()).unwrap().trim().to_owned()
    }

    fn refusal(&self) -> String {
        install(&self.env(), &Progress::silent()).unwrap_err().to_string()
    }
}

#[test]
fn on_fedora_dnf_installs_fedoras_packages() {
    assert_eq!(
        Machine::of("ID=fedora\n").with_manager("dnf").installed(),
        "install -y bc binutils bison ccache curl elfutils-libelf-devel file flex gcc git-core glibc-devel make openssl-devel \
         python3 qemu-system-x86-core tar xz"
    );
}

#[test]
fn on_centos_stream_dnf_installs_all_but_qemu_which_it_does_not_have() {
    let machine =
        Machine::of("NAME=\"CentOS Stream\"\nID=\"centos\"\nID_LIKE=\"rhel fedora\"\n").with_manager("dnf");
    assert_eq!(
        machine.installed(),
        "install -y bc binutils bison ccache curl elfutils-libelf-devel file flex gcc git-core glibc-devel make openssl-devel \
         python3 tar xz"
    );
    let refusal = machine.refusal();
    assert!(
        refusal.starts_with(
            "damonlab knows no package of CentOS Stream with the program qemu-system-x86_64, 10.0"
        ),
        "{refusal}"
    );
}

#[test]
fn on_opensuse_zypper_installs_opensuses_packages() {
    for id in ["opensuse-tumbleweed", "opensuse-leap"] {
        let machine =
            Machine::of(&format!("ID=\"{id}\"\nID_LIKE=\"suse opensuse\"\n")).with_manager("zypper");
        assert_eq!(
            machine.installed(),
            "--non-interactive install bc binutils bison ccache curl file flex gcc git-core glibc-devel libelf-devel \
             libopenssl-devel make python3 qemu-x86 tar xz"
        );
    }
}

#[test]
fn on_arch_pacman_installs_archs_packages() {
    assert_eq!(
        Machine::of("ID=arch\n").with_manager("pacman").installed(),
        "-S --needed --noconfirm bc binutils bison ccache curl file flex gcc git glibc libelf make openssl python \
         qemu-system-x86 tar xz"
    );
}

#[test]
fn on_alpine_apk_adds_alpines_packages() {
    assert_eq!(
        Machine::of("ID=alpine\n").with_manager("apk").installed(),
        "add bc binutils bison ccache curl diffutils elfutils-dev file findutils flex gcc git linux-headers make musl-dev \
         openssl-dev python3 qemu-system-x86_64 tar xz"
    );
}

#[test]
fn on_debian_and_ubuntu_the_missing_packages_have_debians_names() {
    for os_release in ["ID=debian\n", "ID=ubuntu\nID_LIKE=debian\n"] {
        let rows = doctor(&Machine::of(os_release).env());
        assert_eq!(
            packages(&rows).join(" "),
            "binutils bc bison ca-certificates ccache curl file flex gcc git libc6-dev libelf-dev libssl-dev make python3 \
             python3-venv qemu-system-x86 tar xz-utils"
                .replace("binutils bc bison", "bc binutils bison"),
            "{os_release}"
        );
    }
}

#[test]
fn on_debian_without_apt_sources_nothing_is_installed() {
    let machine = Machine::of("ID=debian\nVERSION_CODENAME=trixie\n").with_manager("apt-get");
    let refusal = machine.refusal();
    assert!(refusal.contains("has the suite trixie with the component main"), "{refusal}");
    assert!(!machine.log().exists());
}

#[test]
fn on_nixos_the_error_is_a_shell_that_has_everything() {
    let refusal = Machine::of("ID=nixos\nPRETTY_NAME=\"NixOS 26.05\"\n").refusal();
    assert!(refusal.starts_with("NixOS 26.05 installs nothing into the system"), "{refusal}");
    assert!(
        refusal
            .contains("nix-shell -p bc binutils bison ccache curl elfutils file flex gcc git gnumake gnutar"),
        "{refusal}"
    );
}

#[test]
fn on_an_unknown_distribution_programs_and_libraries_are_named_and_nothing_is_made() {
    let machine = Machine::of("ID=void\nPRETTY_NAME=\"Void Linux\"\n");
    let refusal = machine.refusal();
    for part in [
        "damonlab knows no package of Void Linux with the program qemu-system-x86_64, 10.0 or newer",
        "the program flex",
        "the library with the header openssl/ssl.h",
    ] {
        assert!(refusal.contains(part), "{part}: {refusal}");
    }
    assert!(!machine.env().cache.join("venv").exists());
    let rows = doctor(&machine.env());
    let flex = rows.iter().find(|row| row.name == "flex").unwrap();
    assert_eq!(flex.fix.as_deref(), Some("install the program flex"));
}

#[test]
fn without_the_manager_of_the_distribution_the_packages_are_named() {
    let refusal = Machine::of("NAME=Fedora\nID=fedora\n").refusal();
    assert!(
        refusal.starts_with("Fedora has no dnf in PATH; install these packages, then try again: bc"),
        "{refusal}"
    );
}

#[test]
fn the_doctor_closes_with_the_one_command_of_the_distribution() {
    let closing = |os_release: &str| {
        let machine = Machine::of(os_release);
        crate::setup::closing(&doctor(&machine.env()), &machine.env())
    };
    let fedora = closing("ID=fedora\n");
    assert!(fedora.contains("setup` installs all but what is broken"), "{fedora}");
    assert!(fedora.contains("\n  dnf install -y bc binutils "), "{fedora}");
    let nixos = closing("ID=nixos\n");
    assert!(nixos.contains("this shell has them") && nixos.contains("\n  nix-shell -p bc "), "{nixos}");
    let void = closing("ID=void\nNAME=Void\n");
    assert!(
        void.contains("does not know the packages of Void: install the programs and libraries above"),
        "{void}"
    );
}

#[test]
fn optional_packages_are_installed_along_and_never_alone() {
    let machine = Machine::of("ID=debian\n");
    let mut rows = doctor(&machine.env());
    let all = packages(&rows);
    assert!(["ca-certificates", "curl", "flex"].iter().all(|package| all.contains(package)), "{all:?}");
    // virtme-ng, which is not a package, and curl stay missing.
    for row in
        rows.iter_mut().filter(|row| row.importance == Importance::Required && !row.packages.is_empty())
    {
        row.state = State::Found("here".into());
    }
    assert!(packages(&rows).is_empty());
}

#[test]
fn qemu_comes_from_the_backports_where_they_are_listed_and_newer_or_the_only_ones_new_enough() {
    let takes = |release: &str, backports: &str, listed| {
        takes_backports(Version::find(release), Version::find(backports), &Version::of(9, 0), listed)
    };
    assert_eq!(takes("10.0.13", "11.1.3", true), Some(true));
    assert_eq!(takes("10.0.13", "11.1.3", false), Some(false), "a release's own is new enough");
    assert_eq!(takes("10.0.13", "10.0.2", true), Some(false), "older");
    assert_eq!(takes("10.0.13", "(none)", true), Some(false));
    assert_eq!(takes("7.2", "10.0.2", false), Some(true));
    assert_eq!(takes("7.2", "8.2", true), None);
}

#[test]
fn the_command_to_paste_is_one_line_for_root() {
    let env = Env { root: "/".into(), path: "/nonexistent".into(), cache: "/c".into() };
    let arguments = ["apt-get", "-c", "/home/a b/apt.conf", "install", "flex"].map(str::to_owned);
    assert_eq!(
        command_to_paste(&env, &arguments),
        r"su - -c 'apt-get -c '\''/home/a b/apt.conf'\'' install flex'"
    );
}
