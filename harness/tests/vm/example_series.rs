//! `examples/my-metric`: a series that adds what damonlab does not know, with its scenarios and rules, and a bug in it that
//! a rule finds and nothing else.

use super::common::{self, ensure};
use damonlab::bisect;
use damonlab::check::{Origin, Verdict};
use damonlab::host::paths;
use damonlab::host::progress::Progress;
use damonlab::kernel::{self, BuildRequest, Image, Origins, Request, Source};
use damonlab::report::{self, Listing};
use damonlab::run::{self, RunEnv, ScenarioSource};
use damonlab::scenario;
use damonlab::series;
use damonlab::setup::{self, Env};
use damonlab::vm;
use libtest_mimic::{Completion, Failed, Trial};
use std::error::Error;
use std::path::PathBuf;

pub const BUG: &str = "bug/total-of-one-target.patch";

pub fn trials() -> Vec<Trial> {
    vec![
        common::trial("the_example_of_new_words_passes_on_its_kernel", on_its_kernel),
        common::trial("the_bug_in_the_example_of_new_words_is_found_by_a_rule_alone", with_the_bug),
        common::trial(
            "the_example_of_new_words_is_skipped_on_another_kernel_with_all_that_it_misses",
            skipped,
        ),
        common::trial("the_default_kernel_shows_nothing_that_damonlab_does_not_know", nothing_unknown),
        common::trial("what_the_kernel_of_the_example_has_and_damonlab_does_not_know_is_listed", listed),
    ]
}

pub fn folder() -> PathBuf {
    damonlab::bundled::home().join("examples/my-metric")
}

/// A scenario of the example; `ruled`: with the example's rules.
fn source(name: &str, ruled: bool) -> Result<ScenarioSource, Box<dyn Error>> {
    let mut source = ScenarioSource::from(&folder().join(name))?;
    if ruled {
        source.scenario.add_rules(&scenario::load_rules(&[folder().join("rules.yaml")])?)?;
    }
    Ok(source)
}

/// The example's kernel, with this patch on top of the series; or why it may not be built, and how it would be.
fn image(patch: Option<&str>) -> Result<Result<Image, String>, Failed> {
    let origins = Origins::of(Env::machine()?);
    let mut patches = bisect::series(&[folder()])?.patches;
    let mut command = "kernel build --series examples/my-metric".to_owned();
    if let Some(patch) = patch {
        patches.extend(series::read_patches(&[folder().join(patch)])?);
        command.push_str(&format!(" --patch examples/my-metric/{patch}"));
    }
    let request = Request::Build(BuildRequest { patches, ..BuildRequest::of(Source::default()) });
    Ok(match kernel::ready(&request, &origins)? {
        Some(image) => Ok(image),
        None if common::may_build() => Ok(kernel::obtain(&request, &origins, &Progress::stderr())?),
        None => {
            Err(format!("the kernel of the example is not built; `{}` builds it", setup::ourselves(&command)))
        }
    })
}

/// Runs `check` on the example's kernel, with this patch on top of the series.
fn on(
    env: &RunEnv,
    patch: Option<&str>,
    check: impl FnOnce(&RunEnv) -> Result<(), Box<dyn Error>>,
) -> Result<Completion, Failed> {
    let image = match image(patch)? {
        Ok(image) => image,
        Err(why) => return common::ignored(why),
    };
    let (env, _out) = common::with_own_results(env)?;
    check(&RunEnv { image, ..env })?;
    Ok(Completion::Completed)
}

fn on_its_kernel(env: &RunEnv) -> Result<Completion, Failed> {
    on(env, None, |env| {
        common::pass(env, &source("scenario.yaml", true)?)?;
        common::pass(env, &source("two-of-each.yaml", true)?)?;
        Ok(())
    })
}

fn with_the_bug(env: &RunEnv) -> Result<Completion, Failed> {
    on(env, Some(BUG), |env| {
        common::pass(env, &source("scenario.yaml", true)?)?;
        common::pass(env, &source("two-of-each.yaml", false)?)?;
        let report = run::run(env, &source("two-of-each.yaml", true)?, 0)?;
        let Verdict::Fail(findings) = &report.verdict else {
            return Err(report::full_text(&report).into());
        };
        let by_the_rule =
            |origin: &Origin| matches!(origin, Origin::Stated(name) if &**name == "share-is-in-range");
        ensure(findings.iter().all(|finding| by_the_rule(&finding.origin)), findings)
    })
}

fn skipped(env: &RunEnv) -> Result<Completion, Failed> {
    let (env, _out) = common::with_own_results(env)?;
    let source = source("scenario.yaml", false).map_err(|error| error.to_string())?;
    let why = match run::run(&env, &source, 0)?.verdict {
        Verdict::Skip(why) => why,
        other => return Err(format!("{other:?}").into()),
    };
    let needed = ["goal.hot_mem_bp", "filter.node", "/ops_filters/0/nid", "tracepoint.damos_hot_mem_bp"];
    ensure(needed.iter().all(|name| why.contains(&format!("{name}: needed by line "))), why)
        .map_err(|error| error.to_string())?;
    Ok(Completion::Completed)
}

/// The result of `damonlab kernel has`.
fn kernel_has(env: &RunEnv) -> Result<Listing, Box<dyn Error>> {
    let (cache, all, progress) = (paths::cache()?, scenario::all_needs(), Progress::silent());
    let probed = vm::probed_features(&cache, &env.tools, &env.image, &all, &progress)?;
    Ok(report::kernel_features(&env.image, &all, &probed))
}

fn nothing_unknown(env: &RunEnv) -> Result<Completion, Failed> {
    let listing = kernel_has(env).map_err(|error| error.to_string())?;
    ensure(!listing.text.contains("this kernel has, and damonlab does not know"), listing.text)
        .map_err(|error| error.to_string())?;
    Ok(Completion::Completed)
}

fn listed(env: &RunEnv) -> Result<Completion, Failed> {
    on(env, None, |env| {
        let listing = kernel_has(env)?;
        let named = ["sysfs.contexts/0/schemes/0/ops_filters/0/nid", "tracepoint.damos_hot_mem_bp"];
        let words = ["goal.hot_mem_bp", "filter.node"];
        let is_listed = |name: &&str| listing.text.contains(&format!("\n  {name}\n"));
        let keywords_are_known = env.image.facts.words.is_some();
        let all = named.iter().all(is_listed) && (!keywords_are_known || words.iter().all(is_listed));
        ensure(all, listing.text)
    })
}
