//! What a recording has: the files of its folder, and their contents as they are read.

use super::host_load::HostLoad;
use crate::host::names::{EntryName, Key};
use crate::scenario::{GuestClock, InstructionCost, MOST_RULE_FILES, Scenario};
use crate::subject::damon::events::Event;
use damonlab_protocol::plan::Plan;
use damonlab_protocol::record::{GCOV_LIMIT, GuestReport, Sample, section};
use damonlab_protocol::units::Bytes;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

/// The version of the folder's layout.
pub const RECORDING_VERSION: u32 = 2;

/// The file that is written last and makes a recording complete: [`Meta`].
pub const META: &str = "recording.json";
/// The scenario's text as it was run.
pub const SCENARIO: &str = "scenario.yaml";
/// The text of the machine's file, where the machine does not stand in the scenario or is another.
pub const MACHINE: &str = "machine.yaml";
/// The text of the file that introduces words of the scenario, where there is one.
pub const INTRODUCES: &str = "introduces.yaml";
/// The texts of the files of rules that the run was judged by, in order, as far as there are any.
pub const RULES: [&str; MOST_RULE_FILES] = [
    "rules-1.yaml",
    "rules-2.yaml",
    "rules-3.yaml",
    "rules-4.yaml",
    "rules-5.yaml",
    "rules-6.yaml",
    "rules-7.yaml",
    "rules-8.yaml",
];
/// The plan that the guest got.
pub const PLAN: &str = "plan.json";

/// The console's entire text.
pub const CONSOLE_LOG: &str = "console.txt";
/// The state of a guest whose clock ran out: what its CPUs and its tasks did. Its first lines, up to an empty one, are the
/// summary.
pub const GUEST_STATE: &str = "guest-state.txt";
/// The output of virtme-ng and QEMU; it names host paths, so nothing compares it.
pub const VNG_LOG: &str = "vng.log";

/// The sections that a guest may send, and their limits: each is read again to be judged. The trace is the
/// largest: a ring buffer of 32 MiB prints as about 130 MB of text.
pub const LIMITS: &[(&str, Bytes)] = &[
    (section::TRACE, Bytes(256 << 20)),
    (section::RAW, Bytes(128 << 20)),
    (section::SAMPLES, Bytes(64 << 20)),
    (section::DMESG, Bytes(16 << 20)),
    (section::REPORT, SMALL_LIMIT),
    (section::FORMATS, SMALL_LIMIT),
    (section::SYSFS, SMALL_LIMIT),
    (section::TESTS, Bytes(8 << 20)),
    // The counts, and the names of their files.
    (section::GCOV, Bytes(GCOV_LIMIT as u64 + (1 << 20))),
];

/// The other files of a recording that something reads, besides [`RULES`].
pub(super) const OWN_FILES: &[&str] = &[META, SCENARIO, MACHINE, INTRODUCES, PLAN, CONSOLE_LOG];

/// No JSON file of a recording is larger.
pub(super) const SMALL_LIMIT: Bytes = Bytes(4 << 20);

/// A scenario is a page of text.
const TEXT_LIMIT: Bytes = Bytes(1 << 20);

/// A console that prints 8 MiB ends its guest; no other log is longer.
const LOG_LIMIT: Bytes = Bytes(16 << 20);

/// The limit of a file of a recording.
pub(super) fn limit(name: &str) -> Bytes {
    let of_section = LIMITS.iter().find(|(section, _)| *section == name).map(|(_, limit)| *limit);
    of_section.unwrap_or(match name {
        META | PLAN => SMALL_LIMIT,
        SCENARIO | MACHINE | INTRODUCES => TEXT_LIMIT,
        name if RULES.contains(&name) => TEXT_LIMIT,
        _ => LOG_LIMIT,
    })
}

/// One event of a recorded trace. The events of DAMON have a type each.
pub type Line = crate::trace::Line<Event>;

/// A recorded trace.
pub type Trace = crate::trace::Trace<Event>;

/// Whether the files of a recording are known to be as they were recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seal {
    /// Every file matches its digest.
    Intact,
    /// An older damonlab made it, without digests.
    Unsealed,
}

/// One run, with all that its folder has.
#[derive(Debug, Clone)]
pub struct Recording {
    /// The folder.
    pub dir: PathBuf,
    /// Whether its files are known to be as they were recorded.
    pub seal: Seal,
    /// `recording.json`.
    pub meta: Meta,
    /// `scenario.yaml`, read again.
    pub scenario: Scenario,
    /// `plan.json`.
    pub plan: Plan,
    /// `guest.json`.
    pub report: GuestReport,
    /// `trace.txt`.
    pub trace: Trace,
    /// `trace.raw`; empty in recordings of an older damonlab.
    pub raw: Vec<u8>,
    /// `samples.jsonl`.
    pub samples: Vec<Sample>,
    /// `dmesg.txt`.
    pub dmesg: String,
    /// `formats.txt`.
    pub formats: String,
    /// `sysfs.txt`.
    pub sysfs: String,
    /// `tests.txt`; empty in recordings of an older damonlab.
    pub tests: String,
}

/// Functions of the kernel of which damonlab knows several variants, each with the name of the variant that the source has.
/// The subjects say which functions those are, and name the variants.
pub type Formulas = BTreeMap<String, String>;

/// What the run was made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Meta {
    /// [`RECORDING_VERSION`].
    pub version: u32,
    /// The scenario's name.
    pub scenario: EntryName,
    /// The machine's name, where [`MACHINE`] describes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub machine: Option<String>,
    /// The kernel, for people: `linux 7.3.4 + 1 patch`.
    pub kernel: String,
    /// The image's key: a hash over source, patches, configuration and compiler, or over the file.
    pub kernel_key: Key,
    /// `QEMU emulator version ...`.
    pub qemu: String,
    /// The seed.
    pub seed: u64,
    /// The guest was booted, and not started from a checkpoint: its trace is another one, by microseconds.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub booted: bool,
    /// What made time pass in the guest, which overrides the scenario.
    #[serde(default, skip_serializing_if = "GuestClock::is_virtual")]
    pub clock: GuestClock,
    /// What executed the guest's instructions, where the clock leaves a choice ([`Meta::accelerator`]). Not in older
    /// recordings.
    #[serde(default, skip_serializing_if = "Option::is_none", rename = "accelerator")]
    pub chosen_accelerator: Option<AcceleratorName>,
    /// How fast the guest's processor was on virtual time.
    #[serde(default, skip_serializing_if = "InstructionCost::is_plain")]
    pub pace: InstructionCost,
    /// How the kernel's source computes what the oracle replays. Not in older recordings, and not of a kernel without source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub formulas: Option<Formulas>,
    /// What the host gave the guest while the plan ran: on the real clock, where that shows in the guest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub load: Option<HostLoad>,
    /// The guest's `/init`: a hash over its bytes ([`agent_digest`]). Not in older recordings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// How the guest ended, where it did not deliver its results: the id of a finding, such as `clock`. Such a recording can
    /// be run again, and not be judged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub without_results: Option<String>,
    /// A seal was written after this file. Not in older recordings.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub sealed: bool,
}

impl Meta {
    /// What executed the guest's instructions; none if an older recording on the real clock does not name it.
    pub fn accelerator(&self) -> Option<AcceleratorName> {
        // Only TCG counts instructions.
        if self.clock.is_virtual() { Some(AcceleratorName::Tcg) } else { self.chosen_accelerator }
    }
}

/// What executes a guest's instructions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AcceleratorName {
    /// The host's processor.
    Kvm,
    /// QEMU's translator.
    Tcg,
}

impl fmt::Display for AcceleratorName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            AcceleratorName::Kvm => "KVM",
            AcceleratorName::Tcg => "TCG",
        })
    }
}

/// The name of an agent: equal for equal bytes.
pub fn agent_digest(agent: &[u8]) -> String {
    blake3::hash(agent).to_hex()[..24].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meta(rest: &str) -> Meta {
        let head =
            r#"{"version": 2, "scenario": "a", "kernel": "b", "kernel_key": "c", "qemu": "d", "seed": 0"#;
        serde_json::from_str(&format!("{head}{rest}}}")).unwrap()
    }

    #[test]
    fn the_accelerator_is_named_except_in_an_older_recording_on_the_real_clock() {
        for (rest, accelerator) in [
            ("", Some(AcceleratorName::Tcg)),
            (r#", "clock": "real""#, None),
            (r#", "clock": "real", "accelerator": "kvm""#, Some(AcceleratorName::Kvm)),
            (r#", "clock": "real", "accelerator": "tcg""#, Some(AcceleratorName::Tcg)),
        ] {
            assert_eq!(meta(rest).accelerator(), accelerator, "{rest}");
        }
    }
}
