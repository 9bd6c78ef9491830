//! Filters of schemes and of probes.

use super::introduced::WordKind;
use super::keyword::known;
use super::keywords::{ALL_FILTERS, CORE_FILTERS, MAX_PROBES, OPS_FILTERS, PREP_ACTIONS, PROBE_FILTERS};
use super::range::one_range;
use super::raw::{RawFilter, RawProbe, RawProbeFilter};
use super::vocabulary::Vocabulary;
use crate::grammar::{At, Checked, Fault, Given, Names, Scalar};
use damonlab_protocol::damon::{Filter, FilterKind, FilterLayer, Probe, Range};

/// A folder of filters.
#[derive(Clone, Copy)]
pub(super) enum Folder {
    Core,
    Ops,
    /// The deprecated one that takes both kinds, where damo puts them.
    Any,
}

impl Folder {
    /// Its key, and the types that it takes.
    fn of(self) -> (&'static str, &'static [&'static str]) {
        match self {
            Folder::Core => ("core_filters", CORE_FILTERS),
            Folder::Ops => ("ops_filters", OPS_FILTERS),
            Folder::Any => ("filters", ALL_FILTERS),
        }
    }

    /// Whether it takes the types of a layer.
    fn takes(self, layer: FilterLayer) -> bool {
        matches!(
            (self, layer),
            (Folder::Core | Folder::Any, FilterLayer::Core) | (Folder::Ops | Folder::Any, FilterLayer::Ops)
        )
    }
}

/// The filters of a scheme in one folder; the context has so many targets.
pub(super) fn filters(
    raw: &[At<RawFilter>],
    folder: Folder,
    targets: usize,
    words: &Vocabulary<'_>,
) -> Checked<Vec<Filter>> {
    raw.iter().map(|raw| filter(raw, folder, targets, words)).collect()
}

fn filter(raw: &At<RawFilter>, folder: Folder, targets: usize, words: &Vocabulary<'_>) -> Checked<Filter> {
    let (key, allowed) = folder.of();
    let (names, keyword) = (words.names, &raw.value.filter_type);
    let name = keyword.value.0.as_str();
    if let Some(kind) = introduced(raw, folder, words)? {
        return Ok(Filter {
            kind,
            matching: raw.value.matching.value.0,
            allow: raw.value.allow.given_or(false),
        });
    }
    if !allowed.contains(&name) {
        let fault = Fault::at(keyword, format!("{key} takes no '{name}'"));
        if !ALL_FILTERS.contains(&name) {
            return Err(fault.known(name, allowed).or_help(&WordKind::Filter.how(name)));
        }
        // A known filter in the wrong folder: the kernel answers EINVAL.
        let home = if CORE_FILTERS.contains(&name) { "core_filters" } else { "ops_filters" };
        names.kernel_refuses(|| fault.help(format!("it belongs into {home}")))?;
    }
    Ok(Filter {
        kind: kind(raw, name, targets, names)?,
        matching: raw.value.matching.value.0,
        allow: raw.value.allow.given_or(false),
    })
}

/// A type that is introduced, if it is one.
fn introduced(raw: &At<RawFilter>, folder: Folder, words: &Vocabulary<'_>) -> Checked<Option<FilterKind>> {
    let (key, name) = (folder.of().0, raw.value.filter_type.value.0.as_str());
    let layers = words.introduced.layers(name);
    let Some(layer) = layers.iter().copied().find(|layer| *layer != FilterLayer::Probe) else {
        return Ok(None);
    };
    if !folder.takes(layer) {
        let home = if layer == FilterLayer::Core { "core_filters" } else { "ops_filters" };
        words.kernel_refuses(|| {
            Fault::at(&raw.value.filter_type, format!("{key} takes no '{name}'"))
                .help(format!("as it is introduced, it belongs into {home}"))
        })?;
    }
    let RawFilter { memcg_path, address_range, damon_target_idx, hugepage_size, .. } = &raw.value;
    let arguments = [
        memcg_path.as_ref().map(|at| (at.referenced, "memcg_path")),
        address_range.as_ref().map(|at| (at.referenced, "address_range")),
        damon_target_idx.as_ref().map(|at| (at.referenced, "damon_target_idx")),
        hugepage_size.as_ref().map(|at| (at.referenced, "hugepage_size")),
    ];
    if let Some((at, argument)) = arguments.into_iter().flatten().next() {
        let message = format!("'{name}' is introduced, and damonlab does not know that it reads {argument}");
        return Err(Fault::at_location(at, message).help("give its files: sysfs: {min: 4096, max: 8192}"));
    }
    Ok(Some(FilterKind::Introduced { name: name.to_owned(), layer }))
}

fn kind(raw: &At<RawFilter>, name: &str, targets: usize, names: &Names) -> Checked<FilterKind> {
    let missing = |key: &str| Fault::at(raw, format!("a filter of type {name} needs {key}"));
    match name {
        "anon" => Ok(FilterKind::Anon),
        "active" => Ok(FilterKind::Active),
        "young" => Ok(FilterKind::Young),
        "unmapped" => Ok(FilterKind::Unmapped),
        "memcg" => memcg(raw.value.memcg_path.as_ref(), names)?.ok_or_else(|| missing("memcg_path: /NAME")),
        "addr" => {
            let place = raw.value.address_range.as_ref();
            let place = place.ok_or_else(|| missing("address_range: {node: N} or {start: .., end: ..}"))?;
            one_range(place, names).map(FilterKind::Addr)
        }
        "target" => {
            let index = raw.value.damon_target_idx.as_ref().ok_or_else(|| missing("damon_target_idx: N"))?;
            match u32::try_from(index.value.0) {
                Ok(target) if (target as usize) < targets => Ok(FilterKind::Target(target)),
                _ => Err(Fault::at(
                    index,
                    format!("there is no target {}; there are {targets}", index.value.0),
                )),
            }
        }
        "probe_hits_wsum" => {
            let key = "probe_hits_wsum_range";
            let place = raw.value.probe_hits_wsum_range.as_ref();
            let place = place.ok_or_else(|| missing("probe_hits_wsum_range: [MIN, MAX]"))?;
            ends(place, key, |end| end.0).map(FilterKind::ProbeHitsWsum)
        }
        _ => {
            let place =
                raw.value.hugepage_size.as_ref().ok_or_else(|| missing("hugepage_size: [MIN, MAX]"))?;
            ends(place, "hugepage_size", |end| end.0).map(FilterKind::HugepageSize)
        }
    }
}

fn memcg(raw: Option<&At<Scalar>>, names: &Names) -> Checked<Option<FilterKind>> {
    let Some(raw) = raw.filter(|raw| !raw.value.0.is_empty()) else { return Ok(None) };
    let path = path(raw)?;
    names.memcg(raw)?;
    Ok(Some(FilterKind::Memcg(path)))
}

/// The path of a memory cgroup below the cgroup root. Empty is what damo writes for none.
pub(super) fn path(raw: &At<Scalar>) -> Checked<String> {
    let text = &raw.value.0;
    if !text.is_empty() && (!text.starts_with('/') || text.chars().any(char::is_control)) {
        return Err(Fault::at(raw, "a memory cgroup's path begins with '/' and has no control characters"));
    }
    Ok(text.clone())
}

fn ends<T>(raw: &At<Vec<At<T>>>, key: &str, number: impl Fn(&T) -> u64) -> Checked<Range> {
    match raw.value.as_slice() {
        [min, max] => range_of(min, number(&min.value), number(&max.value), key),
        _ => Err(Fault::at(raw, format!("{key} is [MIN, MAX]"))),
    }
}

fn range_of<T>(place: &At<T>, min: u64, max: u64, key: &str) -> Checked<Range> {
    match min <= max {
        true => Ok(Range { min, max }),
        false => Err(Fault::at(place, format!("the minimum of {key} is above its maximum"))),
    }
}

/// `monitoring_attrs/probes`.
pub(super) fn probes(raw: &[At<RawProbe>], words: &Vocabulary<'_>) -> Checked<Vec<Probe>> {
    if let Some(one_too_many) = raw.get(MAX_PROBES) {
        return Err(Fault::at(one_too_many, format!("the kernel takes {MAX_PROBES} probes")));
    }
    raw.iter().map(|raw| probe(&raw.value, words)).collect()
}

fn probe(raw: &RawProbe, words: &Vocabulary<'_>) -> Checked<Probe> {
    let preps = raw.preps.iter().map(|prep| known(&prep.prep_action, PREP_ACTIONS, "prep action"));
    let preps = preps.map(|action| action.map(str::to_owned)).collect::<Checked<Vec<_>>>()?;
    let weight = match &raw.weight {
        None => 0,
        Some(weight) => {
            u32::try_from(weight.value.0).map_err(|_| Fault::at(weight, "a weight has 32 bits"))?
        }
    };
    let filters = raw.filters.iter().map(|raw| probe_filter(raw, words)).collect::<Checked<Vec<_>>>()?;
    Ok(Probe { preps, weight, filters })
}

fn probe_filter(raw: &At<RawProbeFilter>, words: &Vocabulary<'_>) -> Checked<Filter> {
    let kind = match raw.value.filter_type.value.0.as_str() {
        "anon" => FilterKind::Anon,
        "memcg" => memcg(raw.value.path.as_ref(), words)?
            .ok_or_else(|| Fault::at(raw, "a probe's filter of type memcg needs path: /NAME"))?,
        own if words.introduced.layers(own).contains(&FilterLayer::Probe) => {
            FilterKind::Introduced { name: own.to_owned(), layer: FilterLayer::Probe }
        }
        "pgidle_set" => FilterKind::PgidleSet,
        "pgidle_unset" => FilterKind::PgidleUnset,
        "hugepage_size" => match (&raw.value.range_min, &raw.value.range_max) {
            (Some(min), Some(max)) => {
                FilterKind::HugepageSize(range_of(min, min.value.0, max.value.0, "hugepage_size")?)
            }
            // `quirks` says so.
            (None, None) => FilterKind::HugepageSize(Range { min: 0, max: 0 }),
            _ => return Err(Fault::at(raw, "range_min and range_max belong together")),
        },
        other => {
            let how =
                format!("if a patch adds it: introduces: {{filters: [{{name: {other}, folder: probe}}]}}");
            return Err(Fault::at(&raw.value.filter_type, format!("a probe takes no filter '{other}'"))
                .known(other, PROBE_FILTERS)
                .or_help(&how));
        }
    };
    Ok(Filter { kind, matching: raw.value.matching.value.0, allow: raw.value.allow.given_or(false) })
}
