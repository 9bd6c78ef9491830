//! What the whole command would have reported.

use super::error::MergeError;
use super::file::{ShardFile, find};
use super::totals::Totals;
use crate::report::Item;
use std::path::{Path, PathBuf};

/// The shards of a command together.
#[derive(Debug)]
pub struct Joined {
    /// The kernel that all of it ran on, if there is one.
    pub kernel: Option<String>,
    /// What was to end, as far as it was known.
    pub names: Vec<String>,
    /// What ended, in the order of the whole command.
    pub items: Vec<Item>,
    /// What the last lines depend on.
    pub totals: Totals,
}

impl Joined {
    /// Of the results at these paths: files, or folders with such files in them.
    ///
    /// # Errors
    /// They are not all shards of one command, each once.
    pub fn of(paths: &[PathBuf]) -> Result<Joined, MergeError> {
        let mut all = Vec::new();
        for path in paths {
            for path in find(path)? {
                let file = ShardFile::load(&path)?;
                all.push((path, file));
            }
        }
        // In the order of the shards, so that the result does not depend on the order of the paths.
        all.sort_by_key(|(_, file)| file.shard.number());
        check(&all)?;
        let mut all = all.into_iter();
        let Some((first_path, mut first)) = all.next() else {
            return Err(MergeError::NoShard(PathBuf::from(".")));
        };
        let (mut names, mut units) = (vec![first.names], vec![first.units]);
        for (path, next) in all {
            names.push(next.names);
            units.push(next.units);
            let own = first.totals.command();
            first
                .totals
                .join(next.totals)
                .map_err(|other| self::other((&first_path, &path), "command", own, other.command()))?;
        }
        let items = woven(units).into_iter().flatten().collect();
        Ok(Joined { kernel: first.kernel, names: woven(names), items, totals: first.totals })
    }
}

/// Two shards of which what was requested of the command differs.
fn other((first, second): (&Path, &Path), what: &str, wanted: &str, found: &str) -> MergeError {
    let (first, second) = (first.to_owned(), second.to_owned());
    let (what, wanted, found) = (what.to_owned(), wanted.to_owned(), found.to_owned());
    MergeError::OtherCall { first, second, what, wanted, found }
}

/// All are of one call, and each shard of it is there once. They are in the order of their numbers.
fn check(all: &[(PathBuf, ShardFile)]) -> Result<(), MergeError> {
    let Some(((first_path, first), rest)) = all.split_first() else { return Ok(()) };
    for (path, file) in rest {
        let both = (first_path.as_path(), path.as_path());
        let (own, their) = (first.totals.command(), file.totals.command());
        if own != their {
            return Err(other(both, "command", own, their));
        }
        if let Some(difference) = first.call.difference(&file.call) {
            return Err(other(both, &difference.what, &difference.first, &difference.second));
        }
        if first.shard.count() != file.shard.count() {
            let (own, their) = (first.shard.to_string(), file.shard.to_string());
            return Err(other(both, "--shard", &own, &their));
        }
    }
    for pair in all.windows(2) {
        let [(first, one), (second, other)] = pair else { continue };
        if one.shard == other.shard {
            let (first, second) = (first.clone(), second.clone());
            return Err(MergeError::Twice { first, second, shard: one.shard });
        }
    }
    let there = |shard: &_| all.iter().any(|(_, file)| file.shard == *shard);
    let missing: Vec<_> = first.shard.all().filter(|shard| !there(shard)).collect();
    match missing.is_empty() {
        true => Ok(()),
        false => Err(MergeError::Missing { missing, found: all.len(), count: first.shard.count() }),
    }
}

/// The items of all shards in the order that they had before [`crate::run::Shard::part`] dealt them out.
fn woven<T>(shards: Vec<Vec<T>>) -> Vec<T> {
    let mut shards: Vec<_> = shards.into_iter().map(Vec::into_iter).collect();
    let mut all = Vec::new();
    loop {
        let before = all.len();
        all.extend(shards.iter_mut().filter_map(Iterator::next));
        if all.len() == before {
            return all;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Call, MutantsTotals};
    use super::*;
    use crate::report::{ItemResult, Status};
    use crate::run::Shard;

    const PASS: Status = Status { word: "PASS", counted: "passed", outcome: ItemResult::Passed };

    /// The results of one of several shards of a `run` of the scenarios 0 to 8 with this seed.
    fn file(shard: &str, seed: &str) -> ShardFile {
        let shard: Shard = shard.parse().unwrap();
        let names = Shard::part(Some(shard), (0..9).map(|number: u32| number.to_string()).collect());
        let items = names.iter().flat_map(|name| {
            let part = Item { part: true, ..Item::new(format!("seed of {name}"), PASS, "") };
            [part, Item::new(&**name, PASS, "")]
        });
        let call = Call::new([("seed", seed.to_owned())]);
        let totals = Totals::Run(Box::default());
        ShardFile::new(shard, call, (names.clone(), None), items.collect(), totals)
    }

    fn joined(files: &[ShardFile]) -> Result<Joined, MergeError> {
        let folder = tempfile::tempdir().unwrap();
        let save = |(index, file): (usize, &ShardFile)| {
            let out = folder.path().join(index.to_string());
            file.save(&out).unwrap();
            out
        };
        Joined::of(&files.iter().enumerate().map(save).collect::<Vec<_>>())
    }

    #[test]
    fn the_whole_has_every_item_in_its_order_whatever_the_order_of_the_folders() {
        let files = ["3/4", "1/4", "4/4", "2/4"].map(|shard| file(shard, "0"));
        let all = joined(&files).unwrap();
        assert_eq!(all.names, (0..9).map(|number| number.to_string()).collect::<Vec<_>>());
        let names: Vec<_> = all.items.iter().map(|item| item.name.as_str()).collect();
        assert_eq!(names[..4], ["seed of 0", "0", "seed of 1", "1"]);
        assert_eq!((names.len(), names[17]), (18, "8"));
    }

    #[test]
    fn all_shards_may_lie_in_one_folder() {
        let folder = tempfile::tempdir().unwrap();
        ["1/2", "2/2"].iter().for_each(|shard| drop(file(shard, "0").save(folder.path()).unwrap()));
        assert_eq!(Joined::of(&[folder.path().to_owned()]).unwrap().names.len(), 9);
    }

    #[test]
    fn what_is_not_one_command_is_refused_with_what_differs() {
        let refused = |files: &[ShardFile]| joined(files).unwrap_err().to_string();
        let seed = refused(&[file("1/2", "0"), file("2/2", "7")]);
        assert!(seed.contains("run-2-of-2.json is of another seed than "), "{seed}");
        assert!(seed.contains(": 7 and 0; only"), "{seed}");
        let mut other = file("2/2", "0");
        other.totals = Totals::Mutants(MutantsTotals::default());
        let command = refused(&[file("1/2", "0"), other]);
        assert!(command.contains("is of another command than"), "{command}");
        let count = refused(&[file("1/2", "0"), file("2/3", "0")]);
        assert!(count.contains("is of another --shard than"), "{count}");
    }

    #[test]
    fn a_shard_that_is_missing_or_given_twice_is_named() {
        let refused = |files: &[ShardFile]| joined(files).unwrap_err().to_string();
        let missing = refused(&[file("1/4", "0"), file("3/4", "0")]);
        assert!(missing.starts_with("shard 2/4, 4/4 is missing; 2 of 4 are there."), "{missing}");
        let twice = refused(&[file("1/2", "0"), file("1/2", "0"), file("2/2", "0")]);
        assert!(twice.contains("are both shard 1/2; give each shard once"), "{twice}");
    }
}
