//! `damonlab explain`: the page of a rule, with the kernel functions that it follows from.

use super::error::{CliError, VerbResult};
use super::output::{self, FormatArgs};
use super::rule;
use crate::judge;
use crate::kernel::{Origins, PatchedSource, Request};
use crate::report;
use crate::setup::Env;
use clap::Args;
use std::path::{Path, PathBuf};

pub(super) const HELP: &str = "Examples: damonlab explain G5\n          \
    damonlab explain goal-share-matches-pages --kernel ~/linux\n          \
    damonlab explain guest-lost";

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The id or the name of a rule, or of a way for a run to end. None: list them all.
    #[arg(value_name = "RULE")]
    rule: Option<String>,
    /// Show the functions of this kernel: a release, a source tree or TREE@REF [default: 7.3]. It has to be on this
    /// machine already; nothing is fetched or built.
    #[arg(long, value_name = "VERSION|DIR|DIR@REF")]
    kernel: Option<PathBuf>,
    #[command(flatten)]
    format: FormatArgs,
}

pub(super) fn explain(arguments: &Arguments) -> VerbResult {
    let Some(word) = &arguments.rule else {
        if arguments.kernel.is_some() {
            return Err(CliError::NoEffect { option: "--kernel", on: "the list of all rules".to_owned() });
        }
        output::list(&report::explained(), arguments.format)?;
        return Ok(0);
    };
    let origin = rule::origin(word)?;
    if arguments.kernel.is_some() && !judge::explain(&origin, |_| None).has_source() {
        let on = format!("'{word}', which follows from no part of the kernel's source");
        return Err(CliError::NoEffect { option: "--kernel", on });
    }
    let source = source(arguments.kernel.as_deref())?;
    let page = judge::explain(&origin, |path| source.as_ref()?.text(path));
    let listing = report::explanation(&page, source.as_ref().map(PatchedSource::name));
    output::list(&listing, arguments.format)?;
    Ok(0)
}

/// The source of the kernel that `word` names, if it is here.
fn source(word: Option<&Path>) -> Result<Option<PatchedSource>, CliError> {
    let origins = Origins::of(Env::machine()?);
    let kernel = match word {
        None => Request::default(),
        Some(word) => Request::parse(word, &origins)?,
    };
    Ok(PatchedSource::here(&kernel.to_build("the lines of kernel functions")?, &origins)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_of_the_source_that_a_rule_names_exists() {
        // On a machine that never built a kernel there is no source to look at.
        let Some(source) = source(None).unwrap() else { return };
        let parts = judge::rules().flat_map(|about| about.source.iter().map(move |part| (about.id, part)));
        let missing: Vec<String> = parts
            .filter(|(_, part)| !judge::is_in(part, |path| source.text(path)))
            .map(|(id, part)| format!("{id}: {part}"))
            .collect();
        assert_eq!(missing, [""; 0], "not in {}", source.name());
    }
}
