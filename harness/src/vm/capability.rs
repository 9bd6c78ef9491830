//! What this QEMU can do for machines: it is asked once, and the answer is kept in the cache.
//!
//! A QEMU without a machine lists its types and their properties in a seventh of a second. All that any machine
//! could need is asked for at once, so that a run later compares words.

use super::error::VmError;
use super::probe_cache::CachedProbe;
use super::qmp::Qmp;
use crate::host::fault::{Fault, Faulty};
use crate::host::process::Group;
use crate::machine::{Argv, Feature, NEEDS, QemuFeature};
use crate::setup::Tools;
use fs_err as fs;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The features that a QEMU has, of those that were asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Capabilities(BTreeSet<String>);

/// A machine that this QEMU cannot build.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, miette::Diagnostic)]
#[error("'{scenario}' needs what this QEMU does not have: {lacks}")]
#[diagnostic(help(
    "{} is {version}; a newer one may have it (`{} -device help` and `-object help` list what one has), and the \
     first in PATH is taken; or leave {asked_by} out",
    .qemu.display(),
    .qemu.display()
))]
pub struct MissingQemuFeature {
    scenario: String,
    lacks: String,
    asked_by: String,
    qemu: PathBuf,
    version: String,
}

impl Faulty for MissingQemuFeature {
    fn fault(&self) -> Fault {
        Fault::BadInput
    }
}

/// The QEMU that was asked, and what it was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct ProbeKey {
    qemu: PathBuf,
    version: String,
    size: u64,
    modified: (i64, i64),
    features: Vec<String>,
}

impl CachedProbe for ProbeKey {
    type Output = Capabilities;
    const FOLDER: &'static str = "qemu";
}

impl ProbeKey {
    fn of(tools: &Tools) -> io::Result<ProbeKey> {
        let stat = fs::metadata(&tools.qemu)?;
        Ok(ProbeKey {
            qemu: tools.qemu.clone(),
            version: tools.qemu_version.clone(),
            size: stat.len(),
            modified: (stat.mtime(), stat.mtime_nsec()),
            features: NEEDS.iter().map(|need| need.feature.to_string()).collect(),
        })
    }
}

impl Capabilities {
    /// Of `needs` those that this QEMU has not; of a device that is not there no properties.
    fn lacks(&self, needs: impl Iterator<Item = &'static QemuFeature>) -> Vec<&'static QemuFeature> {
        let moot =
            |feature| matches!(feature, Feature::DeviceProperty(kind, _) if !self.has(Feature::Device(kind)));
        needs.filter(|need| !self.has(need.feature) && !moot(need.feature)).collect()
    }

    fn has(&self, feature: Feature) -> bool {
        self.0.contains(&feature.to_string())
    }

    /// Refuses the machine of `scenario` if QEMU lacks something for it.
    ///
    /// # Errors
    /// All that is lacking.
    pub fn check(&self, scenario: &str, machine: &Argv, tools: &Tools) -> Result<(), MissingQemuFeature> {
        let lacks = self.lacks(machine.needs());
        if lacks.is_empty() {
            return Ok(());
        }
        let asked_by: BTreeSet<&str> = lacks.iter().map(|need| need.asked_by).collect();
        Err(MissingQemuFeature {
            scenario: scenario.to_owned(),
            lacks: told(&lacks),
            asked_by: asked_by.into_iter().collect::<Vec<_>>().join(" and "),
            qemu: tools.qemu.clone(),
            version: tools.qemu_version.clone(),
        })
    }

    /// What is there, a purpose once, and what is not.
    fn note(&self) -> String {
        let lacks = self.lacks(NEEDS.iter());
        let whole = |purpose: &&str| lacks.iter().all(|need| need.purpose != *purpose);
        let mut there: Vec<&str> = NEEDS.iter().map(|need| need.purpose).filter(whole).collect();
        there.dedup();
        match lacks.is_empty() {
            true => there.join(", "),
            false => format!("{}; not {}", there.join(", "), told(&lacks)),
        }
    }
}

fn told(needs: &[&QemuFeature]) -> String {
    let one = |need: &&QemuFeature| format!("{need}, which {} needs", need.asked_by);
    needs.iter().map(one).collect::<Vec<_>>().join("; ")
}

/// What the QEMU of `tools` can do: kept from before, or asked now.
///
/// # Errors
/// It could not be started, or did not answer.
pub fn capabilities(cache: &Path, tools: &Tools) -> Result<Capabilities, VmError> {
    ProbeKey::of(tools)?.answered(cache, || start_and_ask(&tools.qemu))
}

/// What is known of this QEMU, for people.
pub fn machines_note(cache: &Path, tools: &Tools) -> String {
    match capabilities(cache, tools) {
        Ok(capabilities) => format!("note: this QEMU can do for machines: {}", capabilities.note()),
        Err(error) => format!("note: QEMU does not say what it can do for machines: {error}"),
    }
}

fn start_and_ask(qemu: &Path) -> Result<Capabilities, VmError> {
    let (ours, theirs) = UnixStream::pair()?;
    let theirs = OwnedFd::from(theirs);
    let mut command = Command::new(qemu);
    command
        .args([
            "-S",
            "-nodefaults",
            "-no-user-config",
            "-display",
            "none",
            "-machine",
            "none",
            "-qmp",
            "stdio",
        ])
        .stdin(Stdio::from(theirs.try_clone()?))
        .stdout(Stdio::from(theirs))
        .stderr(Stdio::null());
    let group = Group::spawn(&mut command)?;
    // It holds QEMU's end: without this we would wait for a QEMU that is gone.
    drop(command);
    let answer = Qmp::over(ours).and_then(|mut qmp| ask(&mut qmp));
    drop(group);
    answer.map_err(|cause| VmError::Socket { name: "monitor", cause })
}

fn ask(qmp: &mut Qmp) -> io::Result<Capabilities> {
    let devices = names(&qmp.execute("qom-list-types", json!({"implements": "device", "abstract": false}))?);
    let objects =
        names(&qmp.execute("qom-list-types", json!({"implements": "user-creatable", "abstract": false}))?);
    let machines = qmp.execute("query-machines", json!({}))?;
    let mut have = BTreeSet::new();
    for QemuFeature { feature, .. } in NEEDS {
        let there = match feature {
            Feature::Machine(alias) => machine_type(&machines, alias).is_some(),
            Feature::MachineProperty(key) => match machine_type(&machines, "q35") {
                Some(kind) => {
                    names(&qmp.execute("qom-list-properties", json!({"typename": kind}))?).contains(*key)
                }
                None => false,
            },
            Feature::Device(kind) => devices.contains(*kind),
            Feature::DeviceProperty(kind, key) if devices.contains(*kind) => {
                names(&qmp.execute("device-list-properties", json!({"typename": kind}))?).contains(*key)
            }
            Feature::DeviceProperty(..) => false,
            Feature::Object(kind) => objects.contains(*kind),
        };
        if there {
            have.insert(feature.to_string());
        }
    }
    Ok(Capabilities(have))
}

fn names(list: &Value) -> BTreeSet<String> {
    let all = list.as_array().into_iter().flatten();
    all.filter_map(|one| one["name"].as_str()).map(str::to_owned).collect()
}

/// `q35` is another name of `pc-q35-10.0`, whose type is `pc-q35-10.0-machine`.
fn machine_type(machines: &Value, alias: &str) -> Option<String> {
    let mut all = machines.as_array().into_iter().flatten();
    let found = all.find(|machine| machine["alias"] == alias || machine["name"] == alias)?;
    Some(format!("{}-machine", found["name"].as_str()?))
}

#[cfg(test)]
mod tests;
