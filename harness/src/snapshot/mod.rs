//! A recording as short text that stays the same as long as the kernel does, for `cargo insta`.
//!
//! [`interface`] is what user space can rely on: the tracepoints and the sysfs tree. [`behaviour`] is the run as text:
//! which sequences occur, which quotas, where the memory is at the end. Counts, times and single measurements are left
//! out, because they change with every rebuilt kernel; the invariants of [`crate::check`] judge those.

mod behaviour;
mod interface;
mod stored;
mod words;

pub use behaviour::behaviour;
pub use interface::{interface, tree};
pub use stored::{first_difference, stored};

use crate::check::REAL_CLOCK;
use crate::host::text::excerpt;
use crate::kernel::VersionRequest;
use crate::recording::Recording;
use crate::scenario::SnapshotKind;

/// Why a run is not compared with its stored text of this kind, if so.
pub fn not_compared(kind: SnapshotKind, recording: &Recording) -> Option<String> {
    let (stored, release) =
        (VersionRequest::default(), recording.report.kernel.split(' ').next().unwrap_or_default());
    if !release.is_empty() && !stored.is(release) {
        return Some(format!("the stored text is of linux {stored}, and this is {}", excerpt(release)));
    }
    match kind {
        SnapshotKind::Behaviour if !recording.meta.clock.is_virtual() => Some(REAL_CLOCK.to_owned()),
        SnapshotKind::Behaviour | SnapshotKind::Interface => None,
    }
}

#[cfg(test)]
mod tests;
