//! One trial for each patch of `patches/regressions` and `patches/null`: it applies to the release that damonlab
//! builds. Nothing is built. Without a release in the cache they are ignored.

mod common;

use damonlab::kernel::{self, Origins};
use damonlab::mutants::{self, Mutant};
use damonlab::setup::Env;
use libtest_mimic::{Completion, Failed, Trial};
use std::process::ExitCode;

fn main() -> ExitCode {
    let mutants = match mutants::find(&[]) {
        Ok(mutants) => mutants,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::FAILURE;
        }
    };
    let trials = mutants
        .into_iter()
        .map(|mutant| Trial::ignorable_test(format!("{} applies", mutant.name), move || applies(&mutant)));
    common::main(trials.collect())
}

fn applies(mutant: &Mutant) -> Result<Completion, Failed> {
    let origins = Origins::of(Env::machine()?);
    match kernel::applies(&mutant.request()?, &origins)? {
        true => Ok(Completion::Completed),
        false => common::ignored(
            "no kernel's source is in the cache; `damonlab kernel build` fetches it".to_owned(),
        ),
    }
}
