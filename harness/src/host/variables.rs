//! The environment variables of damonlab: what each accepts, and their values. An empty one counts as unset.

use super::fault::{Fault, Faulty};
use super::text::printable;
use std::ffi::{OsStr, OsString};
use std::num::NonZeroUsize;
use std::path::Path;

/// What all of them begin with.
const PREFIX: &str = "DAMONLAB_";

/// How the names begin that damonlab's own tests read, that cargo hands on from the build script, and that marks a process
/// group.
const OURS: [&str; 9] = [
    "DAMONLAB_TEST_",
    "DAMONLAB_FIRST_CALL",
    "DAMONLAB_FUZZ_",
    "DAMONLAB_GROUP",
    "DAMONLAB_GUEST",
    "DAMONLAB_KILLS",
    "DAMONLAB_LAST_CALL",
    "DAMONLAB_STEP",
    "DAMONLAB_SYSCALLS",
];

/// `vm`: what cannot run fails.
pub const REQUIRE: &str = "DAMONLAB_REQUIRE";
/// `1`: tests install and build what is missing first.
pub const SETUP: &str = "DAMONLAB_SETUP";
/// `1`: tests write the generated files.
pub const BLESS: &str = "DAMONLAB_BLESS";
/// The kernel of the tests.
pub const KERNEL: &str = "DAMONLAB_KERNEL";
/// The number of guests that may run at once.
pub const SLOTS: &str = "DAMONLAB_SLOTS";
/// The limit of the cache of kernels, in MiB.
pub const KERNELS_MIB: &str = "DAMONLAB_KERNELS_MIB";
/// The limit of the cache of checkpoints, in MiB.
pub const CHECKPOINTS_MIB: &str = "DAMONLAB_CHECKPOINTS_MIB";
/// Where kernel releases come from.
pub const SOURCE: &str = "DAMONLAB_SOURCE";
/// The folder with scenarios, patches and configurations.
pub const HOME: &str = "DAMONLAB_HOME";

/// What a variable accepts.
struct Variable {
    name: &'static str,
    wanted: &'static str,
    accepts: fn(&str) -> bool,
}

const fn accepting(name: &'static str, wanted: &'static str, accepts: fn(&str) -> bool) -> Variable {
    Variable { name, wanted, accepts }
}

const MEBIBYTES: &str = "a number of MiB, 0 or more";

static ALL: [Variable; 9] = [
    accepting(REQUIRE, "vm", |value| value == "vm"),
    accepting(SETUP, "1", |value| value == "1"),
    accepting(BLESS, "1", |value| value == "1"),
    accepting(KERNEL, "a kernel, as for --kernel", |_| true),
    accepting(SLOTS, "the number of guests that may run at once on this host, 1 or more", |value| {
        whole::<NonZeroUsize>(value).is_some()
    }),
    accepting(KERNELS_MIB, MEBIBYTES, |value| whole::<u64>(value).is_some()),
    accepting(CHECKPOINTS_MIB, MEBIBYTES, |value| whole::<u64>(value).is_some()),
    accepting(
        SOURCE,
        "the URL of a folder with kernel.org's tarballs (https://...), or the path of a linux-VERSION.tar.xz",
        |value| value.contains("://") || (value.contains(".tar") && Path::new(value).is_file()),
    ),
    accepting(HOME, "damonlab's source tree, or a folder that `damonlab export-data` wrote", |value| {
        Path::new(value).join("scenarios").is_dir()
    }),
];

/// A variable whose value or name damonlab does not know.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadVariable {
    /// A value that the variable does not accept.
    #[error("{name} is '{value}'; wanted: {wanted}. Set it to that, or unset it")]
    Value {
        /// The variable.
        name: &'static str,
        /// Its value.
        value: String,
        /// What it accepts.
        wanted: &'static str,
    },
    /// A variable that nothing reads.
    #[error("{name} is set, and damonlab has no such variable; unset it, or use one of {known}")]
    Name {
        /// The variable.
        name: String,
        /// Those that there are.
        known: String,
    },
}

impl Faulty for BadVariable {
    fn fault(&self) -> Fault {
        Fault::BadInput
    }
}

/// Refuses every variable of damonlab that would be ignored: an unknown name or value.
///
/// # Errors
/// The first such variable.
pub fn check() -> Result<(), BadVariable> {
    let mut set: Vec<(OsString, OsString)> = std::env::vars_os().collect();
    set.sort();
    set.iter().try_for_each(|(name, value)| check_one(name, value))
}

fn check_one(name: &OsStr, value: &OsStr) -> Result<(), BadVariable> {
    let (name, value) = (name.to_string_lossy(), value.to_string_lossy());
    if !name.starts_with(PREFIX) || OURS.iter().any(|ours| name.starts_with(ours)) || value.is_empty() {
        return Ok(());
    }
    match ALL.iter().find(|one| one.name == name) {
        Some(one) if (one.accepts)(&value) => Ok(()),
        Some(one) => Err(BadVariable::Value { name: one.name, value: printable(&value), wanted: one.wanted }),
        None => {
            let known = ALL.iter().map(|one| one.name).collect::<Vec<_>>().join(", ");
            Err(BadVariable::Name { name: printable(&name), known })
        }
    }
}

/// The value of a variable, if it is set.
pub fn value(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}

/// Whether a variable is set to the value that switches it on.
pub fn is(name: &str, wanted: &str) -> bool {
    value(name).is_some_and(|value| value == wanted)
}

/// The number in a variable; none if it is unset, or not one that [`check`] would accept.
pub fn number<T: std::str::FromStr>(name: &str) -> Option<T> {
    whole(value(name)?.to_str()?)
}

/// Digits alone: `parse` would accept a plus sign.
fn whole<T: std::str::FromStr>(value: &str) -> Option<T> {
    value.bytes().all(|byte| byte.is_ascii_digit()).then(|| value.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, value: &str) -> Result<(), String> {
        check_one(OsStr::new(name), OsStr::new(value)).map_err(|error| error.to_string())
    }

    #[test]
    fn a_value_that_would_be_ignored_is_an_error_that_names_the_variable() {
        for (name, value) in [
            (REQUIRE, "foo"),
            (REQUIRE, "VM"),
            (SETUP, "banana"),
            (SETUP, "0"),
            (BLESS, "0"),
            (SLOTS, "x"),
            (SLOTS, "0"),
            (SLOTS, "+2"),
            (KERNELS_MIB, "-1"),
            (CHECKPOINTS_MIB, "1.5"),
            (CHECKPOINTS_MIB, "99999999999999999999"),
            (SOURCE, "nowhere"),
            (HOME, "/nonexistent"),
        ] {
            let error = check(name, value).unwrap_err();
            assert!(error.starts_with(&format!("{name} is '{value}'; wanted: ")), "{error}");
        }
    }

    #[test]
    fn a_good_value_and_an_empty_one_are_accepted_and_so_is_what_belongs_to_others() {
        for (name, value) in [
            (REQUIRE, "vm"),
            (SLOTS, "64"),
            (KERNELS_MIB, "0"),
            (KERNEL, "anything"),
            (SOURCE, "file:///mirror"),
            (SLOTS, ""),
            ("DAMONLAB_TEST_VICTIM", "/x"),
            ("DAMO", "x"),
        ] {
            assert_eq!(check(name, value), Ok(()), "{name}");
        }
    }

    #[test]
    fn a_mistyped_name_is_an_error_that_lists_the_names() {
        let error = check("DAMONLAB_SLOT", "2").unwrap_err();
        assert!(error.starts_with("DAMONLAB_SLOT is set, ") && error.contains("DAMONLAB_SLOTS"), "{error}");
    }
}
