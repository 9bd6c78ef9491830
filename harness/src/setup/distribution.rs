//! The distribution of a machine by its `/etc/os-release`: what its packages are called, and the command that installs them.
//!
//! The names are in `distributions.txt`.

use std::path::Path;
use std::sync::LazyLock;

/// A distribution that the table knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Distribution {
    /// What it calls itself: `Fedora Linux 43`.
    pub(super) name: String,
    /// Which names and which command are its own.
    pub(super) family: &'static Family,
}

/// Distributions with the same package names and the same package manager.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Family {
    name: &'static str,
    /// The program that installs packages.
    pub(super) manager: &'static str,
    /// The words before the names of packages.
    command: Vec<&'static str>,
}

/// A machine's distribution, or what it calls itself where the table does not know it.
pub(super) type Found = Result<Distribution, String>;

/// Reads `etc/os-release` (or `usr/lib/os-release`, as os-release(5) says) below `root`.
pub(super) fn of_machine(root: &Path) -> Found {
    let text = os_release(root);
    let [id, like] = ["ID", "ID_LIKE"].map(|key| value(&text, key).unwrap_or_default());
    let family = std::iter::once(id.as_str()).chain(like.split_whitespace()).find_map(family_of);
    family.map(|family| Distribution { name: name(&text), family }).ok_or_else(|| name(&text))
}

fn os_release(root: &Path) -> String {
    let files = ["etc/os-release", "usr/lib/os-release"].map(|file| root.join(file));
    files.iter().find_map(|file| std::fs::read_to_string(file).ok()).unwrap_or_default()
}

fn name(os_release: &str) -> String {
    let keys = ["PRETTY_NAME", "NAME", "ID"];
    let name = keys.iter().find_map(|key| value(os_release, key).filter(|name| !name.is_empty()));
    name.unwrap_or_else(|| "an unknown distribution".to_owned())
}

/// What the machine calls itself, if it is not Debian itself. A machine without os-release may be Debian.
pub fn other_than_debian(root: &Path) -> Option<String> {
    let text = os_release(root);
    let id = value(&text, "ID")?;
    (id != "debian").then(|| name(&text))
}

impl Distribution {
    /// The packages that have what Debian's `package` has: none if another one of the list has it. None at all if no
    /// package is known.
    pub(super) fn packages(&self, package: &str) -> Option<Vec<&'static str>> {
        match self.family.column(package)? {
            "-" => None,
            "=" => Some(Vec::new()),
            packages => Some(packages.split('+').collect()),
        }
    }

    /// The command that installs `packages`, by its words.
    pub(super) fn command(&self, packages: &[&str]) -> Vec<String> {
        self.family.command.iter().chain(packages).copied().map(str::to_owned).collect()
    }

    /// Whether damonlab installs by apt with a state of its own.
    pub(super) fn has_apt(&self) -> bool {
        self.family.name == "apt"
    }

    /// Whether packages are for a shell and not installed into the system.
    pub(super) fn is_per_shell(&self) -> bool {
        self.family.name == "nix"
    }
}

impl Family {
    fn column(&self, package: &str) -> Option<&'static str> {
        let line = lines("package").find(|words| words.first() == Some(&package))?;
        line.into_iter().skip(1).find_map(|word| word.strip_prefix(self.name)?.strip_prefix('='))
    }
}

static TABLE: &str = include_str!("distributions.txt");

static FAMILIES: LazyLock<Vec<Family>> = LazyLock::new(|| lines("family").filter_map(family).collect());

fn family(words: Vec<&'static str>) -> Option<Family> {
    let [name, manager, command @ ..] = &words[..] else { return None };
    Some(Family { name, manager, command: command.to_vec() })
}

fn family_of(id: &str) -> Option<&'static Family> {
    let line = lines("id").find(|words| words.first() == Some(&id))?;
    FAMILIES.iter().find(|family| line.get(1) == Some(&family.name))
}

/// The lines of one of the tables, by their words.
fn lines(table: &'static str) -> impl Iterator<Item = Vec<&'static str>> {
    TABLE.lines().filter_map(move |line| {
        let mut words = line.split_whitespace();
        (words.next() == Some(table)).then(|| words.collect())
    })
}

/// The value of a line `KEY=value` or `KEY="value"`.
fn value(text: &str, key: &str) -> Option<String> {
    let value = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='))?;
    Some(value.trim().trim_matches(['"', '\'']).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::setup::requirements;

    /// The distribution of a machine with this os-release.
    fn found(os_release: &str) -> Found {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir(root.path().join("etc")).unwrap();
        std::fs::write(root.path().join("etc/os-release"), os_release).unwrap();
        of_machine(root.path())
    }

    fn known(os_release: &str) -> Distribution {
        found(os_release).unwrap()
    }

    #[test]
    fn each_distribution_has_its_own_names_and_its_own_command() {
        for (os_release, command, elf) in [
            (
                "ID=debian\nVERSION_CODENAME=trixie\n",
                "apt-get install -y --no-install-recommends",
                "libelf-dev",
            ),
            ("ID=ubuntu\nID_LIKE=debian\n", "apt-get install -y --no-install-recommends", "libelf-dev"),
            ("NAME=\"Fedora Linux\"\nID=fedora\n", "dnf install -y", "elfutils-libelf-devel"),
            ("ID=\"centos\"\nID_LIKE=\"rhel fedora\"\n", "dnf install -y", "elfutils-libelf-devel"),
            (
                "ID=\"opensuse-tumbleweed\"\nID_LIKE=\"opensuse suse\"\n",
                "zypper --non-interactive install",
                "libelf-devel",
            ),
            ("ID=\"opensuse-leap\"\n", "zypper --non-interactive install", "libelf-devel"),
            ("ID=arch\n", "pacman -S --needed --noconfirm", "libelf"),
            ("ID=nixos\n", "nix-shell -p", "elfutils"),
            ("ID=alpine\n", "apk add", "elfutils-dev"),
        ] {
            let distribution = known(os_release);
            let packages = distribution.packages("libelf-dev").unwrap();
            assert_eq!(distribution.command(&packages).join(" "), format!("{command} {elf}"), "{os_release}");
        }
    }

    #[test]
    fn every_package_of_the_requirements_has_a_place_in_every_family() {
        let packages = requirements::all().into_iter().map(|one| one.package).chain(["bubblewrap"]);
        for package in packages {
            for family in FAMILIES.iter() {
                assert!(family.column(package).is_some(), "{package} of {}", family.name);
            }
        }
        assert_eq!(FAMILIES.len(), lines("family").count());
        assert!(lines("id").all(|words| family_of(words[0]).is_some()));
    }

    #[test]
    fn a_derivative_is_known_by_what_it_is_like() {
        assert_eq!(known("ID=linuxmint\nID_LIKE=\"ubuntu debian\"\n").family.manager, "apt-get");
        assert_eq!(known("ID=rocky\nID_LIKE=\"rhel centos fedora\"\n").packages("qemu-system-x86"), None);
        assert_eq!(known("ID=manjaro\nID_LIKE=arch\n").family.manager, "pacman");
    }

    #[test]
    fn an_unknown_distribution_is_named_as_it_names_itself() {
        assert_eq!(found("ID=void\nPRETTY_NAME=\"Void Linux\"\n"), Err("Void Linux".into()));
        assert_eq!(found(""), Err("an unknown distribution".into()));
    }

    #[test]
    fn what_another_package_has_needs_none_and_several_are_apart() {
        let fedora = known("ID=fedora\n");
        assert_eq!(fedora.packages("python3-venv"), Some(vec![]));
        assert_eq!(known("ID=debian\n").packages("curl"), Some(vec!["curl", "ca-certificates"]));
    }
}
