//! The statistics of schemes in sysfs.

use super::kdamonds::{kdamond, runs};
use crate::agent::failure::Failure;
use crate::agent::files;
use damonlab_protocol::damon::Kdamond;
use damonlab_protocol::kernel_text::number;
use damonlab_protocol::record::SchemeStats;
use std::path::Path;

/// Has the kernel bring the statistics in sysfs up to date. Waits for each kdamond's next sampling.
/// A kdamond that does not run keeps what it had.
pub fn update(count: usize) -> Result<(), Failure> {
    for index in (0..count).filter(|index| runs(*index)) {
        for command in ["update_schemes_stats", "update_schemes_effective_quotas"] {
            match files::write_patiently(kdamond(index).join("state"), command) {
                // It may have ended in between: the process that it watched is gone.
                Err(_) if !runs(index) => break,
                result => result?,
            }
        }
    }
    Ok(())
}

/// The statistics of every scheme as sysfs has them now.
pub fn read(kdamonds: &[Kdamond]) -> Vec<Vec<SchemeStats>> {
    let schemes = |index: usize| kdamond(index).join("contexts/0/schemes");
    kdamonds
        .iter()
        .enumerate()
        .map(|(index, one)| {
            (0..one.context.schemes.len())
                .map(|scheme| scheme_stats(&schemes(index).join(scheme.to_string())))
                .collect()
        })
        .collect()
}

/// A counter that the kernel does not have is 0.
fn scheme_stats(scheme: &Path) -> SchemeStats {
    let value = |file: &str| files::read(scheme.join(file)).ok().and_then(|text| number(&text)).unwrap_or(0);
    SchemeStats {
        nr_tried: value("stats/nr_tried"),
        sz_tried: value("stats/sz_tried"),
        nr_applied: value("stats/nr_applied"),
        sz_applied: value("stats/sz_applied"),
        sz_ops_filter_passed: value("stats/sz_ops_filter_passed"),
        qt_exceeds: value("stats/qt_exceeds"),
        nr_snapshots: value("stats/nr_snapshots"),
        effective_bytes: value("quotas/effective_bytes"),
    }
}
