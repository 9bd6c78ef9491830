//! Reads the machine's apt sources and composes the private ones from them.
//!
//! Both of Debian's formats are read: one-line `*.list` and deb822 `*.sources`. Only the entry of the distribution's archive
//! is used, the one with the release's suite and the component `main`; third parties are left out. If a third party names
//! its suite and component alike, the archive that also has the release's updates is preferred, then one that Debian's
//! keyring signs. So a mirror or a proxy of the machine is used here too, and this program has no host name.

use crate::host::fault::{Fault, Faulty};
use crate::host::text::shown;
use std::path::{Path, PathBuf};

/// An archive: its addresses, suites, components and key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Archive {
    /// Its addresses on this machine.
    pub uris: String,
    /// Its suites on this machine.
    pub suites: Vec<String>,
    /// Its components on this machine.
    components: Vec<String>,
    /// The value of `Signed-By` with its continuation lines; none means the machine's trusted keys.
    signed_by: Option<String>,
    /// The value of `Architectures`.
    architectures: Option<String>,
}

impl Archive {
    /// A deb822 stanza of this archive with `suites` and the component `main`; on Ubuntu with `universe` as well, which has
    /// python3-venv and others.
    ///
    /// `Trusted` and similar fields are not copied: unsigned archives are refused.
    pub fn stanza(&self, suites: &[String]) -> String {
        let has_universe = self.components.iter().any(|own| own == "universe");
        let components = if has_universe { "main universe" } else { "main" };
        let mut text = format!(
            "Types: deb\nURIs: {}\nSuites: {}\nComponents: {components}\n",
            self.uris,
            suites.join(" ")
        );
        if let Some(architectures) = &self.architectures {
            text.push_str(&format!("Architectures: {architectures}\n"));
        }
        if let Some(key) = &self.signed_by {
            text.push_str(&format!("Signed-By: {key}\n"));
        }
        text
    }

    /// Whether it has `main` of `suite`.
    fn has(&self, suite: &str) -> bool {
        self.suites.iter().any(|own| own == suite) && self.components.iter().any(|own| own == "main")
    }

    fn is_signed_by_debian(&self) -> bool {
        self.signed_by.as_ref().is_some_and(|key| key.contains("debian-archive"))
    }

    /// Whether both have a common address; a slash at the end is ignored.
    fn shares_address(&self, other: &Archive) -> bool {
        let addresses = |archive: &Archive| -> Vec<String> {
            archive.uris.split_whitespace().map(|uri| uri.trim_end_matches('/').to_owned()).collect()
        };
        let others = addresses(other);
        addresses(self).iter().any(|uri| others.contains(uri))
    }

    /// This archive with the suites of other `entries` at the same address: a one-line source has one suite only.
    fn with_suites_of(mut self, entries: &[Archive]) -> Archive {
        let same = entries.iter().filter(|entry| entry.shares_address(&self));
        let suites: Vec<String> =
            same.flat_map(|entry| entry.suites.iter().filter(|suite| entry.has(suite))).cloned().collect();
        for suite in suites {
            if !self.suites.contains(&suite) {
                self.suites.push(suite);
            }
        }
        self
    }
}

/// The archives of the machine's release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Archives {
    /// The release's codename, from `/etc/os-release`.
    pub codename: String,
    /// The archive of the release.
    pub main: Archive,
    /// The archive of its security updates, if the machine has one.
    pub security: Option<Archive>,
}

/// Why the machine's apt sources cannot be used.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum SourcesError {
    /// os-release has no `VERSION_CODENAME`.
    #[error("{} does not name the release (VERSION_CODENAME)", shown(.0))]
    NoCodename(PathBuf),
    /// There is no entry for the release.
    #[error("no apt source in {} has the suite {suite} with the component main", shown(.folder))]
    NoArchive {
        /// The folder that was read.
        folder: PathBuf,
        /// The suite.
        suite: String,
    },
}

impl Faulty for SourcesError {
    fn fault(&self) -> Fault {
        Fault::Infra
    }
}

impl Archives {
    /// Reads `/etc/os-release` and `/etc/apt` below `root`.
    pub fn of_machine(root: &Path) -> Result<Archives, SourcesError> {
        let release = root.join("etc/os-release");
        let text = std::fs::read_to_string(&release).unwrap_or_default();
        let codename = codename(&text).ok_or(SourcesError::NoCodename(release))?;
        let folder = root.join("etc/apt");
        let entries = entries(&folder);
        let updates = format!("{codename}-updates");
        let with = |suite: &str| {
            let matching = entries.iter().filter(|archive| archive.has(suite)).cloned();
            let whole = matching.map(|archive| archive.with_suites_of(&entries));
            // min_by_key returns the first of several.
            whole.min_by_key(|archive| (!archive.has(&updates), !archive.is_signed_by_debian()))
        };
        let main =
            with(&codename).ok_or_else(|| SourcesError::NoArchive { folder, suite: codename.clone() })?;
        let security = with(&format!("{codename}-security"));
        Ok(Archives { codename, main, security })
    }

    /// The sources for tools: the release, its updates and its backports.
    pub fn for_tools(&self) -> String {
        let updates = format!("{}-updates", self.codename);
        let has_updates = self.main.suites.contains(&updates);
        let mut suites = vec![self.codename.clone()];
        suites.extend(has_updates.then_some(updates));
        suites.push(self.backports());
        let mut text = self.main.stanza(&suites);
        if let Some(security) = &self.security {
            text.push('\n');
            text.push_str(&security.stanza(&[format!("{}-security", self.codename)]));
        }
        text
    }

    /// The suite of newer versions for this release.
    pub fn backports(&self) -> String {
        format!("{}-backports", self.codename)
    }
}

fn codename(os_release: &str) -> Option<String> {
    let value = os_release.lines().find_map(|line| line.strip_prefix("VERSION_CODENAME="))?;
    let value = value.trim().trim_matches(['"', '\'']);
    (!value.is_empty()).then(|| value.to_owned())
}

/// Every archive of `sources.list` and `sources.list.d`, whose files are sorted by name.
fn entries(folder: &Path) -> Vec<Archive> {
    let mut files = vec![folder.join("sources.list")];
    if let Ok(listed) = std::fs::read_dir(folder.join("sources.list.d")) {
        files.extend(listed.filter_map(|entry| entry.ok().map(|entry| entry.path())));
    }
    files.sort();
    let mut all = Vec::new();
    for file in files {
        let Ok(text) = std::fs::read_to_string(&file) else { continue };
        match file.extension().and_then(|extension| extension.to_str()) {
            Some("list") => all.extend(text.lines().filter_map(one_line)),
            Some("sources") => all.extend(stanzas(&text)),
            _ => {}
        }
    }
    all
}

/// `deb [arch=amd64 signed-by=/k.gpg] http://host/debian bookworm main contrib`.
fn one_line(line: &str) -> Option<Archive> {
    let line = line.split('#').next()?.trim();
    let rest = line.strip_prefix("deb")?.strip_prefix([' ', '\t'])?.trim_start();
    let (options, rest) = match rest.strip_prefix('[') {
        Some(rest) => rest.split_once(']')?,
        None => ("", rest),
    };
    let option = |name: &str| {
        let value =
            options.split_whitespace().find_map(|option| option.strip_prefix(name)?.strip_prefix('='))?;
        Some(value.replace(',', " "))
    };
    let mut fields = rest.split_whitespace().map(str::to_owned);
    Some(Archive {
        uris: fields.next()?,
        suites: vec![fields.next()?],
        components: fields.collect(),
        signed_by: option("signed-by"),
        architectures: option("arch"),
    })
}

/// The enabled `deb` stanzas of a deb822 file.
fn stanzas(text: &str) -> Vec<Archive> {
    let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
    lines.split(|line| line.trim().is_empty()).filter_map(stanza).collect()
}

fn stanza(lines: &[&str]) -> Option<Archive> {
    let field = |name: &str| field(lines, name);
    let list = |name: &str| -> Vec<String> {
        field(name).unwrap_or_default().split_whitespace().map(str::to_owned).collect()
    };
    let disabled = field("Enabled").is_some_and(|value| ["no", "false", "0"].contains(&value.as_str()));
    if disabled || !list("Types").iter().any(|kind| kind == "deb") {
        return None;
    }
    Some(Archive {
        uris: list("URIs").join(" "),
        suites: list("Suites"),
        components: list("Components"),
        signed_by: field("Signed-By"),
        architectures: field("Architectures"),
    })
    .filter(|archive| !archive.uris.is_empty())
}

/// The value of a field with its continuation lines, which begin with a blank.
fn field(lines: &[&str], name: &str) -> Option<String> {
    let named = |line: &&str| {
        line.split_once(':')
            .is_some_and(|(key, _)| !key.starts_with([' ', '\t']) && key.eq_ignore_ascii_case(name))
    };
    let at = lines.iter().position(named)?;
    let mut value = lines[at].split_once(':')?.1.trim().to_owned();
    for line in lines[at + 1..].iter().take_while(|line| line.starts_with([' ', '\t'])) {
        value.push('\n');
        value.push_str(line.trim_end());
    }
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use fs_err as fs;

    fn machine(codename: &str, files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("etc/apt/sources.list.d")).unwrap();
        fs::write(root.path().join("etc/os-release"), format!("ID=debian\nVERSION_CODENAME={codename}\n"))
            .unwrap();
        for (name, text) in files {
            fs::write(root.path().join("etc/apt").join(name), text).unwrap();
        }
        root
    }

    const DEB822: &str = "\
Types: deb
# a comment inside
URIs: http://archive.example/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By: /usr/share/keyrings/archive.gpg

Types: deb
URIs: http://archive.example/debian-security
Suites: bookworm-security
Components: main
Signed-By: /usr/share/keyrings/archive.gpg
";

    #[test]
    fn deb822_sources_become_tools_sources_with_backports_and_security() {
        let root = machine("bookworm", &[("sources.list.d/debian.sources", DEB822)]);
        insta::assert_snapshot!(Archives::of_machine(root.path()).unwrap().for_tools(), @r"
        Types: deb
        URIs: http://archive.example/debian
        Suites: bookworm bookworm-updates bookworm-backports
        Components: main
        Signed-By: /usr/share/keyrings/archive.gpg

        Types: deb
        URIs: http://archive.example/debian-security
        Suites: bookworm-security
        Components: main
        Signed-By: /usr/share/keyrings/archive.gpg
        ");
    }

    #[test]
    fn ubuntus_sources_keep_universe() {
        let sources = "Types: deb\nURIs: http://a/ubuntu\nSuites: resolute resolute-updates resolute-backports\n\
            Components: main restricted universe multiverse\nSigned-By: /k.gpg\n";
        let root = machine("resolute", &[("sources.list.d/ubuntu.sources", sources)]);
        insta::assert_snapshot!(Archives::of_machine(root.path()).unwrap().for_tools(), @r"
        Types: deb
        URIs: http://a/ubuntu
        Suites: resolute resolute-updates resolute-backports
        Components: main universe
        Signed-By: /k.gpg
        ");
    }

    #[test]
    fn one_line_sources_keep_their_options_and_lose_trusted() {
        let list = "deb-src http://a/debian trixie main\n\
            deb [arch=amd64 trusted=yes signed-by=/k.gpg] http://a/debian trixie main contrib # mirror\n";
        let root = machine("trixie", &[("sources.list", list)]);
        insta::assert_snapshot!(Archives::of_machine(root.path()).unwrap().for_tools(), @r"
        Types: deb
        URIs: http://a/debian
        Suites: trixie trixie-backports
        Components: main
        Architectures: amd64
        Signed-By: /k.gpg
        ");
    }

    #[test]
    fn a_third_party_with_debians_suite_and_component_is_not_used() {
        let third = ("sources.list.d/a.list", "deb [signed-by=/third.gpg] http://third/x bookworm main\n");
        let one_line = "deb http://a/debian bookworm main\ndeb http://a/debian/ bookworm-updates main\n";
        let signed =
            "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://a/debian bookworm main\n";
        for debian in [DEB822, one_line, signed] {
            let name = if debian == DEB822 { "sources.list.d/b.sources" } else { "sources.list.d/b.list" };
            let root = machine("bookworm", &[third, (name, debian)]);
            let text = Archives::of_machine(root.path()).unwrap().for_tools();
            assert!(!text.contains("third"), "{text}");
        }
    }

    #[test]
    fn one_line_sources_have_the_updates_of_another_line() {
        let list = "deb http://a/debian bookworm main\ndeb http://a/debian/ bookworm-updates main\n";
        let root = machine("bookworm", &[("sources.list", list)]);
        let text = Archives::of_machine(root.path()).unwrap().for_tools();
        assert!(text.contains("Suites: bookworm bookworm-updates bookworm-backports\n"), "{text}");
    }

    #[test]
    fn third_parties_disabled_entries_and_other_releases_are_left_out() {
        let sources = "Types: deb\nURIs: http://third/x\nSuites: nodistro\nComponents: main\n\n\
            Types: deb\nEnabled: no\nURIs: http://off/debian\nSuites: bookworm\nComponents: main\n\n\
            Types: deb\nURIs: http://contrib/debian\nSuites: bookworm\nComponents: contrib\n";
        let root = machine(
            "bookworm",
            &[("sources.list.d/x.sources", sources), ("sources.list.d/y.disabled", DEB822)],
        );
        let error = Archives::of_machine(root.path()).unwrap_err();
        assert!(matches!(&error, SourcesError::NoArchive { suite, .. } if suite == "bookworm"), "{error}");
    }

    #[test]
    fn a_key_inside_the_sources_is_copied_whole() {
        let sources = "Types: deb\nURIs: http://a/debian\nSuites: bookworm\nComponents: main\n\
            Signed-By:\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n mQINB\n -----END PGP PUBLIC KEY BLOCK-----\n";
        let root = machine("bookworm", &[("sources.list.d/x.sources", sources)]);
        let text = Archives::of_machine(root.path()).unwrap().for_tools();
        assert!(text.ends_with(
            "Signed-By: \n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n mQINB\n -----END PGP PUBLIC KEY BLOCK-----\n"
        ), "{text}");
    }

    #[test]
    fn a_machine_without_a_codename_is_refused_with_the_file() {
        let root = tempfile::tempdir().unwrap();
        let error = Archives::of_machine(root.path()).unwrap_err();
        assert_eq!(error, SourcesError::NoCodename(root.path().join("etc/os-release")));
    }
}
