//! A kernel that counts the lines that it executes: the counts of a guest become lines, and a run repeats them.

use super::common::{self, ensure};
use damonlab::kernel::{self, BuildRequest, Origins, Profile, Request, Source};
use damonlab::line_coverage::{GcovTool, MeasuredFiles, collect};
use damonlab::recording;
use damonlab::run::RunEnv;
use damonlab::setup::Env;
use libtest_mimic::{Completion, Failed, Trial};
use std::error::Error;

pub fn trials() -> Vec<Trial> {
    vec![common::trial("a_kernel_that_counts_gives_the_same_lines_for_the_same_seed", counting)]
}

/// With the kernel that counts, if it is built: that takes as long as the first build of all.
fn counting(env: &RunEnv) -> Result<Completion, Failed> {
    let origins = Origins::of(Env::machine()?);
    let request = BuildRequest::of(Source::default()).with_profile(Profile::Coverage);
    match kernel::ready(&Request::Build(request), &origins)? {
        Some(image) => {
            let env = RunEnv { image, ..env.clone() };
            same_lines(&env, &origins).map_err(|error| Failed::from(error.to_string()))?;
            Ok(Completion::Completed)
        }
        None => Ok(Completion::ignored_with(
            "there is no kernel that counts; `damonlab kernel build --profile coverage` builds it",
        )),
    }
}

fn same_lines(env: &RunEnv, origins: &Origins) -> Result<(), Box<dyn Error>> {
    let notes = env.image.notes().ok_or("the kernel has no .gcno files")?;
    let (env, _results) = common::with_own_results(env)?;
    let tool = GcovTool::find(&origins.env.path)?;
    let (first, second) =
        (common::pass(&env, &common::shipped("idle")?)?, common::pass(&env, &common::shipped("idle")?)?);
    ensure(recording::gcov(&first.dir)? == recording::gcov(&second.dir)?, "the same seed gave other counts")?;
    let counts = collect(&tool, &first.dir, "idle", &notes, &MeasuredFiles::default())?;
    let core = counts.files.get("mm/damon/core.c").ok_or("nothing of core.c was counted")?;
    let (executed, lines) = core.executed_of(..);
    ensure(executed > 500 && executed < lines, (executed, lines))?;
    let stat = core.functions.get("kdamond_fn").ok_or("there is no kdamond_fn()")?;
    ensure(stat.calls == 1, stat)?;
    let reclaim = counts.files.get("mm/damon/reclaim.c").ok_or("nothing of reclaim.c was counted")?;
    ensure(reclaim.functions.get("damon_reclaim_turn").is_some_and(|one| one.calls == 0), reclaim)
}
