//! Which files, keywords and tracepoints of DAMON the series of Linux are known to have: two tables of what was measured. A
//! kernel of such a series that misses one has lost it. Pure.

use damonlab_protocol::damon::{DamonProbe, file_feature};
use damonlab_protocol::kernel_feature::{FeatureProbe, KernelFeature};
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// The files of a kdamond and the parameters of DAMON's modules.
const FILES: &str = include_str!("known_files.txt");

/// Keywords and tracepoints, named like features.
const WORDS: &str = include_str!("known_words.txt");

/// The newest series that was measured. A newer one may have dropped what older ones had.
const NEWEST: Series = (7, 3);

/// `7.3`.
pub(crate) type Series = (u32, u32);

static SINCE: LazyLock<BTreeMap<String, Series>> = LazyLock::new(|| {
    let files = rows(FILES).map(|(path, since)| (file_feature(path), since));
    let words = rows(WORDS).map(|(word, since)| (word.to_owned(), since));
    files.chain(words).filter_map(|(name, since)| Some((name, since?))).collect()
});

/// The paths of all known files.
pub(super) fn known_files() -> impl Iterator<Item = &'static str> {
    rows(FILES).map(|(path, _)| path)
}

/// The oldest series that is known to have `feature`, if each kernel of `series` has it too.
pub(crate) fn known_since(feature: &KernelFeature, series: Series) -> Option<Series> {
    let name = match feature.probe()? {
        FeatureProbe::Damon(DamonProbe::File(path)) => file_feature(path),
        _ => feature.to_string(),
    };
    SINCE.get(&name).copied().filter(|since| (*since..=NEWEST).contains(&series))
}

/// The rows of a table: a name, and the oldest series that is known to have it.
fn rows(table: &'static str) -> impl Iterator<Item = (&'static str, Option<Series>)> {
    table.lines().filter(|line| !line.starts_with('#') && !line.is_empty()).map(|line| {
        match line.split_once(' ') {
            Some((name, since)) => (name, series(since)),
            None => (line, None),
        }
    })
}

fn series(text: &str) -> Option<Series> {
    let (major, minor) = text.trim().split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::super::features::{all_features, keywords_of};
    use super::*;

    fn since(name: &str, in_series: Series) -> Option<Series> {
        known_since(&KernelFeature::parse(name).unwrap(), in_series)
    }

    #[test]
    fn a_feature_is_known_from_its_first_series_to_the_newest_that_was_measured() {
        assert_eq!(since("goal.user_input", (6, 12)), Some((6, 12)));
        assert_eq!(since("goal.node_mem_used_bp", (6, 12)), None);
        assert_eq!(since("goal.node_mem_used_bp", (7, 3)), Some((7, 2)));
        assert_eq!(since("goal.user_input", (7, 4)), None, "it was not measured");
        assert_eq!(since("tracepoint.damos_esz", (7, 3)), Some((7, 2)));
    }

    #[test]
    fn a_file_is_known_by_its_path_and_by_its_name_as_a_feature() {
        assert_eq!(since("pause", (7, 3)), Some((7, 2)));
        assert_eq!(since("sysfs.contexts/0/pause", (7, 3)), Some((7, 2)));
        assert_eq!(since("probe_weight", (7, 2)), None);
        assert_eq!(since("probe_weight", (7, 3)), Some((7, 3)));
    }

    #[test]
    fn what_comes_with_a_patch_a_module_or_a_configuration_is_known_of_no_series() {
        for name in [
            "tracepoint.damos_node_eligible_mem_bp",
            "complement",
            "module.damon_stat",
            "ops.paddr",
            "goal.my_bp",
            "sysfs.contexts/0/schemes/0/mine",
            "/proc/sys/vm/swappiness",
        ] {
            assert_eq!(since(name, NEWEST), None, "{name}");
        }
    }

    #[test]
    fn each_row_has_a_series_that_can_be_read_and_a_word_that_damonlab_knows() {
        let all: Vec<String> = all_features().iter().map(ToString::to_string).collect();
        for (word, since) in rows(WORDS) {
            assert!(since.is_some() && all.iter().any(|one| one == word), "{word}");
        }
        for kind in ["action", "tuner", "goal", "watermark"] {
            for word in keywords_of(kind).unwrap() {
                assert!(since(&format!("{kind}.{word}"), NEWEST).is_some(), "{kind}.{word} has no row");
            }
        }
        let files = FILES.lines().filter(|line| !line.starts_with('#') && line.contains(' '));
        assert_eq!(rows(FILES).filter(|(_, since)| since.is_some()).count(), files.count());
    }
}
