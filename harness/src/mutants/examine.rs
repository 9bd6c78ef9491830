//! From a mutant to its record: its kernel is built in the tree that all builds share, and what is requested runs on it.

use super::mutant::{Kind, Mutant};
use super::result::{MutantResult, Record};
use super::runner::MutantRunner;
use super::store::{Parts, read, save};
use crate::judge;
use crate::kernel::{self, BuildRequest, Image, KernelError};
use crate::run::{KernelRunError, RunEnv, SeedRange};
use fs_err as fs;
use std::collections::BTreeSet;
use std::io;
use std::path::Path;
use std::time::Instant;

/// Below the folder of a mutant, the folder of its generated scenarios.
const GENERATED: &str = "generated";

impl MutantRunner<'_> {
    /// Refuses a mutant whose file is not a patch or a config fragment, before anything is built.
    ///
    /// # Errors
    /// What is wrong with the file.
    pub fn check(&self, mutant: &Mutant) -> Result<(), KernelRunError> {
        kernel::key(&mutant.request()?, self.origins)?;
        Ok(())
    }

    /// The result of one mutant: the stored one, or else a new one, which is then stored.
    ///
    /// # Errors
    /// See [`KernelRunError`]. A kernel that does not build or boot is a result.
    pub fn examine(&self, mutant: &Mutant) -> Result<Record, KernelRunError> {
        let request = BuildRequest { build_in: self.build_in, ..mutant.request()? };
        // None while the source is not in the cache: then no result can be stored either.
        let key = kernel::key(&request, self.origins)?;
        let stored = match &key {
            Some(key) => self.stored(mutant, key)?,
            None => None,
        };
        if let Some(record) = stored.as_ref().filter(|record| self.is_complete(record)) {
            self.progress.hint(&format!("mutants: {}: the stored result is used", mutant.name));
            return Ok(record.clone());
        }
        self.progress.hint(&format!("mutants: {}", mutant.name));
        let begun = Instant::now();
        let record = match kernel::obtain_build(&request, self.origins, self.progress) {
            Ok(image) => {
                let built = (!image.cached).then(|| begun.elapsed().as_secs_f64());
                let stored = stored.unwrap_or_else(|| self.record(mutant, image.key.to_string()));
                let record = self.run(mutant, &image, Record { build_seconds: built, ..stored });
                let (key, cached) = (image.key.clone(), image.cached);
                // What is in use stays.
                drop(image);
                // Also after Ctrl-C: the next invocation would take the image for one that was cached before.
                if !self.keep_images && !cached {
                    kernel::evict(&self.origins.env.cache, &key, mutant.is_fragment())?;
                }
                record?
            }
            Err(error) if is_the_mutants(&error) => Record {
                result: MutantResult::DoesNotBuild { why: error.to_string() },
                build_seconds: Some(begun.elapsed().as_secs_f64()),
                ..self.record(mutant, key.map(String::from).unwrap_or_default())
            },
            Err(error) => return Err(error.into()),
        };
        save(&self.out, mutant, &record)?;
        Ok(record)
    }

    /// What is stored of what is requested, and still valid.
    fn stored(&self, mutant: &Mutant, image: &str) -> io::Result<Option<Record>> {
        if self.fresh {
            return Ok(None);
        }
        let generated = self.generator.map(|generator| generator.digest(mutant)).transpose()?;
        let parts = Parts { suite: !self.without_suite, seeds: self.seeds, generated: generated.as_deref() };
        let record = self.suite.load(&self.out, mutant, image, parts);
        if let Some(record) = &record {
            judge::seen_before(self.changes, &record.all_intended());
        }
        Ok(record)
    }

    /// Whether a record has everything that is requested.
    fn is_complete(&self, record: &Record) -> bool {
        let suite = self.without_suite || record.result != MutantResult::NotRun;
        let seeds = self.seeds_of(record).is_none() || record.seeds.is_some();
        let generated = self.generator.is_none() || record.generated.is_some();
        suite && seeds && generated
    }

    /// The seeds that run on this mutant. The suite must not notice an equivalent mutant, so no scenario is about it.
    fn seeds_of(&self, record: &Record) -> Option<SeedRange> {
        self.seeds.filter(|_| record.kind == Kind::Regression)
    }

    /// Adds to a record what is requested and missing.
    fn run(&self, mutant: &Mutant, image: &Image, mut record: Record) -> Result<Record, KernelRunError> {
        let out = self.out.join(&mutant.name);
        let suite = !self.without_suite && record.result == MutantResult::NotRun;
        if suite {
            let stored = read(&self.out, mutant, &image.key);
            clear(&out, stored.is_some_and(|record| record.generated.is_some()))?;
        }
        let (env, _checkpoints) = RunEnv::ephemeral(&self.tools, image, self.agent, &out)?;
        if suite {
            self.run_suite(mutant, &env, &mut record)?;
        }
        if let Some(seeds) = self.seeds_of(&record).filter(|_| record.boots() && record.seeds.is_none()) {
            record.seeds = Some(self.run_seeds(seeds, &env, &record)?);
        }
        if let Some(generator) = self.generator.filter(|_| record.boots() && record.generated.is_none()) {
            let env = RunEnv { out: out.join(GENERATED), ..env };
            self.run_generated(generator, mutant, &env, &mut record)?;
        }
        Ok(record)
    }

    fn record(&self, mutant: &Mutant, image: String) -> Record {
        Record {
            name: mutant.name.clone(),
            kind: mutant.kind,
            header: mutant.header.clone(),
            result: MutantResult::NotRun,
            ran: Vec::new(),
            unknown_scenarios: Vec::new(),
            intended: BTreeSet::new(),
            build_seconds: None,
            run_seconds: 0.0,
            image,
            suite: String::new(),
            program: String::new(),
            seeds: None,
            generated: None,
        }
    }
}

/// Removes what earlier runs left in the folder of a mutant, but perhaps for generated scenarios, whose result stays stored.
fn clear(out: &Path, keep_generated: bool) -> io::Result<()> {
    if !out.exists() {
        return Ok(());
    }
    for entry in fs::read_dir(out)? {
        let path = entry?.path();
        match path.is_dir() {
            true if keep_generated && path.ends_with(GENERATED) => {}
            true => fs::remove_dir_all(path)?,
            false => fs::remove_file(path)?,
        }
    }
    Ok(())
}

/// Whether the mutant, and not the host, is why there is no kernel.
fn is_the_mutants(error: &KernelError) -> bool {
    matches!(error, KernelError::PatchRefused { .. }) || error.does_not_build()
}

#[cfg(test)]
mod tests {
    use super::super::mutant::Header;
    use super::super::result::tests::record;
    use super::super::runner::testing::runner;
    use super::*;
    use crate::explore::Focus;

    fn mutant() -> Mutant {
        let header = Header::default();
        let (kind, focus) = (Kind::Equivalent, Focus::default());
        Mutant { name: "m".into(), path: "m.patch".into(), kind, header, focus }
    }

    #[test]
    fn a_result_that_is_used_again_still_shows_the_changes_that_its_runs_showed() {
        let out = tempfile::tempdir().unwrap();
        let intended = BTreeSet::from(["Q2".to_owned()]);
        let record = Record { intended, ..record(Kind::Equivalent, MutantResult::Unnoticed) };
        save(out.path(), &mutant(), &record).unwrap();
        let (stored, unseen) = runner(out.path(), |runner| runner.stored(&mutant(), "image").unwrap());
        assert_eq!((stored.map(|record| record.intended), unseen), (Some(record.intended), Vec::new()));
        let (none, unseen) = runner(out.path(), |runner| runner.stored(&mutant(), "another image").unwrap());
        assert_eq!((none, unseen.len()), (None, 1));
    }

    #[test]
    fn several_seeds_are_missing_from_the_record_of_a_regression_only() {
        let out = tempfile::tempdir().unwrap();
        let is_complete = |kind, seeds: &str| {
            let with = |runner: &MutantRunner<'_>| {
                let seeds = seeds.parse().ok();
                MutantRunner { tools: runner.tools.clone(), out: runner.out.clone(), seeds, ..*runner }
                    .is_complete(&record(kind, MutantResult::Unnoticed))
            };
            runner(out.path(), with).0
        };
        assert!(is_complete(Kind::Regression, "") && !is_complete(Kind::Regression, "0..10"));
        assert!(is_complete(Kind::Equivalent, "0..10"));
    }

    #[test]
    fn the_recordings_of_the_suite_go_and_those_of_a_stored_catch_stay() {
        let out = tempfile::tempdir().unwrap();
        let files = [out.path().join("idle"), out.path().join(GENERATED)];
        files.iter().for_each(|path| fs::create_dir_all(path).unwrap());
        clear(out.path(), true).unwrap();
        assert!(!files[0].exists() && files[1].exists());
        clear(out.path(), false).unwrap();
        assert!(!files[1].exists());
        clear(&out.path().join("none"), false).unwrap();
    }
}
