//! Which runs are compared with their stored text.

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
