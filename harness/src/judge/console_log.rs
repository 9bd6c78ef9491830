//! What the kernel printed on the console after the guest had read the kernel log.

use super::judgement::Judgement;
use crate::check::{Finding, Origin, kernel_log};
use crate::host::regular_file;
use crate::recording::CONSOLE_LOG;
use damonlab_protocol::units::Bytes;
use std::path::Path;

/// A console that prints 8 MiB ends its guest.
const LIMIT: Bytes = Bytes(16 << 20);

/// The console's entire text; empty where there is none.
pub(crate) fn text(dir: &Path) -> String {
    text_of(dir, CONSOLE_LOG)
}

/// The entire text of a log of a recording; empty where there is none, or one that no damonlab writes.
pub(crate) fn text_of(dir: &Path, name: &str) -> String {
    let bytes = regular_file::bytes(&dir.join(name), LIMIT).unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The reports of bugs on the console of the recording in `dir` that its judgement does not have yet.
pub(super) fn late_findings(dir: &Path, judgement: &Judgement) -> Vec<Finding> {
    let mut late = kernel_log::scan(CONSOLE_LOG, &text(dir));
    // The console repeats what the log has; reports with the same headline are the same.
    late.retain(|finding| !judgement.findings.iter().any(|known| known.seen == finding.seen));
    late.retain(|finding| !judgement.skipped.iter().any(|(about, _)| Origin::Rule(about) == finding.origin));
    late
}
