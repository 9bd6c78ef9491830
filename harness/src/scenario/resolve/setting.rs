//! A kernel file that a scenario writes.

use crate::grammar::{At, Checked, Fault, Scalar};
use damonlab_protocol::kernel_file::{self, PathError};

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
