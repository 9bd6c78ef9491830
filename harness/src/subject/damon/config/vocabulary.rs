//! What a configuration may refer to: the names of the machine and the workloads, and words that are introduced.

use super::introduced::Introduced;
use crate::grammar::Names;
use std::ops::Deref;

/// Both.
#[derive(Clone, Copy)]
pub(crate) struct Vocabulary<'a> {
    pub(crate) names: &'a Names,
    pub(crate) introduced: &'a Introduced,
}

impl Deref for Vocabulary<'_> {
    type Target = Names;

    fn deref(&self) -> &Names {
        self.names
    }
}
