//! What a kernel's DAMON has and this damonlab does not know: what is left of all that the kernel shows, and of the words of its
//! source, without those of Linux 7.3 and before. Pure.

use super::features::keywords_of;
use super::releases::known_files;
use super::source_words::{COMMAND, FILE};
use crate::subject::damon::events::Event;
use damonlab_protocol::inventory::Inventory;
use std::collections::BTreeSet;
use std::sync::LazyLock;

/// What a kdamond's `state` takes.
const COMMANDS: &[&str] = &[
    "on",
    "off",
    "commit",
    "commit_schemes_quota_goals",
    "update_schemes_stats",
    "update_schemes_tried_bytes",
    "update_schemes_tried_regions",
    "clear_schemes_tried_regions",
    "update_schemes_effective_quotas",
    "update_tuned_intervals",
];

static FILES: LazyLock<BTreeSet<&'static str>> = LazyLock::new(|| known_files().collect());

static NAMES: LazyLock<BTreeSet<&'static str>> =
    LazyLock::new(|| FILES.iter().filter_map(|path| path.rsplit('/').next()).collect());

/// What a running kernel shows and this damonlab does not know, named like features and sorted.
pub(crate) fn unknown_shown(inventory: &Inventory) -> BTreeSet<String> {
    let named = |kind: &str, names: &[String]| -> Vec<String> {
        names.iter().map(|name| format!("{kind}.{name}")).collect()
    };
    let new = |names: &[String]| -> Vec<String> {
        names.iter().filter(|name| !FILES.contains(name.as_str())).cloned().collect()
    };
    let words = [named("tracepoint", &inventory.tracepoints), named("ops", &inventory.operations)].concat();
    let mut unknown = unknown_words(&words);
    unknown.extend(named("sysfs", &new(&inventory.files)));
    unknown.extend(named("parameter", &new(&inventory.parameters)));
    unknown
}

/// Those of `words`, `KIND.WORD` each, that this damonlab does not know. A file is known by its name in any folder.
pub(crate) fn unknown_words(words: &[String]) -> BTreeSet<String> {
    words.iter().filter(|word| !is_known(word)).cloned().collect()
}

fn is_known(word: &str) -> bool {
    match word.split_once('.') {
        Some(("tracepoint", name)) => Event::KNOWN.contains(&name),
        Some((FILE, name)) => NAMES.contains(name),
        Some((COMMAND, name)) => COMMANDS.contains(&name),
        Some((kind, name)) => keywords_of(kind).is_some_and(|known| known.contains(&name)),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strings(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn what_linux_7_3_has_is_known_and_the_rest_is_named_like_features() {
        let inventory = Inventory {
            tracepoints: strings(&["damos_esz", "damos_hot_mem_bp"]),
            files: strings(&["contexts/0/operations", "contexts/0/schemes/0/filters/0/colour"]),
            parameters: strings(&["damon_stat/enabled", "damon_stat/x"]),
            operations: strings(&["paddr", "perf"]),
            left_out: 0,
        };
        let unknown: Vec<String> = unknown_shown(&inventory).into_iter().collect();
        assert_eq!(
            unknown,
            [
                "ops.perf",
                "parameter.damon_stat/x",
                "sysfs.contexts/0/schemes/0/filters/0/colour",
                "tracepoint.damos_hot_mem_bp"
            ]
        );
    }

    #[test]
    fn a_word_of_the_source_is_known_by_its_kind() {
        let words = strings(&[
            "goal.user_input",
            "goal.node",
            "filter.anon",
            "command.on",
            "command.fly",
            "file.min",
            "kind.x",
            "?",
        ]);
        let unknown: Vec<String> = unknown_words(&words).into_iter().collect();
        assert_eq!(unknown, ["?", "command.fly", "goal.node", "kind.x"]);
    }
}
