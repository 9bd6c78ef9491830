//! What is written into a kernel file.

use super::fault::{Checked, Fault};
use super::scalar::Scalar;
use super::shape::At;

/// The longest value that a file takes here, less than a page.
const MAX_VALUE: usize = 1_000;

/// The value, if a file can take it.
pub(crate) fn file_value(raw: &At<Scalar>) -> Checked<String> {
    let text = raw.value.0.as_str();
    if text.is_empty() {
        return Err(Fault::at(raw, "an empty value never reaches the kernel (sysfs_kf_write)"));
    }
    if text.len() > MAX_VALUE || !text.chars().all(|c| c.is_ascii_graphic() || c == ' ') {
        return Err(Fault::at(raw, format!("a value is up to {MAX_VALUE} printable characters of ASCII")));
    }
    Ok(text.to_owned())
}
