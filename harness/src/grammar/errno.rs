//! The errno names with which a scenario may expect a refusal.

use super::fault::{Checked, Fault};
use super::scalar::Scalar;
use super::shape::At;

/// Those that DAMON's sysfs and the kernel's other settings answer with.
pub(crate) const ERRNOS: &[&str] = &[
    "EINVAL",
    "EBUSY",
    "ENOMEM",
    "ENOENT",
    "EPERM",
    "ECANCELED",
    "ERANGE",
    "EACCES",
    "EISDIR",
    "EOPNOTSUPP",
];

/// The errno name that the kernel must answer with, if any.
pub(crate) fn errno(raw: Option<&At<Scalar>>) -> Checked<Option<String>> {
    let Some(errno) = raw else { return Ok(None) };
    let name = errno.value.0.as_str();
    if !ERRNOS.contains(&name) {
        return Err(
            Fault::at(errno, format!("the kernel refuses no write with '{name}'")).known(name, ERRNOS)
        );
    }
    Ok(Some(name.to_owned()))
}
