//! The generated scenarios that run on every mutant, and how they end without one.

use super::generated::WithoutMutant;
use super::store::Digest;
use crate::explore::{self, Focus, NothingValid, Unfit};
use crate::host::names::Key;
use crate::judge::ExpectedChange;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// The scenarios 0 to `count - 1` of a seed: those that `damonlab explore` draws for it without a focus.
pub struct Generator<'a> {
    /// The seed of the scenarios.
    pub seed: u64,
    /// How many run at most on each mutant.
    pub count: u64,
    /// A digest of their texts, the agent and the rules. Another generator gives other texts.
    pub digest: String,
    pub(super) focus: Focus,
    pub(super) unfit: Unfit<'a>,
    /// How scenarios end that failed on a mutant, by the kernel without it and by number.
    known: Mutex<BTreeMap<(Key, u64), WithoutMutant>>,
}

impl Generator<'_> {
    /// The generator of these scenarios.
    ///
    /// # Errors
    /// No valid scenario comes of a number.
    pub fn new<'a>(
        seed: u64,
        count: u64,
        agent: &[u8],
        changes: &[ExpectedChange],
        unfit: Unfit<'a>,
    ) -> Result<Generator<'a>, NothingValid> {
        let (focus, mut digest) = (Focus::default(), Digest::of(agent, changes));
        digest.add(&format!("{seed} {count}"));
        for number in 0..count {
            digest.add_scenario(&explore::draw(seed, number, &focus)?.source);
        }
        let digest = digest.digits();
        Ok(Generator { seed, count, digest, focus, unfit, known: Mutex::default() })
    }

    /// How the scenario of a number ends on the kernel with this key, which has no mutant: as `run` says, once.
    pub(super) fn without<E>(
        &self,
        kernel: &Key,
        number: u64,
        run: impl FnOnce() -> Result<WithoutMutant, E>,
    ) -> Result<WithoutMutant, E> {
        let of = (kernel.clone(), number);
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
    use super::*;

    fn generator(seed: u64, count: u64) -> Generator<'static> {
        Generator::new(seed, count, b"agent", &[], &|_| None).unwrap()
    }

    #[test]
    fn the_digest_is_that_of_the_scenarios() {
        assert_eq!(generator(0, 3).digest, generator(0, 3).digest);
        assert_ne!(generator(0, 3).digest, generator(0, 4).digest);
        assert_ne!(generator(0, 3).digest, generator(1, 3).digest);
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
            generator.without(&key(kernel), number, run).unwrap()
        };
        assert_eq!(end(b"a", 7, WithoutMutant::NoResult), WithoutMutant::NoResult);
        assert_eq!(end(b"a", 7, WithoutMutant::Fails), WithoutMutant::Fails);
        assert_eq!(end(b"a", 7, WithoutMutant::Passes), WithoutMutant::Fails);
        assert_eq!(end(b"b", 7, WithoutMutant::Passes), WithoutMutant::Passes);
        assert_eq!(end(b"a", 8, WithoutMutant::Passes), WithoutMutant::Passes);
        assert_eq!(runs, 4);
    }
}
