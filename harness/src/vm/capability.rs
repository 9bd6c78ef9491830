//! The features of this QEMU that machines need: queried once, then read from the cache.
//!
//! A QEMU without a machine lists its types and their properties in a seventh of a second. Everything that any machine
//! could need is queried at once, so that a run only compares names.

use super::error::VmError;
use super::qmp::Qmp;
use super::sandbox::Sandbox;
use crate::host::command::{self, Limits, command_for};
use crate::host::fault::{Fault, Faulty};
use crate::host::probe_cache::CachedProbe;
use crate::host::text::{foreign, last_lines, shown};
use crate::machine::{Argv, Feature, NEEDS, QemuFeature};
use crate::setup::Tools;
use damonlab_protocol::units::Bytes;
use fs_err as fs;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read as _, Seek as _};
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Stdio;

/// Those of the queried features that a QEMU has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Capabilities(BTreeSet<String>);

/// How much of what QEMU prints is read.
const PRINTED: Bytes = Limits::QUERY.output;

/// The feature that is tried and not queried: QEMU has to have it, and the host to allow it.
const SANDBOX: &str = "sandbox";

/// A machine that this QEMU cannot build.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, miette::Diagnostic)]
#[error("'{}' needs features that this QEMU does not have: {missing}", foreign(scenario))]
#[diagnostic(help(
    "{} is {}; a newer one may have them (`{} -device help` and `-object help` list the features), and the \
     first in PATH is used; or leave {used_by} out",
    shown(.qemu),
    foreign(.version),
    shown(.qemu)
))]
pub struct MissingQemuFeature {
    scenario: String,
    missing: String,
    used_by: String,
    qemu: PathBuf,
    version: String,
}

impl Faulty for MissingQemuFeature {
    fn fault(&self) -> Fault {
        Fault::BadInput
    }
}

/// The QEMU and the features that were queried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct ProbeKey {
    qemu: PathBuf,
    version: String,
    size: u64,
    modified: (i64, i64),
    features: Vec<String>,
}

/// What a process waits for while another one probes.
const WAITS_FOR: &str = "another damonlab to query the features of QEMU";

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
            features: NEEDS.iter().map(|need| need.feature.to_string()).chain([SANDBOX.to_owned()]).collect(),
        })
    }
}

impl Capabilities {
    /// Those of `needs` that this QEMU does not have. Of a missing device no property is listed.
    fn missing(&self, needs: impl Iterator<Item = &'static QemuFeature>) -> Vec<&'static QemuFeature> {
        let implied =
            |feature| matches!(feature, Feature::DeviceProperty(kind, _) if !self.has(Feature::Device(kind)));
        needs.filter(|need| !self.has(need.feature) && !implied(need.feature)).collect()
    }

    fn has(&self, feature: Feature) -> bool {
        self.0.contains(&feature.to_string())
    }

    /// Whether guests run in QEMU's seccomp filter.
    pub(super) fn has_sandbox(&self) -> bool {
        self.0.contains(SANDBOX)
    }

    /// Checks that this QEMU can build the machine of `scenario`.
    ///
    /// # Errors
    /// The missing features.
    pub fn check(&self, scenario: &str, machine: &Argv, tools: &Tools) -> Result<(), MissingQemuFeature> {
        let missing = self.missing(machine.needs());
        if missing.is_empty() {
            return Ok(());
        }
        let used_by: BTreeSet<&str> = missing.iter().map(|need| need.asked_by).collect();
        Err(MissingQemuFeature {
            scenario: scenario.to_owned(),
            missing: listed(&missing),
            used_by: used_by.into_iter().collect::<Vec<_>>().join(" and "),
            qemu: tools.qemu.clone(),
            version: tools.qemu_version.clone(),
        })
    }

    /// The purposes that are covered, and the missing features.
    fn note(&self) -> String {
        let missing = self.missing(NEEDS.iter());
        let whole = |purpose: &&str| missing.iter().all(|need| need.purpose != *purpose);
        let mut there: Vec<&str> = NEEDS.iter().map(|need| need.purpose).filter(whole).collect();
        there.dedup();
        match missing.is_empty() {
            true => there.join(", "),
            false => format!("{}; but not {}", there.join(", "), listed(&missing)),
        }
    }
}

fn listed(needs: &[&QemuFeature]) -> String {
    let one = |need: &&QemuFeature| format!("{need}, which {} needs", need.asked_by);
    needs.iter().map(one).collect::<Vec<_>>().join("; ")
}

/// The features of the QEMU of `tools`, from the cache or queried now.
///
/// # Errors
/// QEMU could not be started, or did not answer.
pub fn capabilities(cache: &Path, tools: &Tools) -> Result<Capabilities, VmError> {
    ProbeKey::of(tools)?.cached_or(cache, WAITS_FOR, || start_and_query(&tools.qemu))
}

impl Sandbox {
    /// What the QEMU of `tools` can do on this host, from the cache or tried now.
    ///
    /// # Errors
    /// As for [`capabilities`].
    pub fn of(cache: &Path, tools: &Tools) -> Result<Sandbox, VmError> {
        Ok(match capabilities(cache, tools)?.has_sandbox() {
            true => Sandbox::On,
            false => Sandbox::Unavailable,
        })
    }
}

/// The features of this QEMU, for users.
pub fn machines_note(cache: &Path, tools: &Tools) -> String {
    match capabilities(cache, tools) {
        Ok(capabilities) => {
            let sandbox = match capabilities.has_sandbox() {
                true => "guests run in its seccomp sandbox",
                false => "its seccomp sandbox does not work here, so guests run without it",
            };
            format!("note: machines on this QEMU can have {}. {sandbox}", capabilities.note())
        }
        Err(error) => format!("note: cannot query the features of QEMU: {error}"),
    }
}

/// Queries a QEMU in the sandbox, or one without it where that does not start.
fn start_and_query(qemu: &Path) -> Result<Capabilities, VmError> {
    let Ok(Capabilities(mut features)) = start_and_query_in(Sandbox::On, qemu) else {
        return start_and_query_in(Sandbox::Unavailable, qemu);
    };
    features.insert(SANDBOX.to_owned());
    Ok(Capabilities(features))
}

fn start_and_query_in(sandbox: Sandbox, qemu: &Path) -> Result<Capabilities, VmError> {
    let (own, qemus) = UnixStream::pair()?;
    let qemus = OwnedFd::from(qemus);
    let mut printed = tempfile::tempfile()?;
    let mut command = command_for(qemu);
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
        .args(sandbox.arguments())
        .stdin(Stdio::from(qemus.try_clone()?))
        .stdout(Stdio::from(qemus))
        .stderr(Stdio::from(printed.try_clone()?));
    let capabilities =
        command::attend(command, Limits::QUERY, || Qmp::over(own).and_then(|mut qmp| query(&mut qmp)))?;
    capabilities.map_err(|cause| VmError::Query {
        qemu: qemu.to_owned(),
        cause,
        lines: last_lines_of(&mut printed),
    })
}

/// The last lines that QEMU printed before it closed its monitor, as an error quotes them.
fn last_lines_of(printed: &mut File) -> String {
    let mut text = Vec::new();
    let read = printed.rewind().and_then(|()| printed.take(PRINTED.0).read_to_end(&mut text));
    match last_lines(&String::from_utf8_lossy(&text), 10).join("\n  ") {
        lines if read.is_err() || lines.is_empty() => String::new(),
        lines => format!(". It printed:\n  {lines}"),
    }
}

pub(super) fn query(qmp: &mut Qmp) -> io::Result<Capabilities> {
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

/// The type of a machine: `q35` is an alias of `pc-q35-10.0`, whose type is `pc-q35-10.0-machine`.
fn machine_type(machines: &Value, alias: &str) -> Option<String> {
    let mut all = machines.as_array().into_iter().flatten();
    let found = all.find(|machine| machine["alias"] == alias || machine["name"] == alias)?;
    Some(format!("{}-machine", found["name"].as_str()?))
}

#[cfg(test)]
mod tests;
