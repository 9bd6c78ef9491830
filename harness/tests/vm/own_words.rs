//! Words and files that damonlab does not know: on the default kernel with files that nothing else writes, and on a kernel
//! with the series of `examples/my-metric`.

use super::common::{self, ensure};
use damonlab::bisect;
use damonlab::check::Verdict;
use damonlab::host::paths;
use damonlab::host::progress::Progress;
use damonlab::kernel::{self, BuildRequest, Image, Origins, Request, Source};
use damonlab::recording::Recording;
use damonlab::report::{self, Listing};
use damonlab::run::{self, RunEnv, ScenarioSource};
use damonlab::scenario::Scenario;
use damonlab::setup::{self, Env};
use damonlab::vm;
use libtest_mimic::{Completion, Failed, Trial};
use std::error::Error;
use std::path::PathBuf;

const TRIALS: &[(&str, common::Check)] = &[
    ("files_that_a_scenario_names_are_written_and_read_back", read_back),
    ("a_file_that_the_kernel_does_not_have_skips_the_scenario_with_its_line", missing_file),
    ("a_value_that_a_named_file_refuses_is_a_refusal", refused),
    ("an_introduced_keyword_that_a_named_file_refuses_skips_the_scenario", unknown_keyword),
    ("the_example_of_new_words_is_skipped_on_another_kernel_with_all_that_it_misses", skipped),
    ("the_default_kernel_shows_nothing_that_damonlab_does_not_know", nothing_unknown),
];

pub fn trials() -> Vec<Trial> {
    let on_its_kernel = [
        common::trial("the_example_of_new_words_passes_on_its_kernel", example),
        common::trial("what_the_kernel_of_the_example_has_and_damonlab_does_not_know_is_listed", listed),
    ];
    common::checks(TRIALS).into_iter().chain(on_its_kernel).collect()
}

/// Files that exist on Linux 7.3, and that DAMON does not read with this configuration.
const NAMED: &str = "
version: 1
summary: Files of several folders that damonlab does not write.
machine: {nodes: [{id: 0, memory: 512M, cpus: [0]}]}
boot: {writes: [{path: /proc/sys/vm/swappiness, value: 33}]}
damon:
  kdamonds:
    - contexts:
        - &context
          ops: paddr
          targets: [{regions: [{node: 0}], sysfs: {pid_target: 77}}]
          schemes:
            - action: stat
              quotas: {goals: [{metric: user_input, target_value: 1, sysfs: {path: /first}}]}
              core_filters:
                - filter_type: addr
                  matching: true
                  address_range: {node: 0}
                  sysfs: {min: 4096, damon_target_idx: 3}
steps:
  - start
  - run: {for: 1s}
  - retarget: [{scheme: 0, goals: [{metric: user_input, target_value: 2, sysfs: {path: /second}}]}]
  - commit: {kdamonds: [{contexts: [*context]}]}
  - write: {path: /proc/sys/vm/swappiness, value: 44}
  - write: {file: 0/contexts/0/schemes/0/stats/max_nr_snapshots, value: 9}
  - stop
";

fn source(text: &str) -> Result<ScenarioSource, Box<dyn Error>> {
    Ok(ScenarioSource { scenario: Scenario::parse("named", text)?, text: text.to_owned() })
}

fn read_back(env: &RunEnv) -> Result<(), Box<dyn Error>> {
    let (env, _out) = common::with_own_results(env)?;
    let report = common::pass(&env, &source(NAMED)?)?;
    let guest = Recording::load(&report.dir)?.report;
    let values = |step: usize| -> Vec<(String, String)> {
        guest.steps[step].read_back.iter().map(|file| (file.path.clone(), file.value.clone())).collect()
    };
    let named = |path: &str| -> Vec<(String, String)> {
        let at = |file: &str, value: &str| (format!("0/contexts/0/{file}"), value.to_owned());
        vec![
            at("targets/0/pid_target", "77"),
            at("schemes/0/quotas/goals/0/path", path),
            at("schemes/0/core_filters/0/min", "4096"),
            at("schemes/0/core_filters/0/damon_target_idx", "3"),
        ]
    };
    let sorted = |mut files: Vec<(String, String)>| {
        files.sort();
        files
    };
    ensure(values(0) == named("/first"), values(0))?;
    ensure(values(1).is_empty(), values(1))?;
    ensure(sorted(values(2)) == sorted(named("/second")), values(2))?;
    ensure(values(3) == named("/first"), values(3))?;
    let swappiness = "/proc/sys/vm/swappiness".to_owned();
    ensure(values(4) == [(swappiness.clone(), "44".to_owned())], values(4))?;
    ensure(values(5).first().is_some_and(|(_, value)| value == "9"), values(5))?;
    let boot = guest.boot_files.first().ok_or("no file of the boot was read")?;
    ensure((&boot.path, boot.value.as_str()) == (&swappiness, "33"), boot)
}

/// The verdict on a text with one line changed.
fn verdict(env: &RunEnv, from: &str, to: &str) -> Result<Verdict, Box<dyn Error>> {
    let (env, _out) = common::with_own_results(env)?;
    let text = NAMED.replace(from, to);
    ensure(text != NAMED, "nothing was changed")?;
    Ok(run::run(&env, &source(&text)?, 0)?.verdict)
}

fn missing_file(env: &RunEnv) -> Result<(), Box<dyn Error>> {
    match verdict(env, "{min: 4096, damon_target_idx: 3}", "{new/nr_new: 1, new/0/x: 1}")? {
        Verdict::Skip(why) => ensure(
            why.contains(
                "does not have sysfs.contexts/0/schemes/0/core_filters/0/new/nr_new: needed by line ",
            ) && why.contains("/new/0/x: needed by line "),
            why,
        ),
        other => Err(format!("{other:?}").into()),
    }
}

fn refused(env: &RunEnv) -> Result<(), Box<dyn Error>> {
    match verdict(env, "damon_target_idx: 3", "damon_target_idx: third")? {
        Verdict::Fail(findings) => {
            let seen = findings.first().map(|finding| finding.seen.clone()).unwrap_or_default();
            ensure(seen.contains("EINVAL") || seen.contains("damon_target_idx"), findings)
        }
        other => Err(format!("{other:?}").into()),
    }
}

fn unknown_keyword(env: &RunEnv) -> Result<(), Box<dyn Error>> {
    let (env, _out) = common::with_own_results(env)?;
    let text = NAMED.replace("damon_target_idx: 3", "damon_target_idx: third");
    let text = text.replace("boot: ", "introduces: {keywords: [third]}\nboot: ");
    match run::run(&env, &source(&text)?, 0)?.verdict {
        Verdict::Skip(why) => ensure(
            why.starts_with("the kernel does not know 'third', which should go into ")
                && why.contains("/core_filters/0/damon_target_idx: needed by line "),
            why,
        ),
        other => Err(format!("{other:?}").into()),
    }
}

fn folder() -> PathBuf {
    paths::project().join("examples/my-metric")
}

fn scenario() -> Result<ScenarioSource, Box<dyn Error>> {
    Ok(ScenarioSource::from(&folder().join("scenario.yaml"))?)
}

fn skipped(env: &RunEnv) -> Result<(), Box<dyn Error>> {
    let (env, _out) = common::with_own_results(env)?;
    let why = match run::run(&env, &scenario()?, 0)?.verdict {
        Verdict::Skip(why) => why,
        other => return Err(format!("{other:?}").into()),
    };
    let needed = ["goal.hot_mem_bp", "filter.node", "/ops_filters/0/nid", "tracepoint.damos_hot_mem_bp"];
    ensure(needed.iter().all(|name| why.contains(&format!("{name}: needed by line "))), why)
}

/// The image of the default kernel with the series, or why there is none.
fn image() -> Result<Result<Image, Completion>, Failed> {
    let origins = Origins::of(Env::machine()?);
    let patches = bisect::series(&[folder()])?.patches;
    let request = Request::Build(BuildRequest { patches, ..BuildRequest::of(Source::default()) });
    match kernel::ready(&request, &origins)? {
        Some(image) => Ok(Ok(image)),
        None if common::may_build() => Ok(Ok(kernel::obtain(&request, &origins, &Progress::stderr())?)),
        None => {
            let command = setup::ourselves("kernel build --series examples/my-metric");
            let why = format!("the kernel of the example is not built; `{command}` builds it");
            common::ignored(why).map(Err)
        }
    }
}

fn example(env: &RunEnv) -> Result<Completion, Failed> {
    let image = match image()? {
        Ok(image) => image,
        Err(ignored) => return Ok(ignored),
    };
    let env = RunEnv { image, ..env.clone() };
    let source = scenario().map_err(|error| error.to_string())?;
    let report = run::run(&env, &source, 0).map_err(|error| error.to_string())?;
    match report.verdict {
        Verdict::Pass => Ok(Completion::Completed),
        _ => Err(Failed::from(report::full_text(&report))),
    }
}

/// The result of `damonlab kernel has`.
fn kernel_has(env: &RunEnv, image: &Image) -> Result<Listing, Box<dyn Error>> {
    let (cache, all, progress) = (paths::cache()?, damonlab::scenario::all_needs(), Progress::silent());
    let probed = vm::probed_features(&cache, &env.tools, image, &all, &progress)?;
    Ok(report::kernel_features(image, &all, &probed, image.source_words().as_deref()))
}

fn nothing_unknown(env: &RunEnv) -> Result<(), Box<dyn Error>> {
    let listing = kernel_has(env, &env.image)?;
    ensure(!listing.text.contains("this kernel has, and damonlab does not know"), listing.text)
}

fn listed(env: &RunEnv) -> Result<Completion, Failed> {
    let image = match image()? {
        Ok(image) => image,
        Err(ignored) => return Ok(ignored),
    };
    let listing = kernel_has(env, &image).map_err(|error| error.to_string())?;
    let named = ["sysfs.contexts/0/schemes/0/ops_filters/0/nid", "tracepoint.damos_hot_mem_bp"];
    let words = ["goal.hot_mem_bp", "filter.node"];
    let is_listed = |name: &&str| listing.text.contains(&format!("\n  {name}\n"));
    let keywords_are_known = image.source_words().is_some();
    match named.iter().all(is_listed) && (!keywords_are_known || words.iter().all(is_listed)) {
        true => Ok(Completion::Completed),
        false => Err(Failed::from(listing.text)),
    }
}
