//! What a scenario states that it needs, asked for before anything of it is started.

use super::{Failure, files, tracing};
use damonlab_protocol::damon::ROOT;
use damonlab_protocol::kernel_feature::{FeatureProbe, KernelFeature};
use damonlab_protocol::missing_feature::MissingFeature;
use nix::errno::Errno;
use std::path::Path;

/// Folders that are made for the questions, in this order; a kernel need not have them all.
const SCRATCH: &[&str] = &[
    "0/contexts/nr_contexts",
    "0/contexts/0/schemes/nr_schemes",
    "0/contexts/0/schemes/0/quotas/goals/nr_goals",
    "0/contexts/0/schemes/0/filters/nr_filters",
    "0/contexts/0/monitoring_attrs/probes/nr_probes",
];

/// What the kernel lacks of `needs`, if anything. DAMON's folder is left as it was found.
pub fn lacking(needs: &[KernelFeature]) -> Result<Option<MissingFeature>, Failure> {
    if needs.is_empty() {
        return Ok(None);
    }
    let of_damon = needs.iter().any(|need| !matches!(need.question(), Some(FeatureProbe::Path(_))));
    if !of_damon {
        return missing(needs);
    }
    let root = Path::new(ROOT);
    if !root.exists() {
        return Ok(Some(MissingFeature::Damon));
    }
    files::write_patiently(root.join("nr_kdamonds"), "1")?;
    for count in SCRATCH.iter().map(|file| root.join(file)).filter(|file| file.exists()) {
        files::write_patiently(count, "1")?;
    }
    let lack = missing(needs)?;
    files::write_patiently(root.join("nr_kdamonds"), "0")?;
    Ok(lack)
}

fn missing(needs: &[KernelFeature]) -> Result<Option<MissingFeature>, Failure> {
    let mut lacks = Vec::new();
    for need in needs {
        if !has(need)? {
            lacks.push(need.clone());
        }
    }
    Ok((!lacks.is_empty()).then_some(MissingFeature::Needs(lacks)))
}

fn has(need: &KernelFeature) -> Result<bool, Failure> {
    let kdamond = Path::new(ROOT).join("0");
    match need.question().ok_or_else(|| format!("the plan needs '{need}', which means nothing"))? {
        FeatureProbe::Event(name) => Ok(tracing::has_damon_event(name)),
        FeatureProbe::Module(name) => Ok(Path::new("/sys/module").join(name).exists()),
        FeatureProbe::Path(path) => Ok(Path::new(path).exists()),
        FeatureProbe::File(file) => Ok(kdamond.join(file).exists()),
        FeatureProbe::Word { file, word } => match files::write_patiently(kdamond.join(file), word) {
            Ok(()) => Ok(true),
            Err(error) if matches!(error.errno, Errno::EINVAL | Errno::ENOENT) => Ok(false),
            Err(error) => Err(error.into()),
        },
    }
}
