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
use crate::record::VMSTAT_PREFIXES;
pub use crate::step::{Phase, Step, Task};
use crate::units::{BasisPoints, Bytes, Nanos, NodeId};
use serde::{Deserialize, Serialize};

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
