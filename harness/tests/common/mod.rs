//! What the trials share: tools and a kernel, found or made once, or the reason why there are none.

use damonlab::host::{paths, progress::Progress};
use damonlab::kernel::{self, Origins, Request, Source};
use damonlab::run::Lab;
use damonlab::setup::{self, Env};
use damonlab::vm;
use libtest_mimic::{Completion, Failed};
use std::error::Error;
use std::path::PathBuf;
use std::sync::OnceLock;

/// Runs `trial` with the lab. Where there is none the trial is ignored with the reason, and fails
/// where `DAMONLAB_REQUIRE=vm` says that nothing may be.
pub fn with_lab(trial: impl FnOnce(&Lab) -> Result<Completion, Failed>) -> Result<Completion, Failed> {
    match lab() {
        Ok(lab) => trial(lab),
        Err(reason) => ignored(reason),
    }
}

/// The end of a trial that cannot be carried out here.
pub fn ignored(reason: String) -> Result<Completion, Failed> {
    if is_set("DAMONLAB_REQUIRE", "vm") {
        Err(Failed::from(reason))
    } else {
        Ok(Completion::ignored_with(reason))
    }
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
            return Err(
                format!("no kernel is built; `{}` builds it", setup::ourselves("kernel build")).into()
            );
        }
    };
    Ok(Lab { tools, image, agent: vm::AGENT, out: paths::project().join("results") })
}

fn is_set(variable: &str, value: &str) -> bool {
    std::env::var_os(variable).is_some_and(|found| found == value)
}
