//! Variations of a scenario: parts of another one in it, or parts left out. Pure; whether what comes of it is valid is for
//! the reader to say.

use super::place::{Path, at, at_mut};
use super::reductions::deletions;
use super::tree::Tree;
use crate::scenario::Draw;

/// The keys at the top that say nothing about what happens.
const FRAME: &[&str] = &["version", "summary", "clocks"];

/// The keys at the top of a scenario that a person wrote whose parts fit elsewhere.
const SHARED: &[&str] = &["damon", "steps"];

/// A scenario with this key has something in it that the kernel must refuse.
const REFUSED: &str = "refused";

/// The step that waits: for some scenarios so many windows that a run takes minutes.
const WAIT: &str = "run";

/// What can be put into a scenario, or replaced in it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Part {
    place: Path,
    /// The key that it belongs to: its own, or that of its list.
    key: String,
    /// Whether it is an item of a list.
    is_item: bool,
}

/// How a scenario changes.
#[derive(Debug, Clone, Copy)]
enum Change {
    /// A part becomes one of the donor's for the same key.
    Replace,
    /// A list gets an item of the donor's for the same key.
    Insert,
    /// A mapping gets a key that the donor's for the same key has.
    Add,
    /// A part is left out.
    LeaveOut,
}

/// How often each change is drawn.
const CHANGES: &[(u32, Change)] =
    &[(5, Change::Replace), (3, Change::Insert), (3, Change::Add), (1, Change::LeaveOut)];

/// How many changes a variation has.
const COUNTS: &[(u32, usize)] = &[(4, 1), (3, 2), (2, 4)];

/// `tree` with one or more changes, for which `donor` gives parts. A change for which there is no part is left out.
pub(super) fn vary(tree: &Tree, donor: &Tree, draw: &mut Draw) -> Tree {
    let mut varied = tree.clone();
    for _ in 0..*draw.weighted(COUNTS) {
        let changed = match draw.weighted(CHANGES) {
            Change::Replace => replace(&varied, donor, draw),
            Change::Insert => insert(&varied, donor, draw),
            Change::Add => add(&varied, donor, draw),
            Change::LeaveOut => leave_out(&varied, draw),
        };
        varied = changed.unwrap_or(varied);
    }
    varied
}

/// What other scenarios can take from one that a person wrote; nothing where that is nothing.
pub(super) fn shared(tree: &Tree) -> Option<Tree> {
    let Tree::Map(entries) = tree else { return None };
    if has_key(tree, REFUSED) {
        return None;
    }
    let shared = entries.iter().filter(|(key, _)| SHARED.contains(&key.as_str()));
    let left: Vec<(String, Tree)> = shared
        .map(|(key, value)| match value {
            Tree::List(items) => {
                let items = items.iter().filter(|item| !has_key(item, WAIT));
                (key.clone(), Tree::List(items.cloned().collect()))
            }
            other => (key.clone(), other.clone()),
        })
        .collect();
    (!left.is_empty()).then_some(Tree::Map(left))
}

/// Whether a key stands anywhere in the tree.
fn has_key(tree: &Tree, wanted: &str) -> bool {
    match tree {
        Tree::Map(entries) => entries.iter().any(|(key, value)| key == wanted || has_key(value, wanted)),
        Tree::List(items) => items.iter().any(|item| has_key(item, wanted)),
        Tree::Null | Tree::Leaf(_) => false,
    }
}

/// Whether each memory cgroup that it names has a workload. The reader allows others, and the kernel refuses to start DAMON
/// with a goal for one, so a variation that brings one in from another scenario would be no finding.
pub(super) fn names_known_memcgs(tree: &Tree) -> bool {
    fn named<'a>(tree: &'a Tree, found: &mut Vec<&'a Tree>) {
        match tree {
            Tree::Map(entries) => {
                let is_memcg = tree.get("filter_type") == Some(&"memcg".into());
                for (key, value) in entries {
                    if key == "memcg_path" || is_memcg && key == "path" {
                        found.push(value);
                    }
                    named(value, found);
                }
            }
            Tree::List(items) => items.iter().for_each(|item| named(item, found)),
            Tree::Null | Tree::Leaf(_) => {}
        }
    }
    let workloads = tree.get("workloads").map(Tree::items).unwrap_or_default();
    let mut found = Vec::new();
    named(tree, &mut found);
    found.iter().all(|path| workloads.iter().any(|workload| workload.get("memcg") == Some(path)))
}

/// Every part below the top, but for the frame.
fn parts(tree: &Tree) -> Vec<Part> {
    fn walk(tree: &Tree, key: &str, place: &mut Path, found: &mut Vec<Part>) {
        let inner: Vec<(&str, &Tree)> = match tree {
            Tree::Map(entries) => entries.iter().map(|(own, value)| (own.as_str(), value)).collect(),
            Tree::List(items) => items.iter().map(|item| (key, item)).collect(),
            Tree::Null | Tree::Leaf(_) => Vec::new(),
        };
        for (index, (own, value)) in inner.into_iter().enumerate() {
            if place.is_empty() && FRAME.contains(&own) {
                continue;
            }
            place.push(index);
            let is_item = matches!(tree, Tree::List(_));
            found.push(Part { place: place.clone(), key: own.to_owned(), is_item });
            walk(value, own, place, found);
            place.pop();
        }
    }
    let mut found = Vec::new();
    walk(tree, "", &mut Vec::new(), &mut found);
    found
}

/// One of `mine` that has at least one of `theirs`, and one of those.
fn pair<T, U>(
    mine: Vec<T>,
    theirs: &[U],
    fits: impl Fn(&T, &U) -> bool,
    draw: &mut Draw,
) -> Option<(T, usize)> {
    let mut fitting: Vec<(T, Vec<usize>)> = Vec::new();
    for one in mine {
        let of_it: Vec<usize> = (0..theirs.len()).filter(|index| fits(&one, &theirs[*index])).collect();
        if !of_it.is_empty() {
            fitting.push((one, of_it));
        }
    }
    if fitting.is_empty() {
        return None;
    }
    let (one, of_it) = fitting.swap_remove(draw.index(fitting.len()));
    Some((one, *draw.pick(&of_it)))
}

fn replace(tree: &Tree, donor: &Tree, draw: &mut Draw) -> Option<Tree> {
    let theirs = parts(donor);
    let fits = |mine: &Part, their: &Part| {
        mine.key == their.key
            && mine.is_item == their.is_item
            && at(tree, &mine.place) != at(donor, &their.place)
    };
    let (mine, their) = pair(parts(tree), &theirs, fits, draw)?;
    let mut varied = tree.clone();
    *at_mut(&mut varied, &mine.place)? = at(donor, &theirs[their].place)?.clone();
    Some(varied)
}

fn insert(tree: &Tree, donor: &Tree, draw: &mut Draw) -> Option<Tree> {
    let mut lists = parts(tree);
    lists.retain(|part| matches!(at(tree, &part.place), Some(Tree::List(_))));
    let mut items = parts(donor);
    items.retain(|part| part.is_item);
    let (list, item) = pair(lists, &items, |list, item| list.key == item.key, draw)?;
    let mut varied = tree.clone();
    if let Some(Tree::List(own)) = at_mut(&mut varied, &list.place) {
        let place = draw.index(own.len() + 1);
        own.insert(place, at(donor, &items[item].place)?.clone());
    }
    Some(varied)
}

fn add(tree: &Tree, donor: &Tree, draw: &mut Draw) -> Option<Tree> {
    let is_map = |tree: &Tree, part: &Part| matches!(at(tree, &part.place), Some(Tree::Map(_)));
    let mut maps = parts(tree);
    maps.retain(|part| is_map(tree, part));
    // The entries of the donor's mappings, each with the key of its mapping.
    let mut entries: Vec<(String, &str, &Tree)> = Vec::new();
    for part in parts(donor).iter().filter(|part| is_map(donor, part)) {
        if let Some(Tree::Map(own)) = at(donor, &part.place) {
            entries.extend(own.iter().map(|(key, value)| (part.key.clone(), key.as_str(), value)));
        }
    }
    let is_missing = |map: &Part, (of, key, _): &(String, &str, &Tree)| {
        *of == map.key && at(tree, &map.place).is_some_and(|map| map.get(key).is_none())
    };
    let (map, entry) = pair(maps, &entries, is_missing, draw)?;
    let mut varied = tree.clone();
    let (_, key, value) = &entries[entry];
    at_mut(&mut varied, &map.place)?.set(key, (*value).clone());
    Some(varied)
}

fn leave_out(tree: &Tree, draw: &mut Draw) -> Option<Tree> {
    let mut all = deletions(tree);
    if all.is_empty() { None } else { Some(all.swap_remove(draw.index(all.len())).tree) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(text: &str) -> Tree {
        Tree::read("test.yaml", text).unwrap()
    }

    /// What one change makes of two scenarios, over many draws.
    fn all(change: fn(&Tree, &Tree, &mut Draw) -> Option<Tree>, mine: &str, donor: &str) -> Vec<String> {
        let draws = (0..50).map(|number| Draw::of(0, number, "vary"));
        let mut texts: Vec<String> = draws
            .filter_map(|mut draw| change(&tree(mine), &tree(donor), &mut draw))
            .map(|tree| tree.text())
            .collect();
        texts.sort();
        texts.dedup();
        texts
    }

    const MINE: &str = "version: 1\nquotas: {ms: 1}\nsteps: [start, stop]\n";

    #[test]
    fn a_part_is_replaced_by_one_of_the_same_key_and_the_frame_stays() {
        let texts = all(replace, MINE, "version: 2\na: {quotas: {ms: 7, b: 1}}\n");
        let wanted = ["quotas: {ms: 7, b: 1}", "quotas: {ms: 7}"];
        assert_eq!(
            texts,
            wanted.map(|quotas| format!("version: 1\n{quotas}\nsteps:\n  - start\n  - stop\n"))
        );
    }

    #[test]
    fn a_list_gets_an_item_at_any_place_and_a_mapping_a_key_that_it_does_not_have() {
        let donor = "quotas: {ms: 7, b: 1}\nsteps: [pause]\n";
        let texts = all(insert, MINE, donor);
        assert_eq!(texts.len(), 3, "{texts:#?}");
        assert!(texts.iter().all(|text| text.contains("  - pause\n")), "{texts:#?}");
        let texts = all(add, MINE, donor);
        assert_eq!(texts, ["version: 1\nquotas: {ms: 1, b: 1}\nsteps:\n  - start\n  - stop\n"]);
    }

    #[test]
    fn of_a_scenario_that_a_person_wrote_only_what_fits_elsewhere_is_shared() {
        let text = "version: 1\nworkloads: [{name: a}]\ndamon: {kdamonds: [1]}\nexpect: [{count: 3}]\n\
                    steps: [start, run: {windows: 60}, pause]\n";
        let left = "damon: {kdamonds: [1]}\nsteps:\n  - start\n  - pause\n";
        assert_eq!(shared(&tree(text)).unwrap().text(), left);
        assert_eq!(shared(&tree("version: 1\n")), None);
        // Its configuration may be what the kernel refuses.
        assert_eq!(shared(&tree("damon: {kdamonds: [1]}\nsteps: [start: {refused: EINVAL}]\n")), None);
    }

    #[test]
    fn a_memory_cgroup_without_a_workload_is_noticed_in_goals_and_in_both_kinds_of_filters() {
        let of = |rest: &str| names_known_memcgs(&tree(&format!("workloads: [{{memcg: /a}}]\n{rest}")));
        assert!(of("goals: [{memcg_path: /a}]\nfilters: [{filter_type: memcg, path: /a}]\n"));
        assert!(of("steps: [{write: {path: /sys/x}}]\n"));
        assert!(!of("goals: [{memcg_path: /b}]\n"));
        assert!(!of("filters: [{filter_type: memcg, path: /b}]\n"));
    }

    #[test]
    fn a_donor_with_nothing_in_common_changes_nothing() {
        for change in [replace, insert, add] {
            assert_eq!(all(change, MINE, "x: {y: 1}\n"), [""; 0]);
        }
    }
}
