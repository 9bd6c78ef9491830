//! The parts of the grammar, how often each is drawn, and which of them a user leans on.

use super::table::{CHANCES, HINTS, MOST_OF_A_SERIES};
use crate::explore::draw::Draw;
use crate::grammar::suggest;
use std::str::FromStr;

/// A part of the grammar that a scenario may have or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Processes with memory.
    Workload,
    /// Memory cgroups, and goals and filters that read them.
    Memcg,
    /// Huge pages.
    Huge,
    /// Swap.
    Swap,
    /// A second kdamond.
    Kdamond,
    /// Virtual addresses.
    Vaddr,
    /// Tuning of intervals.
    Intervals,
    /// Bounds of the number of regions.
    Regions,
    /// Probes.
    Probe,
    /// Schemes.
    Scheme,
    /// Quotas.
    Quota,
    /// Goals of quotas, and their tuners.
    Goal,
    /// Weights of priorities.
    Weights,
    /// Filters of schemes.
    Filter,
    /// Watermarks.
    Watermarks,
    /// Migration.
    Migrate,
    /// Commits of a new configuration.
    Commit,
    /// Commits of goals alone.
    Retarget,
    /// Pauses.
    Pause,
    /// Stops and new starts.
    Restart,
    /// Memory that goes offline.
    Hotplug,
    /// Writes that the kernel refuses.
    Refused,
    /// DAMON's modules.
    Module,
    /// Changes of a workload.
    Phase,
}

/// The parts by the words of `--focus`.
const WORDS: &[(&str, Part)] = &[
    ("workload", Part::Workload),
    ("memcg", Part::Memcg),
    ("huge-pages", Part::Huge),
    ("swap", Part::Swap),
    ("kdamond", Part::Kdamond),
    ("vaddr", Part::Vaddr),
    ("intervals", Part::Intervals),
    ("regions", Part::Regions),
    ("probe", Part::Probe),
    ("scheme", Part::Scheme),
    ("quota", Part::Quota),
    ("goal", Part::Goal),
    ("weights", Part::Weights),
    ("filter", Part::Filter),
    ("watermarks", Part::Watermarks),
    ("migrate", Part::Migrate),
    ("commit", Part::Commit),
    ("retarget", Part::Retarget),
    ("pause", Part::Pause),
    ("restart", Part::Restart),
    ("hotplug", Part::Hotplug),
    ("refused", Part::Refused),
    ("module", Part::Module),
    ("phase", Part::Phase),
];

/// A part that is drawn in focus has at least this chance.
const IN_FOCUS: u32 = 85;

/// A word that is no part.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no part '{0}' of the grammar; {1}")]
pub struct FocusError(String, String);

impl FromStr for Part {
    type Err = FocusError;

    fn from_str(text: &str) -> Result<Part, FocusError> {
        let known = WORDS.iter().find(|(word, _)| *word == text).map(|(_, part)| *part);
        known.ok_or_else(|| {
            let words: Vec<&str> = WORDS.iter().map(|(word, _)| *word).collect();
            FocusError(text.to_owned(), suggest::among(text, &words))
        })
    }
}

impl Part {
    /// The word of `--focus`.
    pub fn word(self) -> &'static str {
        WORDS.iter().find(|(_, part)| *part == self).map_or("", |(word, _)| word)
    }
}

/// The parts that are drawn more often than usual.
#[derive(Debug, Clone, Default)]
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
        assert_eq!(Focus::of_patches([patch.to_owned()]).words(), ["quota", "goal"]);
        assert!(Focus::of_patches(["+int x;\n".to_owned()]).words().is_empty());
    }

    #[test]
    fn a_mistyped_part_gets_the_nearest_one() {
        let error = "quotas".parse::<Part>().unwrap_err().to_string();
        assert!(error.contains("'quotas'") && error.contains("quota"), "{error}");
    }
}
