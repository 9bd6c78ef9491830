//! What a scenario states that the kernel must have.

use crate::grammar::{At, Checked, Fault, Scalar};
use crate::scenario::subject::{Required, keywords_of};
use damonlab_protocol::kernel_feature::KernelFeature;
use std::collections::BTreeSet;

fn need(raw: &At<Scalar>) -> Checked<KernelFeature> {
    let name = raw.value.0.as_str();
    let fault = || Fault::at(raw, format!("there is no kernel feature '{name}'"));
    if let Some((kind, keyword)) = name.split_once('.')
        && let Some(keywords) = keywords_of(kind)
        && !keywords.contains(&keyword)
    {
        return Err(fault().known(keyword, &keywords));
    }
    KernelFeature::parse(name).ok_or_else(|| {
        let kinds = KernelFeature::kinds().map(|kind| format!("{kind}.NAME"));
        let all: Vec<String> = KernelFeature::alone().map(str::to_owned).chain(kinds).collect();
        fault().known(name, &all.iter().map(String::as_str).collect::<Vec<_>>())
    })
}

/// What a scenario states, and what else it needs, once each.
pub(super) fn all(stated: &[At<Scalar>], required: &[Required]) -> Checked<Vec<KernelFeature>> {
    let mut all = stated.iter().map(need).collect::<Checked<Vec<_>>>()?;
    let known: BTreeSet<KernelFeature> = all.iter().cloned().collect();
    all.extend(required.iter().map(|(feature, _)| feature).filter(|one| !known.contains(one)).cloned());
    Ok(all)
}

/// The lines of what is needed.
pub(super) fn lines(required: Vec<Required>) -> Vec<(KernelFeature, usize)> {
    let line = |(feature, at): Required| Some((feature, usize::try_from(at?.line()).ok()?));
    required.into_iter().filter_map(line).collect()
}
