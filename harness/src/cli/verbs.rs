//! What each verb does: a few calls into the library, and its answer on standard output.

use super::error::CliError;
use super::git_bisect;
use super::machine::fit_qemu;
use super::repro_command::{ReproCommand, Seeds};
use super::{KernelArgs, RunArguments};
use crate::check::Verdict;
use crate::host::paths;
use crate::host::progress::Progress;
use crate::host::slots;
use crate::judge::{self, Coverage, Report, Stored, StoredResult};
use crate::kernel::{self, KernelError, Origins, Request, SeriesLabel, Source};
use crate::report;
use crate::run::{self, RunEnv, RunError, ScenarioSource, SeedRange, suite};
use crate::series;
use crate::setup::{self, Env, Extra};
use crate::vm;
use crate::vm::checkpoint::{self, Store};
use damonlab_protocol::units::Bytes;
use std::io::{self, Write};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

pub(super) type VerbResult = Result<u8, CliError>;

/// The scenario of the README.
const FIRST: &str = "pull-push";

pub(super) fn run(arguments: &RunArguments) -> VerbResult {
    // Everything that the user may have to mend comes before what takes minutes.
    let scenarios = scenario_paths(arguments)?;
    let mut loaded = scenarios
        .iter()
        .map(|path| ScenarioSource::on(path, arguments.machine.as_deref()))
        .collect::<Result<Vec<_>, _>>()?;
    set_clock(arguments, &mut loaded)?;
    loaded.iter().try_for_each(|one| run::check_host(&one.scenario))?;
    let slots = slots::count().map_err(RunError::from)?;
    let env = Env::machine()?;
    let origins = Origins::of(env.clone());
    let progress = Progress::stderr();
    let request = request(&arguments.kernel, &origins, &progress)?;
    if arguments.setup {
        setup::install(&env, &progress)?;
    }
    let tools = setup::tools(&env)?;
    fit_qemu(loaded.iter().map(|one| &one.scenario), &env.cache, &tools)?;
    let image = kernel::obtain(&request, &origins, &progress)?;
    let out = std::path::absolute(&arguments.out)?;
    let checkpoints = (!arguments.no_checkpoint).then(|| Store::of(&origins.env.cache));
    let lab = RunEnv { tools, image, agent: vm::AGENT, out, checkpoints };
    let jobs = arguments.jobs.unwrap_or(slots);
    let named: Vec<_> = scenarios.iter().map(|path| scenario_word(path)).zip(&loaded).collect();
    let batch = Batch { lab: &lab, arguments, jobs, progress: &progress };
    match arguments.seeds {
        None => batch.one_seed_each(&named),
        Some(seeds) => batch.many_seeds_each(&named, seeds),
    }
}

/// The clock that the user asks for, where all that is asked for can be had on it.
fn set_clock(arguments: &RunArguments, loaded: &mut [ScenarioSource]) -> Result<(), CliError> {
    for ScenarioSource { scenario, .. } in loaded {
        scenario.clock = arguments.clock.unwrap_or(scenario.clock);
        if scenario.clock.is_virtual() && scenario.host_root {
            return Err(CliError::HostFiles(scenario.name.clone()));
        }
        if scenario.clock.is_virtual() && scenario.machine.cpus() > 1 {
            return Err(CliError::ManyCpus(scenario.name.clone()));
        }
        if !scenario.clock.is_virtual() && (arguments.seeds.is_some() || arguments.repeat.get() > 1) {
            return Err(CliError::NeverRepeats(scenario.name.clone()));
        }
    }
    Ok(())
}

/// What all runs of one command have in common.
struct Batch<'a> {
    lab: &'a RunEnv,
    arguments: &'a RunArguments,
    jobs: NonZeroUsize,
    progress: &'a Progress,
}

/// A scenario, and the word that the user has for it.
type Named<'a> = (String, &'a ScenarioSource);

impl Batch<'_> {
    /// Several scenarios at a time, one run each.
    fn one_seed_each(&self, scenarios: &[Named<'_>]) -> VerbResult {
        let seed = self.arguments.seed;
        let (mut verdicts, mut statuses) = (Vec::new(), Vec::new());
        let mut coverage = Coverage::new();
        let one = |(_, loaded): &Named<'_>| {
            self.announce(loaded, "");
            self.repeat(loaded, seed)
        };
        suite::ordered(scenarios, self.jobs, one, |(word, _), report| {
            let report = report?;
            say(&report::human(&report))?;
            say(&self.again(word).advice(Seeds::One(seed), &report.verdict))?;
            report.judgement.iter().for_each(|judgement| coverage.add(&report.scenario, judgement));
            statuses.push(git_bisect::of_verdict(&report.verdict, [&report]));
            verdicts.push(report.verdict);
            Ok::<(), CliError>(())
        })?;
        if self.arguments.all {
            say(&report::never_applied(&coverage))?;
        }
        self.conclude(&verdicts, &statuses)
    }

    /// One scenario after the other, several of its seeds at a time.
    fn many_seeds_each(&self, scenarios: &[Named<'_>], seeds: SeedRange) -> VerbResult {
        let (mut verdicts, mut statuses) = (Vec::new(), Vec::new());
        for (word, loaded) in scenarios {
            let (scenario, again) = (&loaded.scenario, self.again(word));
            self.announce(loaded, &format!(" each with the seeds {seeds}"));
            say(&report::sweep_head(scenario))?;
            let run = |seed| self.repeat(loaded, seed);
            let sweep = run::sweep(scenario, seeds, self.jobs, run, |seed, report| {
                say(&report::sweep_line(scenario, seed, report))?;
                say(&again.advice(Seeds::One(seed), &report.verdict))
            })?;
            say(&report::sweep_summary(scenario, &sweep))?;
            if sweep.over.iter().any(|over| over.finding.is_some()) {
                say(&again.advice(Seeds::All(seeds), &sweep.verdict))?;
            }
            let reports = sweep.runs.iter().map(|(_, report)| report);
            statuses.push(git_bisect::of_verdict(&sweep.verdict, reports));
            verdicts.push(sweep.verdict);
        }
        self.conclude(&verdicts, &statuses)
    }

    /// The exit status, as a shell wants it or as git does.
    fn conclude(&self, verdicts: &[Verdict], statuses: &[u8]) -> VerbResult {
        let status = conclude(verdicts)?;
        Ok(if self.arguments.git_bisect { git_bisect::of_all(statuses) } else { status })
    }

    fn repeat(&self, loaded: &ScenarioSource, seed: u64) -> Result<Report, RunError> {
        run::repeat(self.lab, loaded, seed, self.arguments.repeat, self.progress)
    }

    fn again(&self, word: &str) -> ReproCommand<'_> {
        ReproCommand { scenario: word.to_owned(), arguments: self.arguments }
    }

    fn announce(&self, loaded: &ScenarioSource, how: &str) {
        self.progress.say(&format!(
            "run: {}: {:.0} guest seconds{how} on {}",
            loaded.scenario.name,
            std::time::Duration::from(loaded.scenario.guest_time()).as_secs_f64(),
            self.lab.image.describe
        ));
    }
}

pub(super) fn setup(extras: &[Extra]) -> VerbResult {
    let (env, progress) = (Env::machine()?, Progress::stderr());
    setup::install(&env, &progress)?;
    setup::install_extras(&env, extras, &progress)?;
    say("everything damonlab needs is here\n")?;
    Ok(0)
}

pub(super) fn doctor() -> VerbResult {
    let env = Env::machine()?;
    let rows = setup::doctor(&env);
    say(&setup::render(&rows))?;
    let tools = setup::tools(&env).ok();
    if let Some(tools) = &tools {
        say(&format!("{}\n", vm::machines_note(&env.cache, tools)))?;
    }
    say(&format!("{}\n", vm::kvm_note(&env.cache, tools.as_ref())))?;
    Ok(if rows.iter().any(setup::Row::blocks) { 3 } else { 0 })
}

pub(super) fn check(recordings: &[PathBuf]) -> VerbResult {
    let mut verdicts = Vec::new();
    let mut all = Vec::new();
    for dir in recordings {
        let one = Stored::judge(dir)?;
        say(&report::human(&one.report))?;
        all.push(one);
    }
    for answer in judge::together(all) {
        match answer {
            StoredResult::Alone(report) => verdicts.push(report.verdict),
            StoredResult::Seeds(scenario, sweep) => {
                say(&report::sweep_head(&scenario))?;
                say(&report::sweep_summary(&scenario, &sweep))?;
                verdicts.push(sweep.verdict);
            }
        }
    }
    conclude(&verdicts)
}

pub(super) fn list() -> VerbResult {
    let mut text = String::from("scenarios:\n");
    for scenario in crate::scenario::all(&scenarios()).map_err(Box::new)? {
        text.push_str(&format!("  {:<20}  {}\n", scenario.name, scenario.summary));
    }
    text.push_str("machines:\n");
    for machine in crate::scenario::machines(&crate::scenario::shipped_machines()).map_err(Box::new)? {
        text.push_str(&format!("  {:<20}  {}\n", machine.name, machine.summary));
    }
    say(&text)?;
    kernel_list()?;
    let all = checkpoint::list(&Store::of(&paths::cache()?));
    let mut text = format!("checkpoints (at most {}):\n", checkpoint::limit());
    for one in all {
        text.push_str(&format!("  {}  {:>4} MiB  {}\n", one.key, one.size.0 / Bytes::MIB.0, one.describe));
    }
    say(&text)?;
    Ok(0)
}

pub(super) fn kernel_build(arguments: &KernelArgs) -> VerbResult {
    let (origins, progress) = (Origins::of(Env::machine()?), Progress::stderr());
    let request = request(arguments, &origins, &progress)?;
    let image = kernel::obtain(&request, &origins, &progress)?;
    say(&format!("{}  {}\n{}\n", image.key, image.describe, image.bzimage.display()))?;
    Ok(0)
}

pub(super) fn kernel_has(arguments: &KernelArgs) -> VerbResult {
    let env = Env::machine()?;
    let (tools, origins, progress) = (setup::tools(&env)?, Origins::of(env), Progress::stderr());
    let image = kernel::obtain(&request(arguments, &origins, &progress)?, &origins, &progress)?;
    let needs = crate::scenario::all_needs();
    let lacks = vm::missing_features(&origins.env.cache, &tools, &image, &needs, &progress)?;
    let (there, not): (Vec<_>, Vec<_>) = needs.iter().partition(|need| !lacks.contains(need));
    let lines = |all: Vec<_>| all.iter().map(|need| format!("  {need}\n")).collect::<String>();
    say(&format!("{} has\n{}", image.describe, lines(there)))?;
    if !not.is_empty() {
        say(&format!("and lacks\n{}", lines(not)))?;
    }
    Ok(0)
}

pub(super) fn kernel_list() -> VerbResult {
    let cache = paths::cache()?;
    say(&report::kernels(&kernel::cached_images(&cache), &kernel::cache_folders(&cache), kernel::limit()))?;
    Ok(0)
}

pub(super) fn kernel_rm(name: &str) -> VerbResult {
    let removed = kernel::remove(&paths::cache()?, name, &Progress::stderr())?;
    if removed.is_empty() {
        return Err(CliError::NoKernel(name.to_owned()));
    }
    for folder in removed {
        say(&format!("removed {}\n", folder.display()))?;
    }
    Ok(0)
}

pub(super) fn request(
    arguments: &KernelArgs,
    origins: &Origins,
    progress: &Progress,
) -> Result<Request, CliError> {
    let source = match &arguments.kernel {
        None => Source::default(),
        Some(word) => Source::parse(word, origins)?,
    };
    let mut request = Request::of(source);
    if !arguments.series.is_empty() {
        let series = series::read(&arguments.series).map_err(KernelError::from)?;
        series.notes.iter().for_each(|what| progress.say(&format!("series: {what}")));
        request.series = Some(SeriesLabel { name: series.name(), patches: series.patches.len() });
        request.patches = series.patches;
    }
    request.patches.extend(series::read_patches(&arguments.patches).map_err(KernelError::from)?);
    request.strict = arguments.strict;
    let project = &request.project;
    let named = arguments.config.profiles.iter().filter_map(|profile| profile.fragment(project));
    request.fragments = named.chain(arguments.config.fragments.iter().cloned()).collect();
    Ok(request)
}

pub(super) fn scenarios() -> PathBuf {
    paths::project().join("scenarios")
}

fn scenario_paths(arguments: &RunArguments) -> Result<Vec<PathBuf>, CliError> {
    if arguments.all {
        let all = crate::scenario::all(&scenarios()).map_err(Box::new)?;
        let repeats = arguments.seeds.is_some() || arguments.repeat.get() > 1;
        let fit = all.iter().filter(|scenario| !repeats || scenario.clock.is_virtual());
        return Ok(fit.map(|scenario| by_name(&scenario.name)).collect());
    }
    if arguments.scenarios.is_empty() {
        return Ok(vec![by_name(FIRST)]);
    }
    arguments.scenarios.iter().map(|word| scenario_path(word)).collect()
}

pub(super) fn by_name(name: &str) -> PathBuf {
    scenarios().join(format!("{name}.yaml"))
}

/// What the user would type for a scenario's file: the other way round.
fn scenario_word(path: &Path) -> String {
    match path.file_stem().map(|stem| stem.to_string_lossy()) {
        Some(name) if by_name(&name) == path => name.into_owned(),
        _ => path.display().to_string(),
    }
}

/// A word with a slash or an ending is a file; anything else a name from `scenarios/`.
pub(super) fn scenario_path(word: &str) -> Result<PathBuf, CliError> {
    if paths::names_a_file(word) {
        return Ok(PathBuf::from(word));
    }
    let path = by_name(word);
    if path.is_file() {
        return Ok(path);
    }
    let known = crate::scenario::all(&scenarios()).map_err(Box::new)?;
    let known = known.iter().map(|scenario| scenario.name.as_str()).collect::<Vec<_>>().join(", ");
    Err(CliError::NoScenario { name: word.to_owned(), known })
}

/// The worst of the verdicts decides; no answer is worse than a bad one.
fn conclude(verdicts: &[Verdict]) -> VerbResult {
    if verdicts.len() > 1 {
        say(&format!("{}\n", report::tally(verdicts)))?;
    }
    Ok(verdicts.iter().map(|verdict| verdict.exit_code(skips_fail())).max().unwrap_or(0))
}

/// Whether nothing may be skipped.
pub(super) fn skips_fail() -> bool {
    std::env::var_os("DAMONLAB_REQUIRE").is_some_and(|what| what == "vm")
}

/// Standard output, where a closed pipe is an error and not a panic.
pub(super) fn say(text: &str) -> Result<(), CliError> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::{Cli, Verb};
    use super::*;
    use clap::Parser;

    #[test]
    fn a_machine_of_several_cpus_runs_on_the_real_clock_alone() {
        let machine = paths::project().join("scenarios/invalid/machines/two-cpus.yaml");
        let words = ["damonlab", "run", "idle", "--machine", machine.to_str().unwrap()];
        let set = |more: &[&str]| {
            let Verb::Run(run) = Cli::parse_from(words.iter().chain(more)).verb else { panic!("no run") };
            let mut loaded = [ScenarioSource::on(&by_name("idle"), run.machine.as_deref()).unwrap()];
            set_clock(&run, &mut loaded)
        };
        assert!(matches!(set(&[]), Err(CliError::ManyCpus(name)) if name == "idle"));
        assert!(set(&["--clock", "real"]).is_ok());
    }
}
