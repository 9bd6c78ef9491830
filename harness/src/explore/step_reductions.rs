//! What a scenario may have simpler in its steps: a start with what a commit brings, and steps one after the other that were
//! carried out at once. Pure.

use super::tree::Tree;

/// The scenario that starts with what a commit brings, without the steps before it.
pub(super) fn from_a_commit_on(tree: &Tree) -> Vec<Tree> {
    let steps = tree.get("steps").map(Tree::items).unwrap_or_default();
    let mut found = Vec::new();
    for (place, step) in steps.iter().enumerate() {
        let Some(kdamonds) = step.get("commit").and_then(|commit| commit.get("kdamonds")) else { continue };
        let mut smaller = tree.clone();
        if let Tree::Map(entries) = &mut smaller {
            for (key, value) in entries {
                match key.as_str() {
                    "damon" => value.set_in_place("kdamonds", kdamonds.clone()),
                    "steps" => {
                        *value = Tree::List(
                            ["start".into()].into_iter().chain(steps[place + 1..].to_vec()).collect(),
                        );
                    }
                    _ => {}
                }
            }
        }
        found.push(smaller);
    }
    found
}

/// The scenario with each of several steps at once as an ordinary step in their place, or with all of them, in order.
pub(super) fn apart(tree: &Tree) -> Vec<Tree> {
    let steps = tree.get("steps").map(Tree::items).unwrap_or_default();
    let mut found = Vec::new();
    for (place, step) in steps.iter().enumerate() {
        let Some(tasks) = step.get("together").map(Tree::items) else { continue };
        let alone: Vec<Tree> = tasks.iter().map(once).collect();
        let choices = std::iter::once(alone.clone()).chain(alone.into_iter().map(|step| vec![step]));
        for choice in choices {
            let mut smaller = tree.clone();
            let all = steps[..place].iter().chain(&choice).chain(&steps[place + 1..]).cloned();
            smaller.set_in_place("steps", Tree::List(all.collect()));
            found.push(smaller);
        }
    }
    found
}

/// A step among several at once as one of its own.
fn once(task: &Tree) -> Tree {
    match task {
        Tree::Map(entries) => {
            let step = entries.iter().filter(|(key, _)| key != "times" && key != "after");
            Tree::Map(step.cloned().collect())
        }
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(reduce: fn(&Tree) -> Vec<Tree>, text: &str) -> Vec<String> {
        reduce(&Tree::read("test.yaml", text).unwrap()).iter().map(Tree::text).collect()
    }

    #[test]
    fn a_scenario_may_start_with_what_a_commit_brings() {
        let all = texts(
            from_a_commit_on,
            "damon: {kdamonds: [a]}\nsteps: [start, x, commit: {kdamonds: [b]}, stop]\n",
        );
        assert_eq!(all, ["damon: {kdamonds: [b]}\nsteps:\n  - start\n  - stop\n"]);
    }

    #[test]
    fn steps_at_once_may_come_one_after_the_other_or_be_one_of_them() {
        let all = texts(apart, "steps: [start, together: [{read_back: null, times: 5}, stop], x]\n");
        let steps = |inner: &str| format!("steps:\n  - start\n{inner}  - x\n");
        let wanted = [
            steps("  - {read_back: null}\n  - stop\n"),
            steps("  - {read_back: null}\n"),
            steps("  - stop\n"),
        ];
        assert_eq!(all, wanted);
    }
}
