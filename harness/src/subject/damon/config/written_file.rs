//! Whether a file that a step writes is there: in a folder that the configuration in force has.

use crate::grammar::{At, Checked, Fault, Scalar};
use damonlab_protocol::damon::Kdamond;

/// A file of this beginning makes or removes folders.
const COUNT: &str = "nr_";

/// Whether a write of the file changes which folders there are.
pub(super) fn makes_folders(file: &str) -> bool {
    file.rsplit('/').next().is_some_and(|name| name.starts_with(COUNT))
}

/// Refuses a file of a kdamond, context, scheme or target that there is none of.
pub(super) fn check(file: &At<Scalar>, kdamonds: &[Kdamond]) -> Checked<()> {
    let mut parts = file.value.0.split('/');
    let Some(kdamond) = parts.next().and_then(index) else { return Ok(()) };
    let missing = |what: &str, index: usize, count: usize| {
        Fault::at(file, format!("there is no {what} {index}")).help(format!(
            "there are {count}, counted from 0; a write into an {COUNT} file before makes more. Where the scenario is about the \
             refusal, write `refused: ENOENT` in the step"
        ))
    };
    let Some(config) = kdamonds.get(kdamond) else {
        return Err(missing("kdamond", kdamond, kdamonds.len()));
    };
    let rest: Vec<&str> = parts.collect();
    let ["contexts", context, rest @ ..] = rest.as_slice() else { return Ok(()) };
    if let Some(context) = index(context).filter(|context| *context > 0) {
        return Err(missing("context", context, 1));
    }
    let (what, count) = match rest.first() {
        Some(&"schemes") => ("scheme", config.context.schemes.len()),
        Some(&"targets") => ("target", config.context.targets.len()),
        _ => return Ok(()),
    };
    match rest.get(1).copied().and_then(index).filter(|index| *index >= count) {
        Some(index) => Err(missing(what, index, count)),
        None => Ok(()),
    }
}

fn index(part: &str) -> Option<usize> {
    part.parse().ok()
}
