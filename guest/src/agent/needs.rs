//! What a scenario states that it needs, looked for before anything of it is started.

use super::damon;
use super::failure::Failure;
use damonlab_protocol::kernel_feature::{FeatureProbe, KernelFeature};
use damonlab_protocol::missing_feature::MissingFeature;
use std::path::Path;

const EVENTS: &str = "/sys/kernel/tracing/events";

/// Those of `needs` that the kernel does not have, if any.
pub fn missing(needs: &[KernelFeature]) -> Result<Option<MissingFeature>, Failure> {
    let scratch = match needs.iter().any(KernelFeature::is_damons).then(damon::Scratch::make).transpose()? {
        Some(None) => return Ok(Some(MissingFeature::Damon)),
        scratch => scratch.flatten(),
    };
    let mut missing = Vec::new();
    for need in needs {
        let there =
            match need.probe().ok_or_else(|| format!("the plan needs '{need}', which is no feature"))? {
                FeatureProbe::Damon(probe) => damon::has(&probe)?,
                FeatureProbe::Module(name) => Path::new("/sys/module").join(name).exists(),
                FeatureProbe::Path(path) => Path::new(path).exists(),
                FeatureProbe::Event(event) => Path::new(EVENTS).join(event.replace(':', "/")).exists(),
            };
        if !there {
            missing.push(need.clone());
        }
    }
    scratch.map(damon::Scratch::remove).transpose()?;
    Ok((!missing.is_empty()).then_some(MissingFeature::Needs(missing)))
}
