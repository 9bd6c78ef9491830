//! One trial for each patch of `patches/regressions` and `patches/equivalent`, and one for each series of `examples/`:
//! it applies to the release that damonlab builds. Nothing is built. Without a release in the cache they are ignored.

use super::{common, example_series};
use damonlab::bisect;

use damonlab::kernel::{self, BuildRequest, Origins, Source};
use damonlab::mutants::{self, MutantError};
use damonlab::series;
use damonlab::setup::Env;
use libtest_mimic::{Completion, Failed, Trial};

/// # Errors
/// A file of the two folders is not a mutant.
pub fn trials() -> Result<Vec<Trial>, MutantError> {
    let mutants = mutants::find(&[])?.into_iter().map(|mutant| {
        Trial::ignorable_test(format!("{} applies", mutant.name), move || applies(&mutant.request()?))
    });
    let example = Trial::ignorable_test("the example series applies", example);
    let new_words = Trial::ignorable_test("the example of new words and its bug apply", new_words);
    Ok(mutants.chain([example, new_words]).collect())
}

fn example() -> Result<Completion, Failed> {
    let mbox = damonlab::bundled::home().join("examples/series/damos-quota-cleanups.mbox");
    let patches = bisect::series(&[mbox])?.patches;
    match patches[3].title().as_str() {
        "mm/damon/core: use min_not_zero() for the size quota" => {}
        other => return Err(format!("the fourth patch is {other}").into()),
    }
    applies(&BuildRequest { patches, ..BuildRequest::of(Source::default()) })
}

fn new_words() -> Result<Completion, Failed> {
    let mut patches = bisect::series(&[example_series::folder()])?.patches;
    patches.extend(series::read_patches(&[example_series::folder().join(example_series::BUG)])?);
    applies(&BuildRequest { patches, ..BuildRequest::of(Source::default()) })
}

fn applies(request: &BuildRequest) -> Result<Completion, Failed> {
    let origins = Origins::of(Env::machine()?);
    match kernel::applies(request, &origins)? {
        true => Ok(Completion::Completed),
        false => common::ignored(
            "no kernel's source is in the cache; `damonlab kernel build` fetches it".to_owned(),
        ),
    }
}
