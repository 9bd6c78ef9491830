//! One trial for each scenario of `scenarios/`: it runs in a guest, must pass, and must match its
//! snapshots. `cargo test pull-push` runs those whose names fit.
//!
//! - `DAMONLAB_SETUP=1` installs and builds what is missing first.
//! - `DAMONLAB_REQUIRE=vm` makes a trial fail that would otherwise be ignored for want of something.
//! - `DAMONLAB_KERNEL=DIR|bzImage` tests that kernel instead of the default one.

use damonlab::check::Verdict;
use damonlab::host::{interrupt, paths, progress::Progress};
use damonlab::kernel::{self, Origins, Request, Source};
use damonlab::recording::Recording;
use damonlab::run::{self, Lab, Loaded, Report};
use damonlab::scenario::{self, SnapshotKind};
use damonlab::setup::{self, Env};
use damonlab::{report, snapshot};
use libtest_mimic::{Arguments, Completion, Failed, Trial};
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::OnceLock;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    if let Err(cause) = interrupt::listen() {
        eprintln!("cannot listen for Ctrl-C: {cause}");
        return ExitCode::FAILURE;
    }
    let folder = paths::project().join("scenarios");
    let scenarios = match scenario::all(&folder) {
        Ok(scenarios) => scenarios,
        Err(error) => {
            eprintln!("{:?}", miette::Report::new(error));
            return ExitCode::FAILURE;
        }
    };
    let trial = |name: String| {
        let path = folder.join(format!("{name}.yaml"));
        Trial::ignorable_test(name, move || run_one(&path))
    };
    let trials = scenarios.into_iter().map(|scenario| trial(scenario.name)).collect();
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn run_one(path: &Path) -> Result<Completion, Failed> {
    let lab = match lab() {
        Ok(lab) => lab,
        Err(reason) if is_set("DAMONLAB_REQUIRE", "vm") => return Err(Failed::from(reason)),
        Err(reason) => return Ok(Completion::ignored_with(reason)),
    };
    let loaded = Loaded::from(path).map_err(|error| format!("{:?}", miette::Report::new(*error)))?;
    let report = run::run(lab, &loaded, 0).map_err(|error| error.to_string())?;
    match &report.verdict {
        Verdict::Pass => compare(&loaded, &report),
        // A kernel without the tracepoint is the default kernel's fault, and a user's kernel's choice.
        Verdict::Skip(why) if is_set("DAMONLAB_REQUIRE", "vm") => Err(Failed::from(why)),
        Verdict::Skip(why) => Ok(Completion::ignored_with(why)),
        _ => Err(Failed::from(report::human(&report))),
    }
}

/// Compares with `snapshots/<scenario>@<kind>.snap`; `cargo insta review` shows the differences.
fn compare(loaded: &Loaded, report: &Report) -> Result<Completion, Failed> {
    let recording = Recording::load(&report.dir).map_err(|error| error.to_string())?;
    for kind in &loaded.scenario.snapshot {
        let (name, text) = match kind {
            SnapshotKind::Interface => ("interface", snapshot::interface(&recording)),
            SnapshotKind::Behaviour => ("behaviour", snapshot::behaviour(&recording)),
        };
        let mut settings = insta::Settings::clone_current();
        settings.set_snapshot_path(paths::project().join("snapshots"));
        settings.set_prepend_module_to_snapshot(false);
        settings.set_omit_expression(true);
        settings.set_description(format!("{}: {}", report.scenario, report.summary));
        settings.bind(|| insta::assert_snapshot!(format!("{}@{name}", report.scenario), text));
    }
    Ok(Completion::Completed)
}

/// Tools and kernel, once a process; or what is missing and what to type.
fn lab() -> Result<&'static Lab, String> {
    static LAB: OnceLock<Result<Lab, String>> = OnceLock::new();
    let lab = LAB.get_or_init(|| prepare().map_err(|error| error.to_string()));
    lab.as_ref().map_err(Clone::clone)
}

fn prepare() -> Result<Lab, Box<dyn Error>> {
    let env = Env::machine()?;
    let progress = Progress::stderr();
    let install = is_set("DAMONLAB_SETUP", "1");
    if install {
        setup::install(&env, &progress)?;
    }
    let tools = setup::tools(&env)?;
    let given = std::env::var_os("DAMONLAB_KERNEL").map(PathBuf::from);
    let request = Request::of(match &given {
        Some(path) => Source::of_path(path)?,
        None => Source::Default,
    });
    let origins = Origins::of(env);
    // A build takes minutes: only for who asked for it.
    let may_build = install || given.is_some() || is_set("DAMONLAB_REQUIRE", "vm");
    let image = match kernel::ready(&request, &origins)? {
        Some(image) => image,
        None if may_build => kernel::obtain(&request, &origins, &progress)?,
        None => {
            return Err(format!("no kernel is built; `{}` builds it", setup::ourselves("kernel build")).into());
        }
    };
    Ok(Lab { tools, image, out: paths::project().join("results") })
}

fn is_set(variable: &str, value: &str) -> bool {
    std::env::var_os(variable).is_some_and(|found| found == value)
}
