//! How often each part of the grammar is drawn, and on which of them a user or a series leans.

use super::part::Part;
use super::table::{CHANCES, HINTS, MOST_OF_A_SERIES};
use crate::scenario::Draw;

/// A part that is drawn in focus has at least this chance.
const IN_FOCUS: u32 = 85;

/// The parts that are drawn more often than usual.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Focus(pub Vec<Part>);

impl Focus {
    /// The parts that the changed lines of patches are about, those with the most words first.
    pub fn of_patches(texts: impl IntoIterator<Item = String>) -> Focus {
        let mut counts = vec![0usize; HINTS.len()];
        for text in texts {
            let changed = text.lines().filter(|line| line.starts_with(['+', '-', '@']));
            for line in changed.map(str::to_ascii_lowercase) {
                for ((_, hints), count) in HINTS.iter().zip(&mut counts) {
                    *count += usize::from(hints.iter().any(|hint| line.contains(hint)));
                }
            }
        }
        let mut found: Vec<(usize, Part)> =
            counts.into_iter().zip(HINTS).map(|(count, (part, _))| (count, *part)).collect();
        found.retain(|(count, _)| *count > 0);
        found.sort_by_key(|(count, _)| std::cmp::Reverse(*count));
        Focus(found.into_iter().take(MOST_OF_A_SERIES).map(|(_, part)| part).collect())
    }

    /// The words of its parts.
    pub fn words(&self) -> Vec<String> {
        self.0.iter().map(|part| part.word().to_owned()).collect()
    }

    /// Draws whether a scenario has this part here.
    pub(super) fn wants(&self, part: Part, draw: &mut Draw) -> bool {
        let usual = CHANCES.iter().find(|(known, _)| *known == part).map_or(0, |(_, chance)| *chance);
        let chance = if self.0.contains(&part) { usual.max(IN_FOCUS) } else { usual };
        draw.chance(chance)
    }
}

#[cfg(test)]
mod tests {
    use super::super::part::WORDS;
    use super::*;

    #[test]
    fn every_part_has_a_word_and_a_chance() {
        assert_eq!(WORDS.len(), CHANCES.len());
        for (word, part) in WORDS {
            assert_eq!(word.parse(), Ok(*part));
            assert_eq!(part.word(), *word);
            assert!(CHANCES.iter().any(|(known, _)| known == part), "{word}");
        }
    }

    #[test]
    fn a_part_in_focus_is_drawn_more_often() {
        let count = |focus: &Focus| {
            let mut draw = Draw::of(0, 0, "focus");
            (0..1000).filter(|_| focus.wants(Part::Pause, &mut draw)).count()
        };
        let (usual, focused) = (count(&Focus::default()), count(&Focus(vec![Part::Pause])));
        assert!(usual < 150 && focused > 800, "{usual}, {focused}");
    }

    #[test]
    fn a_series_is_about_what_its_changed_lines_name() {
        let patch = "quota in the mail\n@@ damos_set_effective_quota()\n-\tquota->esz = 0;\n+\tquota->esz = goal;\n context filter\n";
        assert_eq!(Focus::of_patches([patch.to_owned()]).words(), ["quota", "goal", "tiering"]);
        assert!(Focus::of_patches(["+int x;\n".to_owned()]).words().is_empty());
    }
}
