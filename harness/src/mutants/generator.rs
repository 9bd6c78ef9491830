//! The generated scenarios that run on a mutant, and how they end without it.

use super::generated::WithoutMutant;
use super::mutant::Mutant;
use super::store::Digest;
use crate::explore::{self, Focus, NothingValid, Unfit};
use crate::host::names::Key;
use crate::judge::ExpectedChange;
use crate::run::ScenarioSource;
use std::collections::BTreeMap;
use std::io;
use std::sync::{Mutex, PoisonError};

/// The scenarios 0 to `count - 1` of a seed: those that `damonlab explore --series` draws for a mutant, so they lean on
/// what its patch is about.
pub struct Generator<'a> {
    /// The seed of the scenarios.
    pub seed: u64,
    /// How many run at most on each mutant.
    pub count: u64,
    pub(super) unfit: Unfit<'a>,
    /// A digest of the agent and the rules.
    rules: Digest,
    /// The digests of the scenarios, by the words that they lean on.
    digests: Mutex<BTreeMap<Vec<String>, String>>,
    /// How scenarios end that failed on a mutant, by the kernel without it and by the scenario.
    known: Mutex<BTreeMap<(Key, String), WithoutMutant>>,
}

impl Generator<'_> {
    /// The generator of these scenarios.
    pub fn new<'a>(
        seed: u64,
        count: u64,
        agent: &[u8],
        changes: &[ExpectedChange],
        unfit: Unfit<'a>,
    ) -> Generator<'a> {
        let rules = Digest::of(agent, changes);
        Generator { seed, count, unfit, rules, digests: Mutex::default(), known: Mutex::default() }
    }

    /// A digest of the texts of a mutant's scenarios, the agent and the rules. Another generator gives other texts.
    ///
    /// # Errors
    /// No valid scenario comes of a number.
    pub(super) fn digest(&self, mutant: &Mutant) -> io::Result<String> {
        let words = mutant.focus.words();
        let digests = || self.digests.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = digests().get(&words) {
            return Ok(known.clone());
        }
        let new = self.digest_of(&mutant.focus).map_err(io::Error::other)?;
        digests().insert(words, new.clone());
        Ok(new)
    }

    fn digest_of(&self, focus: &Focus) -> Result<String, NothingValid> {
        let mut digest = self.rules.clone();
        digest.add(&format!("{} {}", self.seed, self.count));
        for number in 0..self.count {
            digest.add_scenario(&explore::draw(self.seed, number, focus)?.source);
        }
        Ok(digest.digits())
    }

    /// How a scenario ends on the kernel with this key, which has no mutant: as `run` says, once.
    pub(super) fn without<E>(
        &self,
        kernel: &Key,
        source: &ScenarioSource,
        run: impl FnOnce() -> Result<WithoutMutant, E>,
    ) -> Result<WithoutMutant, E> {
        let of = (kernel.clone(), source.text.clone());
        let known = || self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = known().get(&of) {
            return Ok(*known);
        }
        let new = run()?;
        // The host may have failed once.
        if new != WithoutMutant::NoResult {
            known().insert(of, new);
        }
        Ok(new)
    }
}

#[cfg(test)]
mod tests {
    use super::super::mutant::{Header, Kind};
    use super::*;
    use crate::explore::Part;

    fn generator(seed: u64, count: u64) -> Generator<'static> {
        Generator::new(seed, count, b"agent", &[], &|_| None)
    }

    fn mutant(focus: Vec<Part>) -> Mutant {
        let (name, path, header) = ("m".into(), "m.patch".into(), Header::default());
        Mutant { name, path, kind: Kind::Regression, header, focus: Focus(focus) }
    }

    #[test]
    fn the_digest_is_that_of_the_scenarios() {
        let of =
            |seed, count, focus: &[Part]| generator(seed, count).digest(&mutant(focus.to_vec())).unwrap();
        assert_eq!(of(0, 3, &[]), of(0, 3, &[]));
        assert_ne!(of(0, 3, &[]), of(0, 4, &[]));
        assert_ne!(of(0, 3, &[]), of(1, 3, &[]));
        assert_ne!(of(0, 3, &[]), of(0, 3, &[Part::Goal]));
        let one = generator(0, 3);
        assert_ne!(one.digest(&mutant(vec![])).unwrap(), one.digest(&mutant(vec![Part::Goal])).unwrap());
    }

    #[test]
    fn a_scenario_runs_once_on_the_kernel_without_a_mutant_unless_the_host_failed() {
        let (generator, mut runs) = (generator(0, 1), 0);
        let key = |name: &[u8]| Key::of(&blake3::hash(name));
        let mut end = |kernel: &[u8], number, end| {
            let run = || {
                runs += 1;
                Ok::<_, ()>(end)
            };
            let source = explore::draw(0, number, &Focus::default()).unwrap().source;
            generator.without(&key(kernel), &source, run).unwrap()
        };
        assert_eq!(end(b"a", 7, WithoutMutant::NoResult), WithoutMutant::NoResult);
        assert_eq!(end(b"a", 7, WithoutMutant::Fails), WithoutMutant::Fails);
        assert_eq!(end(b"a", 7, WithoutMutant::Passes), WithoutMutant::Fails);
        assert_eq!(end(b"b", 7, WithoutMutant::Passes), WithoutMutant::Passes);
        assert_eq!(end(b"a", 8, WithoutMutant::Passes), WithoutMutant::Passes);
        assert_eq!(runs, 4);
    }
}
