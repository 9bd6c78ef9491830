//! What all mutants have in common, and one run on one of them.

use super::generator::Generator;
use super::store::SuiteKey;
use crate::host::progress::Progress;
use crate::judge::{ExpectedChange, Report};
use crate::kernel::{BuildIn, Origins};
use crate::run::{self, KernelRunError, RunEnv, RunError, ScenarioSource, SeedRange};
use crate::setup::Tools;
use std::num::NonZeroUsize;
use std::path::PathBuf;

/// What all mutants have in common.
pub struct MutantRunner<'a> {
    /// QEMU and virtme-ng.
    pub tools: Tools,
    /// The sources of kernels and the cache.
    pub origins: &'a Origins,
    /// The guest's `/init`.
    pub agent: &'static [u8],
    /// The scenarios of the suite.
    pub scenarios: &'a [ScenarioSource],
    /// The key of the suite.
    pub suite: &'a SuiteKey,
    /// The folder of the results, and of the recordings that did not pass.
    pub out: PathBuf,
    /// How many guests run at once.
    pub jobs: NonZeroUsize,
    /// The seed of every run of the suite.
    pub seed: u64,
    /// Whether the suite is left out.
    pub without_suite: bool,
    /// The seeds with which the scenarios run that catch a regression.
    pub seeds: Option<SeedRange>,
    /// The generated scenarios that run on each mutant.
    pub generator: Option<&'a Generator<'a>>,
    /// The rules that the kernels mean to change: what violates them catches nothing.
    pub changes: &'a [ExpectedChange],
    /// Whether the scenarios go on after a catch.
    pub all_scenarios: bool,
    /// Whether stored results are ignored.
    pub fresh: bool,
    /// Whether the images stay in the cache.
    pub keep_images: bool,
    /// Where make runs.
    pub build_in: BuildIn,
    /// Where progress is reported.
    pub progress: &'a Progress,
}

impl MutantRunner<'_> {
    /// The names of the scenarios, in their order.
    pub(super) fn names(&self) -> Vec<&str> {
        self.scenarios.iter().map(|one| one.scenario.name.as_str()).collect()
    }

    /// Runs a scenario. If nothing but its clock ran out, it runs again, and the second run counts: a host that is slow
    /// once does not catch a mutant.
    pub(super) fn run_scenario(
        &self,
        env: &RunEnv,
        source: &ScenarioSource,
        seed: u64,
    ) -> Result<Report, RunError> {
        run::confirmed(env, source, seed, self.changes, || {
            self.progress.hint(&format!(
                "mutants: {}: the clock ran out; it runs again, as a slow host looks the same",
                source.scenario.name
            ));
        })
    }
}

/// Why the scenarios of a mutant end early.
pub(super) enum Stop {
    /// A scenario caught the mutant.
    Caught,
    /// The kernel does not boot, and would not for the other scenarios either.
    NoBoot(String),
    /// There is no result.
    Error(KernelRunError),
}

#[cfg(test)]
pub(super) mod testing {
    use super::*;
    use crate::check::Origin;
    use crate::judge;
    use crate::setup::Env;
    use std::path::Path;

    /// What `use_it` makes of a runner for kernels that mean to change the rule Q2, with its results below `out`.
    pub(in super::super) fn runner<T>(
        out: &Path,
        use_it: impl FnOnce(&MutantRunner<'_>) -> T,
    ) -> (T, Vec<String>) {
        let origins = Origins::of(Env { root: "/".into(), path: "".into(), cache: out.join("cache") });
        let scenarios = [ScenarioSource::from(&crate::bundled::home().join("scenarios/idle.yaml")).unwrap()];
        let q2 = Origin::Rule(judge::rule("Q2").unwrap());
        let changes = [ExpectedChange::new(q2, "why".into(), "--expect-change".into())];
        let runner = MutantRunner {
            tools: Tools::default(),
            origins: &origins,
            agent: b"agent",
            scenarios: &scenarios,
            suite: &SuiteKey { digest: "suite".into(), program: "program".into() },
            out: out.to_owned(),
            jobs: NonZeroUsize::MIN,
            seed: 1,
            without_suite: false,
            seeds: None,
            generator: None,
            changes: &changes,
            all_scenarios: false,
            fresh: false,
            keep_images: false,
            build_in: BuildIn::default(),
            progress: &Progress::silent(),
        };
        (use_it(&runner), judge::not_seen(&changes))
    }
}
