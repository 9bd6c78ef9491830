//! Keywords as sysfs has them.

use super::config::{FilterKind, GoalTuner, Ops};
use super::keyword::Keyword;

impl Keyword<Ops> {
    /// As sysfs has it.
    pub fn as_str(&self) -> &str {
        match self {
            Keyword::Known(Ops::Vaddr) => "vaddr",
            Keyword::Known(Ops::Fvaddr) => "fvaddr",
            Keyword::Known(Ops::Paddr) => "paddr",
            Keyword::Introduced(name) => name,
        }
    }
}

impl Keyword<GoalTuner> {
    /// As sysfs has it.
    pub fn as_str(&self) -> &str {
        match self {
            Keyword::Known(GoalTuner::Consist) => "consist",
            Keyword::Known(GoalTuner::Temporal) => "temporal",
            Keyword::Introduced(name) => name,
        }
    }
}

impl FilterKind {
    /// The `type` as sysfs has it.
    pub fn keyword(&self) -> &str {
        match self {
            FilterKind::Addr(_) => "addr",
            FilterKind::Target(_) => "target",
            FilterKind::Anon => "anon",
            FilterKind::Active => "active",
            FilterKind::Young => "young",
            FilterKind::Unmapped => "unmapped",
            FilterKind::Memcg(_) => "memcg",
            FilterKind::HugepageSize(_) => "hugepage_size",
            FilterKind::ProbeHitsWsum(_) => "probe_hits_wsum",
            FilterKind::PgidleSet => "pgidle_set",
            FilterKind::PgidleUnset => "pgidle_unset",
            FilterKind::Introduced { name, .. } => name,
        }
    }
}
