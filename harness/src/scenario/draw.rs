//! A source of choices that gives the same ones everywhere: the output of BLAKE3 for a seed, a number and the name of a
//! stream. No library of random numbers promises that its distributions stay as they are; a digest does not change.

/// A stream of choices.
pub struct Draw {
    bytes: blake3::OutputReader,
}

impl Draw {
    /// The stream of this name for the scenario `number` of `seed`. It does not depend on any other stream.
    pub fn of(seed: u64, number: u64, stream: &str) -> Draw {
        let mut hasher = blake3::Hasher::new();
        hasher.update(b"damonlab explore").update(&seed.to_le_bytes()).update(&number.to_le_bytes());
        hasher.update(stream.as_bytes());
        Draw { bytes: hasher.finalize_xof() }
    }

    /// A number below `end`, which is not 0.
    pub fn below(&mut self, end: u64) -> u64 {
        let mut bytes = [0; 8];
        self.bytes.fill(&mut bytes);
        // The bias of the remainder is below 2^-32 for every range that is used here.
        u64::from_le_bytes(bytes) % end.max(1)
    }

    /// A number from `least` to `most`.
    pub fn between(&mut self, least: u64, most: u64) -> u64 {
        least + self.below(most.saturating_sub(least).saturating_add(1))
    }

    /// True in so many of 100 cases.
    pub fn chance(&mut self, percent: u32) -> bool {
        self.below(100) < u64::from(percent)
    }

    /// One of several, of which there is at least one.
    pub fn pick<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.index(all.len())]
    }

    /// The index of one of `count`.
    pub fn index(&mut self, count: usize) -> usize {
        usize::try_from(self.below(count as u64)).unwrap_or(0)
    }

    /// One of several, each as often as its weight says.
    pub fn weighted<'a, T>(&mut self, all: &'a [(u32, T)]) -> &'a T {
        let mut left = self.below(all.iter().map(|(weight, _)| u64::from(*weight)).sum());
        for (weight, one) in all {
            match left.checked_sub(u64::from(*weight)) {
                Some(rest) => left = rest,
                None => return one,
            }
        }
        &all[0].1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(seed: u64, number: u64, stream: &str) -> Vec<u64> {
        let mut draw = Draw::of(seed, number, stream);
        (0..4).map(|_| draw.below(1000)).collect()
    }

    #[test]
    fn a_stream_is_the_same_on_every_machine_and_in_every_version() {
        assert_eq!(numbers(0, 4711, "scenario"), [423, 978, 994, 384]);
    }

    #[test]
    fn another_seed_number_or_name_is_another_stream() {
        let first = numbers(0, 1, "scenario");
        for other in [numbers(1, 1, "scenario"), numbers(0, 2, "scenario"), numbers(0, 1, "machine")] {
            assert_ne!(first, other);
        }
    }

    #[test]
    fn choices_come_as_often_as_their_weights_say() {
        let mut draw = Draw::of(0, 0, "weights");
        let drawn: Vec<char> = (0..1000).map(|_| *draw.weighted(&[(1, 'a'), (0, 'b'), (3, 'c')])).collect();
        let count = |wanted| drawn.iter().filter(|one| **one == wanted).count();
        assert_eq!(count('b'), 0);
        assert!((200..300).contains(&count('a')), "{}", count('a'));
        assert!((0..1000).all(|_| (3..=5).contains(&draw.between(3, 5))));
    }
}
