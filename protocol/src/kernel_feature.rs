//! Names for what not every kernel has. A scenario states by these names what it needs, and reports say by them what a
//! kernel lacks. Pure.

use crate::damon::{self, DamonProbe};
use crate::kernel_file;
use serde::{Deserialize, Serialize};
use std::fmt;

/// One of them: a feature of DAMON such as `goal.node_eligible_mem_bp` or `pause`, a module (`module.damon_stat`), or
/// the absolute path of a kernel file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct KernelFeature(String);

/// How to find out whether a kernel has a feature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FeatureProbe<'a> {
    /// DAMON has it.
    Damon(DamonProbe<'a>),
    /// `/sys/module/NAME` is there.
    Module(&'a str),
    /// The file at an absolute path is there.
    Path(&'a str),
    /// Another system than DAMON's has the tracepoint, `SYSTEM:EVENT`.
    Event(&'a str),
}

/// The kind of modules.
const MODULE: &str = "module";

/// What a tracepoint's name begins with.
const TRACEPOINT: &str = "tracepoint.";

/// DAMON's system of tracepoints.
const DAMON: &str = "damon";

impl KernelFeature {
    /// The feature `name`; none if there is no such name. Whether the kernel knows a keyword in it is for the
    /// caller to decide.
    pub fn parse(name: &str) -> Option<KernelFeature> {
        let feature = KernelFeature(name.to_owned());
        feature.probe().is_some().then_some(feature)
    }

    /// The tracepoint `SYSTEM:EVENT`; none where that names none.
    pub fn tracepoint(event: &str) -> Option<KernelFeature> {
        let name = event.strip_prefix(DAMON).and_then(|rest| rest.strip_prefix(':')).unwrap_or(event);
        KernelFeature::parse(&format!("{TRACEPOINT}{name}"))
    }

    /// The file of a kdamond at a path relative to the kdamonds, such as `0/contexts/0/pause`; none for another file.
    pub fn kdamond_file(path: &str) -> Option<KernelFeature> {
        let (kdamond, file) = path.split_once('/')?;
        let is_number = !kdamond.is_empty() && kdamond.bytes().all(|b| b.is_ascii_digit());
        KernelFeature::parse(&damon::file_feature(file)).filter(|_| is_number)
    }

    /// The kinds, which come before a dot and a keyword.
    pub fn kinds() -> impl Iterator<Item = &'static str> {
        damon::feature_kinds().chain([MODULE])
    }

    /// The names that are complete without a keyword.
    pub fn alone() -> impl Iterator<Item = &'static str> {
        damon::feature_names()
    }

    /// How to find out about it; none for a name that an older or newer damonlab gave.
    pub fn probe(&self) -> Option<FeatureProbe<'_>> {
        if self.0.starts_with('/') {
            return kernel_file::check(&self.0).is_ok().then_some(FeatureProbe::Path(&self.0));
        }
        let sound = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        let word = |text: &str| !text.is_empty() && text.chars().all(sound);
        if let Some((event, (system, name))) =
            self.0.strip_prefix(TRACEPOINT).and_then(|event| Some((event, event.split_once(':')?)))
        {
            let elsewhere = word(system) && word(name) && system != DAMON;
            return elsewhere.then_some(FeatureProbe::Event(event));
        }
        if let Some(file @ DamonProbe::File(_)) = damon::probe(&self.0) {
            return Some(FeatureProbe::Damon(file));
        }
        match self.0.split_once('.') {
            Some((_, keyword)) if !word(keyword) => None,
            Some((MODULE, name)) => Some(FeatureProbe::Module(name)),
            _ => damon::probe(&self.0).map(FeatureProbe::Damon),
        }
    }

    /// Whether only a kernel with DAMON can have it.
    pub fn is_damons(&self) -> bool {
        match self.probe() {
            Some(FeatureProbe::Damon(_)) => true,
            Some(FeatureProbe::Module(name)) => name.starts_with("damon_"),
            Some(FeatureProbe::Path(_) | FeatureProbe::Event(_)) | None => false,
        }
    }

    /// What in a scenario's text asks for it: a key, a keyword or a path.
    pub fn asked_by(&self) -> &str {
        match self.0.as_str() {
            "probe_weight" => "weight",
            "probe_preps" => "preps",
            "fail_charge" => "fail_charge_num",
            path if path.starts_with('/') => path,
            name => name.split_once('.').map_or(name, |(_, keyword)| keyword),
        }
    }
}

impl fmt::Display for KernelFeature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_feature_is_a_name_alone_or_a_kind_with_a_keyword_or_a_path() {
        let probe = |name: &str| format!("{:?}", KernelFeature::parse(name).unwrap().probe().unwrap());
        assert_eq!(probe("pause"), "Damon(File(\"contexts/0/pause\"))");
        assert_eq!(probe("tracepoint.damos_esz"), "Damon(Event(\"damos_esz\"))");
        assert!(probe("tuner.temporal").contains("goal_tuner\", keyword: \"temporal\""));
        assert_eq!(probe("module.damon_stat"), "Module(\"damon_stat\")");
        assert_eq!(probe("/proc/sys/vm/swappiness"), "Path(\"/proc/sys/vm/swappiness\")");
        assert_eq!(probe("sysfs.contexts/0/schemes/0/x"), "Damon(File(\"contexts/0/schemes/0/x\"))");
        assert_eq!(probe("tracepoint.vmscan:mm_x"), "Event(\"vmscan:mm_x\")");
        for name in ["sysfs.", "sysfs./x", "sysfs.a/../b", "sysfs.a b", "tracepoint.damon:x", "tracepoint.a:"]
        {
            assert_eq!(KernelFeature::parse(name), None, "{name}");
        }
        for name in ["", "/etc/passwd", "goal", "goal.", "pause.x", "metric.x", "goal.../x", "tracepoint.a b"]
        {
            assert_eq!(KernelFeature::parse(name), None, "{name}");
        }
    }

    #[test]
    fn a_tracepoint_of_damon_is_named_without_its_system() {
        let name = |event: &str| KernelFeature::tracepoint(event).unwrap().to_string();
        assert_eq!(name("damon:damos_x"), "tracepoint.damos_x");
        assert_eq!(name("vmscan:mm_x"), "tracepoint.vmscan:mm_x");
        assert_eq!(KernelFeature::tracepoint("vmscan:*"), None);
    }

    #[test]
    fn a_path_and_a_foreign_module_need_no_damon() {
        let is_damons = |name: &str| KernelFeature::parse(name).unwrap().is_damons();
        assert!(is_damons("pause") && is_damons("module.damon_stat"));
        assert!(!is_damons("/proc/sys/vm/swappiness") && !is_damons("module.zswap"));
    }
}
