//! The parts of the grammar, by the words of `--focus`.

use crate::grammar::suggest;
use crate::host::text::foreign;
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
    /// Several steps at once.
    Race,
    /// Hot memory on two nodes, and schemes that keep it at shares.
    Tiering,
    /// A scheme that shows every region before another acts.
    Witness,
    /// Limits of a scheme's snapshots.
    Snapshots,
    /// A node that is nearly full.
    FullNode,
    /// Goals about nodes that are not there.
    AbsentNode,
    /// Commands that the kernel refuses: to kdamonds that are paused, or have stopped.
    Command,
    /// Commits and starts that the kernel refuses.
    Invalid,
}

/// The parts by the words of `--focus`.
pub(super) const WORDS: &[(&str, Part)] = &[
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
    ("race", Part::Race),
    ("tiering", Part::Tiering),
    ("witness", Part::Witness),
    ("snapshots", Part::Snapshots),
    ("full-node", Part::FullNode),
    ("absent-node", Part::AbsentNode),
    ("command", Part::Command),
    ("invalid", Part::Invalid),
];

/// A word that is no part.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no part '{}' of the grammar; {}", foreign(.0), .1)]
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistyped_part_gets_the_nearest_one() {
        let error = "quotas".parse::<Part>().unwrap_err().to_string();
        assert!(error.contains("'quotas'") && error.contains("quota"), "{error}");
    }
}
