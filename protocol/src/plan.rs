//! What the guest does in a run: one complete JSON document.
//!
//! The host writes it into the fw_cfg file [`FW_CFG_NAME`]; the guest reads it once it is up.
//! Names and ranges that only the guest can know (the addresses of a node, the pid of a workload)
//! stay symbolic here and are resolved there; the answer goes back in
//! [`crate::record::GuestReport`].

use crate::damon::Kdamond;
pub use crate::damon::SchemeAt;
use crate::kernel_feature::KernelFeature;
use crate::kernel_file::FileWrite;
use crate::machine_view::MachineView;
pub use crate::race::Task;
use crate::record::VMSTAT_PREFIXES;
use crate::units::{BasisPoints, Bytes, Nanos, NodeId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The fw_cfg item that carries the plan; in the guest it is
/// `/sys/firmware/qemu_fw_cfg/by_name/<FW_CFG_NAME>/raw`.
pub const FW_CFG_NAME: &str = "opt/damonlab/plan";

/// The virtio-serial port on which the results leave ([`crate::wire`]).
pub const RESULTS_PORT: &str = "org.damonlab.results";

/// What the guest prints on the console, alone on a line, when it is about to read the plan.
pub const READY_MARK: &str = "damonlab-guest: ready";

/// What the guest prints on the console when all memory of the plan is up and the workloads are in it.
pub const MEMORY_MARK: &str = "damonlab-guest: memory is up";

/// What the guest prints on the console once the measured part is over and the results leave.
pub const DRAIN_MARK: &str = "damonlab-guest: draining";

/// What a guest prints in front of the reason why it cannot go on. It still sends what it has.
pub const ERROR_MARK: &str = "damonlab-guest: error: ";

/// The version of this document. A guest refuses any other.
pub const PLAN_VERSION: u32 = 2;

/// Everything that one run does inside the guest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// [`PLAN_VERSION`].
    pub version: u32,
    /// The scenario's name, for the console.
    pub scenario: String,
    /// Mixed into every choice the guest makes (which pages are hot, when a pass starts) and into the
    /// kernel's random numbers.
    pub seed: u64,
    /// Memory that is not there at boot and has to be brought up first, in this order.
    pub cxl: Vec<CxlRegion>,
    /// Soft-reserved memory to put online, after the CXL regions, in this order.
    pub soft_reserved: Vec<SoftReserved>,
    /// What the kernel must show of the machine once all memory is online: nothing is started on another.
    /// None only where no scenario is run.
    pub machine: Option<MachineView>,
    /// What the kernel must have, or nothing is started.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub needs: Vec<KernelFeature>,
    /// Swap to compressed memory (`zram0`), of this size; none leaves anonymous memory where it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub swap: Option<Bytes>,
    /// What is written into files of the kernel before a workload starts, in this order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub boot_writes: Vec<FileWrite>,
    /// The guest sees the host's files ([`crate::host_files`]).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub host_root: bool,
    /// The guest prints its report on the console ([`crate::report_line`]), for a host that reads nothing else.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub prints_report: bool,
    /// The guest's report lists what the kernel's DAMON shows of itself ([`crate::inventory`]).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub lists_damon: bool,
    /// The processes that touch memory. They are placed before DAMON starts.
    pub workloads: Vec<Workload>,
    /// DAMON's configuration, one entry a kdamond. Without one the guest leaves DAMON alone, and the trace begins with
    /// the first step rather than with [`Step::Start`].
    pub kdamonds: Vec<Kdamond>,
    /// Which tracepoints to record.
    pub trace: Trace,
    /// How often per-node memory, vmstat and scheme statistics are read, in guest time.
    pub sample_every: Nanos,
    /// What the names of the `/proc/vmstat` counters that a sample keeps begin with; none stands for
    /// [`VMSTAT_PREFIXES`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub vmstat: Vec<String>,
    /// What happens, in order.
    pub steps: Vec<Step>,
}

impl Plan {
    /// A plan without a step, for the machine as it boots.
    pub fn empty(scenario: &str) -> Plan {
        Plan {
            version: PLAN_VERSION,
            scenario: scenario.to_owned(),
            seed: 0,
            cxl: Vec::new(),
            soft_reserved: Vec::new(),
            machine: None,
            needs: Vec::new(),
            swap: None,
            boot_writes: Vec::new(),
            host_root: false,
            prints_report: false,
            lists_damon: false,
            workloads: Vec::new(),
            kdamonds: Vec::new(),
            trace: Trace { events: Vec::new(), buffer: Bytes::MIB },
            sample_every: Nanos::from_millis(1_000),
            vmstat: Vec::new(),
            steps: Vec::new(),
        }
    }

    /// What the names of the `/proc/vmstat` counters that a sample keeps begin with.
    pub fn vmstat_prefixes(&self) -> Vec<&str> {
        match self.vmstat.as_slice() {
            [] => VMSTAT_PREFIXES.to_vec(),
            own => own.iter().map(String::as_str).collect(),
        }
    }
}

/// One CXL region to assemble in a window of its own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CxlRegion {
    /// The node that the region must become. The guest fails if it became another.
    pub node: NodeId,
    /// The devices' serial numbers (QEMU `sn=`, sysfs `memN/serial`), by their position in the interleave.
    /// One device is a region without interleave.
    pub serials: Vec<u64>,
    /// How many bytes go to a device before the next one's turn (`interleave_granularity`).
    pub granularity: Bytes,
    /// The size of each device, all of it used; a multiple of 256 MiB.
    pub device: Bytes,
}

impl CxlRegion {
    /// The region's size.
    pub fn size(&self) -> Bytes {
        Bytes(self.device.0.saturating_mul(self.serials.len() as u64))
    }
}

/// A node whose memory comes through `dax_hmem` and kmem.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SoftReserved {
    /// The node (`target_node` of the DAX device).
    pub node: NodeId,
    /// Its size, whole memory blocks.
    pub size: Bytes,
}

/// One process that holds anonymous memory and touches it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Workload {
    /// Its name, unique in the plan; also the process's comm (15 bytes).
    pub name: String,
    /// How much memory it maps and populates.
    pub size: Bytes,
    /// The node on which its memory is placed at first; migrations may move it later.
    pub node: NodeId,
    /// One pass over the hot part starts every so often.
    pub every: Nanos,
    /// The hot part of `size`; the rest is populated and never touched again.
    pub hot_bp: BasisPoints,
    /// What a touch is.
    pub access: Access,
    /// The memory cgroup that it lives in, `/NAME` below the root; made where it is not there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memcg: Option<String>,
    /// Its memory is huge pages of 2 MiB (`MADV_HUGEPAGE`), all of it; else there is none in it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub huge_pages: bool,
}

/// What a workload does to a page in a pass: one access a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Access {
    /// Reads eight bytes.
    Read,
    /// Writes eight bytes.
    Write,
}

/// What the private tracing instance records.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trace {
    /// `system:event` or `system:*`. An event that the kernel does not have is reported, not fatal:
    /// the host decides what its absence means.
    pub events: Vec<String>,
    /// The ring buffer's size per CPU. It must hold the whole run: a lost event fails it.
    pub buffer: Bytes,
}

/// One thing that happens in the guest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Step {
    /// Writes the configuration and turns every kdamond on. With `refused`, the kernel must say no
    /// with this errno name (`EINVAL`), and nothing runs afterwards.
    Start {
        /// The errno name that the scenario expects.
        refused: Option<String>,
    },
    /// Lets the guest run for so long.
    Run {
        /// Guest time.
        time: Nanos,
    },
    /// Takes all memory of a CXL or soft-reserved node away, whoever uses it: its pages move elsewhere first.
    Offline {
        /// The node.
        node: NodeId,
    },
    /// Puts it back.
    Online {
        /// The node.
        node: NodeId,
    },
    /// Turns every kdamond off and waits until it is gone.
    Stop,
    /// Gives the kdamonds that run another configuration, whole.
    Commit {
        /// One entry a kdamond, as many as run.
        kdamonds: Vec<Kdamond>,
        /// The errno name with which the kernel must refuse it. It then runs on as before.
        refused: Option<String>,
    },
    /// Gives schemes other quota goals, and nothing else.
    Retarget {
        /// The whole configuration that follows.
        kdamonds: Vec<Kdamond>,
        /// Whose goals are written; the kdamonds among them get the command.
        schemes: Vec<SchemeAt>,
        /// As for [`Step::Commit`].
        refused: Option<String>,
    },
    /// Pauses every kdamond.
    Pause {
        /// The whole configuration that follows: the one before, paused.
        kdamonds: Vec<Kdamond>,
    },
    /// Lets every kdamond go on.
    Resume {
        /// The whole configuration that follows.
        kdamonds: Vec<Kdamond>,
    },
    /// Reads every file of DAMON's in sysfs. Each that the configuration in force wrote must read as it was written.
    ReadBack,
    /// Writes a value into a file.
    Write {
        /// Relative to [`crate::damon::ROOT`], or absolute ([`crate::kernel_file`]).
        file: String,
        /// What is written, without a newline.
        value: String,
        /// The errno name with which the kernel must refuse it.
        refused: Option<String>,
    },
    /// Runs a program of the host.
    HostCommand {
        /// What its result is called.
        name: String,
        /// The program and its arguments.
        run: Vec<String>,
        /// Guest time after which it is killed.
        within: Nanos,
        /// It prints damo's kdamonds format, which must agree with [`Plan::kdamonds`].
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        kdamonds: bool,
    },
    /// Runs DAMON's selftests.
    Selftests {
        /// Guest time after which each of them is killed.
        within: Nanos,
        /// Which are not run, and why.
        skip: BTreeMap<String, String>,
    },
    /// Several steps at once.
    Together {
        /// What is carried out, in the scenario's order.
        tasks: Vec<Task>,
        /// The real-time priority of the kdamonds meanwhile; 0 leaves them ordinary threads.
        #[serde(default)]
        kdamonds: u8,
    },
    /// Ends the process of a workload. Only among steps at once.
    Exit {
        /// Its name.
        workload: String,
    },
    /// A workload does something else from its next pass on.
    Workload {
        /// Its name.
        name: String,
        /// What.
        phase: Phase,
    },
}

/// What a workload changes while it runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Phase {
    /// The hot part has another size; it shrinks inside what it was, or grows around it.
    Hot {
        /// The part of the workload's size.
        hot_bp: BasisPoints,
    },
    /// All its pages go to a node; they are free to go elsewhere afterwards.
    Move {
        /// The node.
        node: NodeId,
    },
    /// It touches nothing.
    Pause,
    /// It touches its hot part again.
    Resume,
}

impl Step {
    /// Its word in a scenario.
    pub fn word(&self) -> &'static str {
        match self {
            Step::Start { .. } => "start",
            Step::Run { .. } => "run",
            Step::Offline { .. } => "offline",
            Step::Online { .. } => "online",
            Step::Stop => "stop",
            Step::Commit { .. } => "commit",
            Step::ReadBack => "read_back",
            Step::Retarget { .. } => "retarget",
            Step::Pause { .. } => "pause",
            Step::Resume { .. } => "resume",
            Step::Write { .. } => "write",
            Step::HostCommand { .. } => "host_command",
            Step::Selftests { .. } => "selftests",
            Step::Workload { .. } | Step::Exit { .. } => "workload",
            Step::Together { .. } => "together",
        }
    }

    /// The configuration that is in force once the kernel has taken this step, where it changes one.
    pub fn configures(&self) -> Option<&[Kdamond]> {
        match self {
            Step::Commit { kdamonds, .. }
            | Step::Retarget { kdamonds, .. }
            | Step::Pause { kdamonds }
            | Step::Resume { kdamonds } => Some(kdamonds),
            _ => None,
        }
    }

    /// The refusal that is expected of the kernel; the outer `None` where there is nothing that it could refuse.
    pub fn refusal(&self) -> Option<Option<&str>> {
        match self {
            Step::Start { refused }
            | Step::Commit { refused, .. }
            | Step::Retarget { refused, .. }
            | Step::Write { refused, .. } => Some(refused.as_deref()),
            Step::Pause { .. } | Step::Resume { .. } => Some(None),
            _ => None,
        }
    }
}
