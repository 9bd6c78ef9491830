//! Which of the DAMON features that a scenario may need a kernel does not have, and what else its DAMON shows: a small guest
//! finds out once for each image, and the cache keeps the result.

use super::error::VmError;
use super::initramfs::AGENT;
use super::probe::{self, Probe};
use super::timing::Accelerator;
use crate::host::probe_cache::CachedProbe;
use crate::host::progress::Progress;
use crate::kernel::Image;
use crate::machine::Argv;
use crate::recording::agent_digest;
use crate::setup::Tools;
use damonlab_protocol::inventory::Inventory;
use damonlab_protocol::kernel_feature::KernelFeature;
use damonlab_protocol::missing_feature::MissingFeature;
use damonlab_protocol::plan::{DRAIN_MARK, Plan};
use damonlab_protocol::record::GuestReport;
use damonlab_protocol::report_line;
use damonlab_protocol::units::Bytes;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

/// Under TCG such a guest takes five seconds, on a busy host more.
const LIMIT: Duration = Duration::from_secs(60);

const MEMORY: Bytes = Bytes(256 << 20);

/// The kernel and the features that were tried.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct ProbeKey {
    image: String,
    /// The agent that looks for them.
    agent: String,
    needs: Vec<KernelFeature>,
}

/// What a guest found out about a kernel.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProbedFeatures {
    /// Those of the features that it was to try that the kernel does not have.
    pub missing: BTreeSet<KernelFeature>,
    /// What its DAMON shows of itself; empty in a kernel without DAMON.
    pub inventory: Inventory,
}

/// What a process waits for while another one probes.
const WAITS_FOR: &str = "another damonlab to find out which features the kernel has";

impl CachedProbe for ProbeKey {
    type Output = ProbedFeatures;
    const FOLDER: &'static str = "lacks";
}

/// Those of `features` that the kernel of `image` does not have, and what it shows.
///
/// # Errors
/// QEMU could not be started, or the guest sent no report.
pub fn probed_features(
    cache: &Path,
    tools: &Tools,
    image: &Image,
    features: &[KernelFeature],
    progress: &Progress,
) -> Result<ProbedFeatures, VmError> {
    let key = ProbeKey { image: image.key.to_string(), agent: agent_digest(AGENT), needs: features.to_vec() };
    key.cached_or(cache, WAITS_FOR, || {
        progress.say("kernel: booting a small guest to find out which DAMON features the kernel has");
        probe_features(cache, tools, image, features)
    })
}

fn probe_features(
    cache: &Path,
    tools: &Tools,
    image: &Image,
    features: &[KernelFeature],
) -> Result<ProbedFeatures, VmError> {
    let tcg = Accelerator::Tcg("it does that everywhere".to_owned());
    let plan =
        Plan { needs: features.to_vec(), prints_report: true, lists_damon: true, ..Plan::empty("probe") };
    let mut guest = Probe::start(cache, tools, &image.bzimage, &tcg, &Argv::plain(MEMORY), &plan)?;
    let (done, _) = guest.wait_for(DRAIN_MARK, LIMIT)?;
    let console = guest.end()?;
    match report(&console) {
        Ok(Some(report)) if done => {
            let missing = missing(&report, features).map_err(VmError::FeatureProbe)?;
            // The guest is not trusted to keep the bounds.
            Ok(ProbedFeatures { missing, inventory: report.inventory.unwrap_or_default().bounded() })
        }
        Ok(_) => Err(VmError::FeatureProbe(probe::last_line(&console))),
        Err(error) => Err(VmError::FeatureProbe(error.to_string())),
    }
}

/// The report that a guest printed on its console.
fn report(console: &str) -> Result<Option<GuestReport>, report_line::ReportLineError> {
    console.lines().find_map(|line| report_line::decode(line).transpose()).transpose()
}

/// The features of `tried` that are missing.
///
/// # Errors
/// The guest reports something else.
fn missing(report: &GuestReport, tried: &[KernelFeature]) -> Result<BTreeSet<KernelFeature>, String> {
    let missing = match &report.missing {
        None => &[][..],
        Some(MissingFeature::Needs(missing)) => missing,
        Some(other) => return Err(other.to_string()),
    };
    // A missing feature is the one error of its guest.
    if report.errors.len() != usize::from(report.missing.is_some()) {
        return Err(report.errors.join("; "));
    }
    match missing.iter().find(|feature| !tried.contains(feature)) {
        Some(other) => Err(format!("it names the feature {other}, which it was not to try")),
        None => Ok(missing.iter().cloned().collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use damonlab_protocol::plan::READY_MARK;

    fn features(names: &[&str]) -> Vec<KernelFeature> {
        names.iter().map(|name| KernelFeature::parse(name).unwrap()).collect()
    }

    fn lacking(lack: MissingFeature) -> GuestReport {
        GuestReport { errors: vec![lack.to_string()], missing: Some(lack), ..GuestReport::default() }
    }

    #[test]
    fn the_features_in_the_report_are_the_missing_ones() {
        let tried = features(&["pause", "goal.active_mem_bp", "tuner.temporal"]);
        let report = lacking(MissingFeature::Needs(tried[..2].to_vec()));
        assert_eq!(missing(&report, &tried).unwrap(), tried[..2].iter().cloned().collect());
        assert_eq!(missing(&GuestReport::default(), &tried), Ok(BTreeSet::new()));
    }

    #[test]
    fn the_report_is_found_between_the_other_lines_of_the_console() {
        let sent = lacking(MissingFeature::Damon);
        let line = report_line::encode(&sent).unwrap();
        let console = format!("[    0.1] Linux\r\n{READY_MARK}\r\n{line}\r\n{DRAIN_MARK}\r\n");
        assert_eq!(report(&console).unwrap(), Some(sent));
        assert_eq!(report("Kernel panic\n").unwrap(), None);
        assert!(report(&console.replace("errors", "")).is_err());
    }

    #[test]
    fn a_report_of_anything_else_is_an_error_and_not_a_missing_feature() {
        let tried = features(&["pause"]);
        let failed = GuestReport { errors: vec!["no memory".to_owned()], ..GuestReport::default() };
        assert_eq!(missing(&failed, &tried), Err("no memory".to_owned()));
        let other = lacking(MissingFeature::Needs(features(&["tuner.temporal"])));
        assert!(missing(&other, &tried).unwrap_err().contains("tuner.temporal"));
        assert!(missing(&lacking(MissingFeature::Damon), &tried).is_err());
    }
}
