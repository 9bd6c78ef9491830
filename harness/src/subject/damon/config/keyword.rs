//! A keyword of DAMON's in a file, looked up in its list.

use crate::grammar::{At, Checked, Fault, Scalar};

/// A keyword out of a list.
pub(super) fn known<'a>(raw: &'a At<Scalar>, keywords: &[&str], what: &str) -> Checked<&'a str> {
    // damo 3.4 reports a quota's tuner with the newline of its file.
    let keyword = raw.value.0.trim();
    if keywords.contains(&keyword) {
        return Ok(keyword);
    }
    Err(Fault::at(raw, format!("there is no {what} '{keyword}'")).known(keyword, keywords))
}
