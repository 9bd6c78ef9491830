//! A part of the runs, for one of several machines. Pure.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// The K-th of N parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    index: usize,
    count: usize,
}

/// A text that is not K/N.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a shard is K/N with K from 1 to N: 1/4 is the first of four")]
pub struct ShardError;

impl Shard {
    /// The items of `shard`, or all where the work is not divided.
    pub fn part<T>(shard: Option<Shard>, items: Vec<T>) -> Vec<T> {
        match shard {
            Some(shard) => shard.of(items),
            None => items,
        }
    }

    /// Which it is, from 1.
    pub fn number(self) -> usize {
        self.index + 1
    }

    /// How many there are.
    pub fn count(self) -> usize {
        self.count
    }

    /// It and all others.
    pub fn all(self) -> impl Iterator<Item = Shard> {
        (0..self.count).map(move |index| Shard { index, ..self })
    }

    /// Its items: every N-th, so that neighbours, which take a similar time, are spread.
    fn of<T>(self, items: Vec<T>) -> Vec<T> {
        let mine = |(at, item): (usize, T)| (at % self.count == self.index).then_some(item);
        items.into_iter().enumerate().filter_map(mine).collect()
    }
}

impl FromStr for Shard {
    type Err = ShardError;

    fn from_str(text: &str) -> Result<Shard, ShardError> {
        let digits = |part: &str| -> Option<usize> {
            part.bytes().all(|byte| byte.is_ascii_digit()).then(|| part.parse().ok()).flatten()
        };
        let parts = text.split_once('/').and_then(|(index, count)| Some((digits(index)?, digits(count)?)));
        match parts {
            Some((index, count)) if (1..=count).contains(&index) => Ok(Shard { index: index - 1, count }),
            _ => Err(ShardError),
        }
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.number(), self.count)
    }
}

impl Serialize for Shard {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Shard {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Shard, D::Error> {
        String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_item_is_in_one_shard() {
        let shard = |text: &str| text.parse::<Shard>().unwrap().of((0..7).collect::<Vec<_>>());
        assert_eq!([shard("1/3"), shard("2/3"), shard("3/3")], [vec![0, 3, 6], vec![1, 4], vec![2, 5]]);
        assert_eq!(shard("1/1").len(), 7);
    }

    #[test]
    fn what_is_no_part_is_refused() {
        for text in ["0/2", "3/2", "1", "1/0", "+1/2", "/", "a/b"] {
            assert_eq!(text.parse::<Shard>(), Err(ShardError), "{text}");
        }
    }
}
