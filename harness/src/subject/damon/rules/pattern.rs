//! What an access pattern leaves open.

use crate::subject::damon::view::PAGE;
use damonlab_protocol::damon::Scheme;

/// From so many aggregations on an age is as good as any.
const ANY_AGE: u64 = 1 << 20;

/// Whether the pattern matches regions of any size: a part of a region then matches it too.
pub(crate) fn size_does_not_matter(scheme: &Scheme) -> bool {
    scheme.sz.min <= PAGE && scheme.sz.max >= u64::MAX / 2
}

/// Whether the pattern matches regions of any age.
pub(crate) fn age_does_not_matter(scheme: &Scheme) -> bool {
    scheme.age.min == 0 && scheme.age.max >= ANY_AGE
}
