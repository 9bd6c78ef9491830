//! What a scenario states that the kernel must have.

use crate::grammar::{At, Checked, Fault, Scalar};
use crate::scenario::subject::keywords_of;
use damonlab_protocol::kernel_feature::KernelFeature;

pub(super) fn need(raw: &At<Scalar>) -> Checked<KernelFeature> {
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
