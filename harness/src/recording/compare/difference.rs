//! Where two recordings differ first, and the sentence that describes it.

use super::describe::{Side, What};
use crate::host::text::shown;
use std::fmt;
use std::path::PathBuf;

/// The first difference between two recordings, in guest time. [`fmt::Display`] describes it in a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The folder of the first recording.
    pub first: PathBuf,
    /// The folder of the second one.
    pub second: PathBuf,
    /// The file.
    pub file: &'static str,
    /// What differs in it.
    pub what: What,
    /// A file with what the run was made of, if that differs too.
    pub ingredient: Option<&'static str>,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = |side: &Side| match side {
            Side::First => shown(&self.first),
            Side::Second => shown(&self.second),
        };
        let (here, there) = (shown(&self.first), shown(&self.second));
        match &self.what {
            What::Missing { from } => {
                write!(f, "{} is in {} and not in {}", self.file, name(&from.other()), name(from))?;
            }
            What::Ends { side, at, next } => {
                let (short, long) = (name(side), name(&side.other()));
                write!(f, "{} {at}: {short} ends there, and {long} goes on with {next:?}", self.file)?;
            }
            What::Value { at, field, first, second } => {
                write!(f, "{} {at}: {field} is {first} in {here} and {second} in {there}", self.file)?;
            }
            What::Text { at, first, second } => {
                write!(f, "{} {at}: {first:?} in {here} and {second:?} in {there}", self.file)?;
            }
        }
        match self.ingredient {
            Some(file) => write!(f, "; they were not made of the same: {file} differs too"),
            None => Ok(()),
        }
    }
}
