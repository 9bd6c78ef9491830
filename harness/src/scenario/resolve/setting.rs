//! A kernel file that a scenario writes, and the value.

use crate::grammar::{At, Checked, Fault, Scalar};
use damonlab_protocol::kernel_file::{self, PathError};

/// The longest value that a file takes here, less than a page.
const MAX_VALUE: usize = 1_000;

/// The absolute path of a kernel file that may be written.
pub(super) fn path(raw: &At<Scalar>) -> Checked<String> {
    let text = raw.value.0.as_str();
    match kernel_file::check(text) {
        Ok(()) => Ok(text.to_owned()),
        Err(why) => {
            let fault = Fault::at(raw, format!("a scenario cannot write '{text}'"));
            Err(match why {
                PathError::Owned(why) => fault.help(why),
                PathError::Shape | PathError::Elsewhere => fault.help(format!(
                    "an absolute path without '..', below one of {}",
                    kernel_file::ROOTS.join(", ")
                )),
            })
        }
    }
}

/// What is written into a kernel file.
pub(super) fn value(raw: &At<Scalar>) -> Checked<String> {
    let text = raw.value.0.as_str();
    if text.is_empty() {
        return Err(Fault::at(raw, "an empty value never reaches the kernel (sysfs_kf_write)"));
    }
    if text.len() > MAX_VALUE || !text.chars().all(|c| c.is_ascii_graphic() || c == ' ') {
        return Err(Fault::at(raw, format!("a value is up to {MAX_VALUE} printable characters of ASCII")));
    }
    Ok(text.to_owned())
}
