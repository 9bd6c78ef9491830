//! What a scenario may lose or have simpler, the largest first. Pure; whether what is left is valid is for the reader to say.

use super::place::{Path, at, at_mut, containers};
use super::plain::plainer;
use super::step_reductions::{apart, from_a_commit_on};
use super::tree::Tree;
use std::collections::HashSet;

/// A smaller or plainer scenario, and how much smaller it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reduction {
    pub(super) tree: Tree,
    pub(super) saved: usize,
}

/// The keys without which nothing is a scenario.
const KEPT: &[&str] = &["version", "summary", "machine", "steps", "clocks"];

/// Everything that can be left out, the largest first. Of two that save the same, the one that comes first in the file.
pub(super) fn deletions(tree: &Tree) -> Vec<Reduction> {
    let (mut found, mut known) = (Vec::new(), HashSet::new());
    let size = tree.size();
    let mut add = |smaller: Tree| {
        let saved = size.saturating_sub(smaller.size());
        if saved > 0 && known.insert(smaller.clone()) {
            found.push(Reduction { tree: smaller, saved });
        }
    };
    numbered_parts(tree).into_iter().for_each(&mut add);
    from_a_commit_on(tree).into_iter().for_each(&mut add);
    apart(tree).into_iter().for_each(&mut add);
    keys_everywhere(tree).into_iter().for_each(&mut add);
    for path in containers(tree) {
        cuts(tree, &path).into_iter().for_each(&mut add);
    }
    found.sort_by_key(|reduction| std::cmp::Reverse(reduction.saved));
    found
}

/// Everything that can be plainer, all at once first, then by key, then one by one.
pub(super) fn simplifications(tree: &Tree) -> Vec<Reduction> {
    let mut found: Vec<Tree> = Vec::new();
    let mut add = |simpler: Tree| {
        if simpler != *tree && !found.contains(&simpler) {
            found.push(simpler);
        }
    };
    let all = leaves(tree);
    add(with_plain(tree, &all, |_| true));
    let mut keys: Vec<&str> = all.iter().map(|(_, key)| key.as_str()).collect();
    keys.sort_unstable();
    keys.dedup();
    for key in keys {
        add(with_plain(tree, &all, |(_, own)| own == key));
    }
    for leaf in &all {
        add(with_plain(tree, std::slice::from_ref(leaf), |_| true));
    }
    found.into_iter().map(|tree| Reduction { tree, saved: 0 }).collect()
}

/// The tree without runs of items of one list, or without one key of one mapping.
fn cuts(tree: &Tree, path: &[usize]) -> Vec<Tree> {
    let without = |cut: &dyn Fn(&mut Tree)| {
        let mut smaller = tree.clone();
        if let Some(place) = at_mut(&mut smaller, path) {
            cut(place);
        }
        smaller
    };
    match at(tree, path) {
        Some(Tree::List(items)) => runs(items.len())
            .into_iter()
            .map(|(start, end)| {
                without(&|place| {
                    if let Tree::List(items) = place {
                        items.drain(start..end);
                    }
                })
            })
            .collect(),
        Some(Tree::Map(entries)) => (0..entries.len())
            .filter(|index| !path.is_empty() || !KEPT.contains(&entries[*index].0.as_str()))
            .map(|index| {
                without(&|place| {
                    if let Tree::Map(entries) = place {
                        entries.remove(index);
                    }
                })
            })
            .collect(),
        _ => Vec::new(),
    }
}

/// Runs of items: all, halves, quarters, down to single ones, and all but one.
fn runs(count: usize) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let mut length = count;
    while length > 0 {
        found.extend((0..count).step_by(length).map(|start| (start, (start + length).min(count))));
        length /= 2;
    }
    // Neighbours, for steps that belong together: a pause, a run, and what ends the pause.
    for length in [3, 2] {
        found.extend((0..(count + 1).saturating_sub(length)).map(|start| (start, start + length)));
    }
    found
}

/// The tree without all values of one key, wherever they stand.
fn keys_everywhere(tree: &Tree) -> Vec<Tree> {
    fn keys(tree: &Tree, found: &mut Vec<String>) {
        match tree {
            Tree::Map(entries) => entries.iter().for_each(|(key, value)| {
                if !found.contains(key) {
                    found.push(key.clone());
                }
                keys(value, found);
            }),
            Tree::List(items) => items.iter().for_each(|item| keys(item, found)),
            Tree::Null | Tree::Leaf(_) => {}
        }
    }
    fn without(tree: &Tree, gone: &str) -> Tree {
        match tree {
            Tree::Map(entries) => {
                let left = entries.iter().filter(|(key, _)| key != gone);
                Tree::Map(left.map(|(key, value)| (key.clone(), without(value, gone))).collect())
            }
            Tree::List(items) => {
                // A step without its only key is no step.
                let left = items.iter().map(|item| (item, without(item, gone)));
                let is_empty = |tree: &Tree| matches!(tree, Tree::Map(entries) if entries.is_empty());
                Tree::List(
                    left.filter(|(old, new)| !is_empty(new) || is_empty(old)).map(|(_, new)| new).collect(),
                )
            }
            other => other.clone(),
        }
    }
    let mut all = Vec::new();
    keys(tree, &mut all);
    all.iter().filter(|key| !KEPT.contains(&key.as_str())).map(|key| without(tree, key)).collect()
}

/// The configurations of a scenario: that of `damon`, and those of its commits.
fn configurations(tree: &Tree) -> Vec<Path> {
    let is_one = |path: &Path| {
        let parent = path.split_last().and_then(|(index, parent)| Some((at(tree, parent)?, index)));
        matches!(parent, Some((Tree::Map(entries), index)) if entries[*index].0 == "kdamonds")
    };
    containers(tree).into_iter().filter(is_one).collect()
}

/// What has to go from several places at once: a kdamond by its place, a workload by its name.
fn numbered_parts(tree: &Tree) -> Vec<Tree> {
    let mut found = Vec::new();
    let lists = configurations(tree);
    let count = lists.first().and_then(|path| at(tree, path)).map_or(0, |list| list.items().len());
    for index in (0..count).filter(|_| count > 1) {
        let mut smaller = tree.clone();
        for path in &lists {
            if let Some(Tree::List(items)) = at_mut(&mut smaller, path)
                && index < items.len()
            {
                items.remove(index);
            }
        }
        found.push(without_kdamond(&smaller, index));
    }
    for workload in tree.get("workloads").map(Tree::items).unwrap_or_default() {
        if let Some(Tree::Leaf(name)) = workload.get("name") {
            found.push(without_name(tree, name));
        }
    }
    found
}

/// Goals that are committed to a kdamond that is gone go, those of later ones move up.
fn without_kdamond(tree: &Tree, gone: usize) -> Tree {
    map_lists(tree, &|item| {
        let Some(Tree::Leaf(_)) = item.get("scheme") else { return Some(item.clone()) };
        let kdamond = match item.get("kdamond") {
            Some(Tree::Leaf(text)) => text.parse().unwrap_or(0),
            _ => 0,
        };
        match kdamond {
            own if own == gone => None,
            own if own < gone => Some(item.clone()),
            own => {
                let mut item = item.clone();
                item.set_in_place("kdamond", (own as u64 - 1).into());
                Some(item)
            }
        }
    })
}

/// Without a workload, the targets that monitor it and the steps that change it.
fn without_name(tree: &Tree, name: &str) -> Tree {
    let is = |tree: Option<&Tree>| matches!(tree, Some(Tree::Leaf(text)) if text == name);
    map_lists(tree, &|item| {
        let target = item.get("pid").is_some_and(|pid| is(pid.get("workload")));
        let step = item.get("workload").is_some_and(|step| is(step.get("name")));
        (!is(item.get("name")) && !target && !step).then(|| item.clone())
    })
}

/// The tree with every item of every list replaced, or left out. What becomes a retarget of nothing is left out too.
fn map_lists(tree: &Tree, replace: &dyn Fn(&Tree) -> Option<Tree>) -> Tree {
    match tree {
        Tree::List(items) => {
            let is_nothing = |item: &Tree| item.get("retarget").is_some_and(|list| list.items().is_empty());
            let items = items.iter().filter_map(replace).map(|item| map_lists(&item, replace));
            Tree::List(items.filter(|item| !is_nothing(item)).collect())
        }
        Tree::Map(entries) => {
            let entries = entries.iter().map(|(key, value)| (key.clone(), map_lists(value, replace)));
            Tree::Map(entries.collect())
        }
        other => other.clone(),
    }
}

/// Every single value with the key that it belongs to, but for those that only name something.
fn leaves(tree: &Tree) -> Vec<(Path, String)> {
    fn walk(tree: &Tree, key: &str, path: &mut Path, found: &mut Vec<(Path, String)>) {
        match tree {
            Tree::Null => {}
            Tree::Leaf(_) => found.push((path.clone(), key.to_owned())),
            Tree::List(items) => items.iter().enumerate().for_each(|(index, item)| {
                path.push(index);
                walk(item, key, path, found);
                path.pop();
            }),
            Tree::Map(entries) => entries.iter().enumerate().for_each(|(index, (own, value))| {
                path.push(index);
                // The ends of a range are about its key.
                let key = if own == "min" || own == "max" { format!("{key}.{own}") } else { own.clone() };
                walk(value, &key, path, found);
                path.pop();
            }),
        }
    }
    let mut found = Vec::new();
    walk(tree, "", &mut Vec::new(), &mut found);
    found
}

/// The tree with plain values at some of the places.
fn with_plain(tree: &Tree, places: &[(Path, String)], wanted: impl Fn(&(Path, String)) -> bool) -> Tree {
    let mut simpler = tree.clone();
    for place in places.iter().filter(|place| wanted(place)) {
        if let Some(Tree::Leaf(text)) = at_mut(&mut simpler, &place.0)
            && let Some(plain) = plainer(&place.1, text)
        {
            *text = plain;
        }
    }
    simpler
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(text: &str) -> Tree {
        Tree::read("test.yaml", text).unwrap()
    }

    fn texts(reductions: Vec<Reduction>) -> Vec<String> {
        reductions.into_iter().map(|reduction| reduction.tree.text()).collect()
    }

    #[test]
    fn the_largest_part_goes_first() {
        let all = deletions(&tree("a: {x: 1, y: 2, z: 3}\nb: [1]\nc: 1\n"));
        assert_eq!(all[0].tree.text(), "b: [1]\nc: 1\n");
        assert!(all.windows(2).all(|pair| pair[0].saved >= pair[1].saved));
    }

    #[test]
    fn a_kdamond_goes_from_the_start_and_from_every_commit() {
        let all = texts(deletions(&tree(
            "damon: {kdamonds: [a, b]}\nsteps: [start, commit: {kdamonds: [c, d]}, \
             retarget: [{scheme: 0, kdamond: 1, goals: []}]]\n",
        )));
        let wanted = "damon: {kdamonds: [b]}\nsteps:\n  - start\n  - {commit: {kdamonds: [d]}}\n  \
                      - {retarget: [{scheme: 0, kdamond: 0, goals: []}]}\n";
        assert!(all.iter().any(|text| text == wanted), "{all:#?}");
    }

    #[test]
    fn a_workload_goes_with_its_targets_and_its_steps() {
        let all = texts(deletions(&tree(
            "workloads: [{name: w0}, {name: w1}]\ntargets: [{pid: {workload: w0}}, {pid: {workload: w1}}]\n\
             steps: [start, {workload: {name: w0, hot: 50%}}, stop]\n",
        )));
        let wanted =
            "workloads: [{name: w1}]\ntargets: [{pid: {workload: w1}}]\nsteps:\n  - start\n  - stop\n";
        assert!(all.iter().any(|text| text == wanted), "{all:#?}");
    }

    #[test]
    fn steps_at_once_may_be_fewer_and_less_often() {
        let all = texts(deletions(&tree(
            "steps: [start, together: [{read_back: null, times: 5}, {offline: {node: 1}}, stop], stop]\n",
        )));
        for fewer in
            ["[{read_back: null}, {offline: {node: 1}}, stop]", "[{read_back: null, times: 5}, stop]"]
        {
            let text = format!("steps:\n  - start\n  - {{together: {fewer}}}\n  - stop\n");
            assert!(all.contains(&text), "{text}\n{all:#?}");
        }
    }

    #[test]
    fn values_become_plain_all_at_once_and_then_by_key() {
        let all = texts(simplifications(&tree("sz_bytes: 1048575\nevery: 15ms\n")));
        assert_eq!(all[0], "sz_bytes: 1 MiB\nevery: 40ms\n");
        assert!(all.contains(&"sz_bytes: 1048575\nevery: 40ms\n".to_owned()), "{all:#?}");
    }
}
