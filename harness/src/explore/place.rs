//! Places in a tree. Pure.

use super::tree::Tree;

/// A place in a tree: for each level the index of the item or of the entry.
pub(super) type Path = Vec<usize>;

fn child(tree: &Tree, index: usize) -> Option<&Tree> {
    match tree {
        Tree::List(items) => items.get(index),
        Tree::Map(entries) => entries.get(index).map(|(_, value)| value),
        Tree::Null | Tree::Leaf(_) => None,
    }
}

/// What stands at a place.
pub(super) fn at<'a>(tree: &'a Tree, path: &[usize]) -> Option<&'a Tree> {
    path.iter().try_fold(tree, |tree, index| child(tree, *index))
}

/// What stands at a place, to be changed.
pub(super) fn at_mut<'a>(tree: &'a mut Tree, path: &[usize]) -> Option<&'a mut Tree> {
    path.iter().try_fold(tree, |tree, index| match tree {
        Tree::List(items) => items.get_mut(*index),
        Tree::Map(entries) => entries.get_mut(*index).map(|(_, value)| value),
        Tree::Null | Tree::Leaf(_) => None,
    })
}

/// Every list and mapping, the outer ones first.
pub(super) fn containers(tree: &Tree) -> Vec<Path> {
    let mut found: Vec<Path> = vec![Vec::new()];
    let mut next = 0;
    while let Some(path) = found.get(next).cloned() {
        next += 1;
        let count = match at(tree, &path) {
            Some(Tree::List(items)) => items.len(),
            Some(Tree::Map(entries)) => entries.len(),
            _ => 0,
        };
        for index in 0..count {
            let inner: Path = path.iter().copied().chain([index]).collect();
            if matches!(at(tree, &inner), Some(Tree::List(_) | Tree::Map(_))) {
                found.push(inner);
            }
        }
    }
    found
}
