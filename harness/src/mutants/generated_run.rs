//! Runs generated scenarios on the kernel of a mutant, until one catches it.

use super::catch::Catch;
use super::generated::{Generated, GeneratedCatch, WithoutMutant};
use super::generator::Generator;
use super::mutant::Mutant;
use super::result::{MutantResult, Record};
use super::runner::{MutantRunner, Stop};
use crate::check::Verdict;
use crate::explore::{self, Drawn, ExploreError, Explored, Explorer, NumberResult};
use crate::judge::Report;
use crate::kernel::{self, BuildRequest};
use crate::run::{self, KernelRunError, RunEnv, RunError};
use crate::vm::checkpoint::Store;
use fs_err as fs;
use std::io;
use std::path::Path;
use std::time::Instant;

impl From<ExploreError> for Stop {
    fn from(error: ExploreError) -> Stop {
        Stop::Error(match error {
            ExploreError::Run(error) => error.into(),
            ExploreError::Io(error) => error.into(),
            // The generator has drawn each of them before, and nothing is kept in a corpus.
            other => io::Error::other(other).into(),
        })
    }
}

/// The generated scenarios of one mutant.
struct OneMutant<'a> {
    runner: &'a MutantRunner<'a>,
    generator: &'a Generator<'a>,
    mutant: &'a Mutant,
    env: &'a RunEnv,
}

impl MutantRunner<'_> {
    /// Adds what generated scenarios come to on a mutant to its record. Of all files, those of the catch stay in the folder
    /// of `env`.
    pub(super) fn run_generated(
        &self,
        generator: &Generator<'_>,
        mutant: &Mutant,
        env: &RunEnv,
        record: &mut Record,
    ) -> Result<(), KernelRunError> {
        if env.out.exists() {
            fs::remove_dir_all(&env.out)?;
        }
        fs::create_dir_all(&env.out)?;
        let begun = Instant::now();
        let one = OneMutant { runner: self, generator, mutant, env };
        let (mut generated, ended) = one.run(!record.ran.is_empty());
        generated.seconds = begun.elapsed().as_secs_f64();
        generated.digest = generator.digest(mutant)?;
        generated.program = self.suite.program.clone();
        remove_others(&env.out, generated.catch.as_ref())?;
        match ended {
            Ok(()) | Err(Stop::Caught) => record.generated = Some(generated),
            Err(Stop::NoBoot(why)) => record.result = MutantResult::DoesNotBoot { why },
            Err(Stop::Error(error)) => return Err(error),
        }
        Ok(())
    }
}

impl OneMutant<'_> {
    /// The result, and how the runs ended. `booted`: the kernel has started before.
    fn run(&self, mut booted: bool) -> (Generated, Result<(), Stop>) {
        let (seed, limit) = (self.generator.seed, self.generator.count);
        let explorer = Explorer {
            env: self.env,
            jobs: self.runner.jobs,
            draw: &|number| explore::draw(seed, number, &self.mutant.focus),
            after_run: &|_, _| Ok(()),
            deadline: None,
            changes: self.runner.changes,
            unfit: self.generator.unfit,
        };
        let numbers: Vec<u64> = (0..limit).collect();
        let image = &self.env.image;
        let mut results = Explored::on(&image.describe, &image.key, seed, Vec::new());
        let mut generated = Generated { seed, limit, ..Generated::default() };
        let ended = explorer.run(&numbers, &mut results, |drawn, result, _| {
            let NumberResult::Ran(report) = result else { return Ok(()) };
            generated.intended.extend(report.intended_rules());
            let Verdict::Fail(findings) = &report.verdict else {
                booted = true;
                return Ok(());
            };
            let clock = drawn.source.scenario.clock;
            let Some(catch) = Catch::by(findings, clock, &drawn.source.scenario.name, drawn.number) else {
                return Ok(());
            };
            let without = self.without(drawn).map_err(Stop::Error)?;
            if report.never_began() && !booted && without == WithoutMutant::Passes {
                return Err(Stop::NoBoot(catch.sentence));
            }
            booted |= !report.never_began();
            let failed = self.failed(drawn, report, catch).map_err(|cause| Stop::Error(cause.into()))?;
            if generated.add_failed(failed, without) { Err(Stop::Caught) } else { Ok(()) }
        });
        generated.count(&results);
        (generated, ended)
    }

    /// How a scenario ends on the kernel without the mutant.
    fn without(&self, drawn: &Drawn) -> Result<WithoutMutant, KernelRunError> {
        let MutantRunner { tools, origins, build_in, progress, .. } = self.runner;
        let request = BuildRequest { build_in: *build_in, ..self.mutant.request_without() };
        let image = kernel::obtain_build(&request, origins, progress)?;
        let key = image.key.clone();
        self.generator.without(&key, &drawn.source, || {
            let folder = tempfile::tempdir_in(&self.env.out)?;
            let (out, checkpoints) = (folder.path().to_owned(), Some(Store::of(&origins.env.cache)));
            let env = RunEnv { tools: tools.clone(), image, agent: self.runner.agent, out, checkpoints };
            let changes = self.runner.changes;
            match run::confirmed(&env, &drawn.source, drawn.number, changes, || ()) {
                Ok(report) => Ok(match report.verdict {
                    Verdict::Pass => WithoutMutant::Passes,
                    Verdict::Fail(_) => WithoutMutant::Fails,
                    Verdict::Skip(_) | Verdict::Unstable(_) | Verdict::Infra(_) => WithoutMutant::NoResult,
                }),
                Err(RunError::UnsupportedKernel(_)) => Ok(WithoutMutant::NoResult),
                Err(error) => Err(error.into()),
            }
        })
    }

    /// A scenario that failed, with its file.
    fn failed(&self, drawn: &Drawn, report: &Report, catch: Catch) -> io::Result<GeneratedCatch> {
        let file = self.env.out.join(format!("{}.yaml", drawn.source.scenario.name));
        fs::write(&file, &drawn.source.text)?;
        Ok(GeneratedCatch { catch, file, recording: report.dir.clone() })
    }
}

/// Removes everything in the folder of generated scenarios but the files of the one that caught the mutant.
fn remove_others(out: &Path, catch: Option<&GeneratedCatch>) -> io::Result<()> {
    for entry in fs::read_dir(out)? {
        let path = entry?.path();
        if catch.is_some_and(|catch| path == catch.file || catch.recording.starts_with(&path)) {
            continue;
        }
        if path.is_dir() { fs::remove_dir_all(path)? } else { fs::remove_file(path)? }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::generated::tests::failed;
    use super::*;

    #[test]
    fn the_files_of_the_catch_stay_and_all_others_go() {
        let out = tempfile::tempdir().unwrap();
        let path = |name: &str| out.path().join(name);
        for name in ["explore-0-3", "explore-0-4"] {
            fs::create_dir_all(path(name).join("0001")).unwrap();
            fs::write(path(&format!("{name}.yaml")), "x").unwrap();
        }
        let (file, recording) = (path("explore-0-4.yaml"), path("explore-0-4/0001"));
        let catch = GeneratedCatch { file: file.clone(), recording: recording.clone(), ..failed(4) };
        remove_others(out.path(), Some(&catch)).unwrap();
        assert!(file.exists() && recording.exists());
        assert_eq!(fs::read_dir(out.path()).unwrap().count(), 2);
        remove_others(out.path(), None).unwrap();
        assert_eq!(fs::read_dir(out.path()).unwrap().count(), 0);
    }
}
