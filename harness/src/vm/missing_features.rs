//! What of DAMON a kernel has, of all that a scenario may need: a small guest asks it, once for each image, and the
//! answer is kept in the cache.

use super::VmError;
use super::accel::Accelerator;
use super::probe::{self, Probe};
use super::probe_cache::CachedProbe;
use crate::host::progress::Progress;
use crate::kernel::Image;
use crate::machine::Argv;
use crate::setup::Tools;
use damonlab_protocol::kernel_feature::KernelFeature;
use damonlab_protocol::plan::{DRAIN_MARK, ERROR_MARK, Plan, READY_MARK};
use damonlab_protocol::units::Bytes;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

/// Under TCG such a guest takes five seconds, on a busy host more.
const LIMIT: Duration = Duration::from_secs(60);

/// What the agent says where something is lacking (`MissingFeature::Needs`).
const LACKS: &str = "the kernel has no ";

/// What the guest gets.
const MEMORY: Bytes = Bytes(256 << 20);

/// The kernel that was asked, and what it was asked for.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct ProbeKey {
    image: String,
    needs: Vec<KernelFeature>,
}

impl CachedProbe for ProbeKey {
    type Output = BTreeSet<KernelFeature>;
    const FOLDER: &'static str = "lacks";
}

/// Those of `needs` that the kernel of `image` lacks.
///
/// # Errors
/// QEMU could not be started, or the guest did not answer.
pub fn missing_features(
    cache: &Path,
    tools: &Tools,
    image: &Image,
    needs: &[KernelFeature],
    progress: &Progress,
) -> Result<BTreeSet<KernelFeature>, VmError> {
    let asked = ProbeKey { image: image.key.clone(), needs: needs.to_vec() };
    asked.answered(cache, || {
        progress.say("kernel: booting a small guest to see what it has");
        ask(tools, image, needs)
    })
}

fn ask(tools: &Tools, image: &Image, needs: &[KernelFeature]) -> Result<BTreeSet<KernelFeature>, VmError> {
    let machine =
        Argv { memory: MEMORY, cpus: 1, qemu: vec!["-machine".into(), "q35".into()], kernel: Vec::new() };
    let tcg = Accelerator::Tcg("it does that everywhere".to_owned());
    let plan = Plan { needs: needs.to_vec(), ..probe::no_step() };
    let mut guest = Probe::start(tools, &image.bzimage, &tcg, &machine, &plan)?;
    let (done, _) = guest.wait_for(DRAIN_MARK, LIMIT)?;
    let said = guest.end()?;
    let answer = told(&said, needs).filter(|_| done);
    answer.ok_or_else(|| VmError::NoAnswer(probe::last_words(&said)))
}

/// The needs that a guest's console says are lacking; none if it says something else is wrong.
fn told(said: &str, needs: &[KernelFeature]) -> Option<BTreeSet<KernelFeature>> {
    if !probe::says(said, READY_MARK) {
        return None;
    }
    let mut lacks = BTreeSet::new();
    // Afterwards it only has to say that nobody takes its results.
    let before = said.lines().take_while(|line| line.trim_end() != DRAIN_MARK);
    for error in before.filter_map(|line| line.trim_end().strip_prefix(ERROR_MARK)) {
        let names = error.strip_prefix(LACKS)?;
        for name in names.split(", ") {
            lacks.insert(needs.iter().find(|need| need.to_string() == name)?.clone());
        }
    }
    Some(lacks)
}

#[cfg(test)]
mod tests {
    use super::*;
    use damonlab_protocol::missing_feature::MissingFeature;

    fn needs(names: &[&str]) -> Vec<KernelFeature> {
        names.iter().map(|name| KernelFeature::parse(name).unwrap()).collect()
    }

    #[test]
    fn what_the_agent_says_is_lacking_is_read_back() {
        let all = needs(&["pause", "goal.active_mem_bp", "tuner.temporal"]);
        let lack = MissingFeature::Needs(all[..2].to_vec());
        let said =
            format!("{READY_MARK}\r\n{ERROR_MARK}{lack}\r\n{DRAIN_MARK}\r\n{ERROR_MARK}nobody takes it\r\n");
        assert_eq!(told(&said, &all).unwrap(), all[..2].iter().cloned().collect());
        assert_eq!(told(&format!("{READY_MARK}\n{DRAIN_MARK}\n"), &all).unwrap(), BTreeSet::new());
    }

    #[test]
    fn a_guest_that_says_anything_else_gave_no_answer() {
        let all = needs(&["pause"]);
        for said in ["", "Kernel panic\n", &format!("{READY_MARK}\n{ERROR_MARK}no memory\n")] {
            assert_eq!(told(said, &all), None, "{said}");
        }
        let damon = format!("{READY_MARK}\n{ERROR_MARK}{}\n", MissingFeature::Damon);
        assert_eq!(told(&damon, &all), None);
    }
}
