//! What a recording has: the files of its folder, and their contents as they are read.

use super::host_load::HostLoad;
use crate::scenario::{GuestClock, InstructionCost, Scenario};
use crate::subject::damon::events::Event;
use damonlab_protocol::plan::Plan;
use damonlab_protocol::record::{GuestReport, Sample};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// The version of the folder's layout.
pub const RECORDING_VERSION: u32 = 2;

/// The file that is written last and makes a recording complete: [`Meta`].
pub const META: &str = "recording.json";
/// The scenario's text as it was run.
pub const SCENARIO: &str = "scenario.yaml";
/// The text of the machine's file, where the machine does not stand in the scenario or is another.
pub const MACHINE: &str = "machine.yaml";
/// The plan that the guest got.
pub const PLAN: &str = "plan.json";

/// The console's entire text.
pub const CONSOLE_LOG: &str = "console.txt";
/// The output of virtme-ng and QEMU; it names host paths, so nothing compares it.
pub const VNG_LOG: &str = "vng.log";

/// One event of a recorded trace. The events of DAMON have a type each.
pub type Line = crate::trace::Line<Event>;

/// A recorded trace.
pub type Trace = crate::trace::Trace<Event>;

/// One run, with all that its folder has.
#[derive(Debug, Clone)]
pub struct Recording {
    /// The folder.
    pub dir: PathBuf,
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

/// What the run was made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Meta {
    /// [`RECORDING_VERSION`].
    pub version: u32,
    /// The scenario's name.
    pub scenario: String,
    /// The machine's name, where [`MACHINE`] describes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub machine: Option<String>,
    /// The kernel, for people: `linux 7.3.4 + 1 patch`.
    pub kernel: String,
    /// The image's key: a hash over source, patches, configuration and compiler, or over the file.
    pub kernel_key: String,
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
    /// How fast the guest's processor was on virtual time.
    #[serde(default, skip_serializing_if = "InstructionCost::is_plain")]
    pub pace: InstructionCost,
    /// What the host gave the guest while the plan ran: on the real clock, where that shows in the guest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub load: Option<HostLoad>,
    /// The guest's `/init`: a hash over its bytes ([`agent_digest`]). Not in older recordings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
}

/// The name of an agent: equal for equal bytes.
pub fn agent_digest(agent: &[u8]) -> String {
    blake3::hash(agent).to_hex()[..24].to_owned()
}
