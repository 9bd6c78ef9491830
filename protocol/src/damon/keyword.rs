//! A keyword of DAMON's sysfs: one that is known here, or one that a scenario introduces.

use serde::{Deserialize, Serialize};

/// A keyword of one kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Keyword<T> {
    /// One of Linux 7.3, whose meaning is known.
    Known(T),
    /// One that a patch adds: it is written as it is, and nothing is known about it.
    Introduced(String),
}

impl<T: Copy> Keyword<T> {
    /// The keyword, if its meaning is known.
    pub fn known(&self) -> Option<T> {
        match self {
            Keyword::Known(known) => Some(*known),
            Keyword::Introduced(_) => None,
        }
    }
}

impl<T> Keyword<T> {
    /// The keyword, if a scenario introduces it.
    pub fn introduced(&self) -> Option<&str> {
        match self {
            Keyword::Known(_) => None,
            Keyword::Introduced(name) => Some(name),
        }
    }
}

impl<T> From<T> for Keyword<T> {
    fn from(known: T) -> Self {
        Keyword::Known(known)
    }
}

impl<T: PartialEq> PartialEq<T> for Keyword<T> {
    fn eq(&self, other: &T) -> bool {
        matches!(self, Keyword::Known(known) if known == other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::damon::{GoalTuner, Ops};

    #[test]
    fn a_keyword_is_stored_as_the_kernel_has_it_whether_it_is_known_or_not() {
        let text = |tuner: &Keyword<GoalTuner>| serde_json::to_string(tuner).unwrap();
        assert_eq!(text(&GoalTuner::Temporal.into()), "\"temporal\"");
        assert_eq!(text(&Keyword::Introduced("pid".into())), "\"pid\"");
        for name in ["\"temporal\"", "\"pid\""] {
            assert_eq!(text(&serde_json::from_str(name).unwrap()), name);
        }
    }

    #[test]
    fn an_introduced_keyword_equals_none_that_is_known() {
        let ops: Keyword<Ops> = Keyword::Introduced("perf".into());
        assert!([Ops::Vaddr, Ops::Fvaddr, Ops::Paddr].iter().all(|known| ops != *known));
        assert_eq!((ops.known(), ops.introduced()), (None, Some("perf")));
    }
}
