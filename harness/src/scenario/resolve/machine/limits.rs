//! The sizes that machines are made of.

use damonlab_protocol::units::Bytes;

/// The kernel's memory block on x86 below 64 GiB: hotplug and `/proc/iomem` deal in these.
pub(super) const MEMORY_BLOCK: u64 = 128 << 20;

/// `NODES_SHIFT=4` in this project's kernels.
pub(super) const MAX_NODES: usize = 16;

/// The nearest multiple of `unit`, at least one.
pub(super) fn nearest(size: Bytes, unit: u64) -> Bytes {
    Bytes((size.0.saturating_add(unit / 2) / unit).max(1).saturating_mul(unit))
}
