//! All sections together.

use super::super::event::Listing;
use super::super::place::shown;
use super::section::{Contents, Section, ShowArgs};
use super::{data, goals, memory, regions, schemes, steps};
use crate::host::text::quote;
use crate::recording::Recording;
use crate::subject;
use clap::ValueEnum;

/// What a recording has, for people and for programs.
pub fn show(recording: &Recording, arguments: &ShowArgs) -> Listing {
    let contents = Contents {
        recording,
        series: subject::series(recording),
        aggregations: subject::aggregations(recording),
        passes: subject::passes(recording),
    };
    let mut text = head(&contents);
    for section in Section::value_variants() {
        if !arguments.only.is_empty() && !arguments.only.contains(section) {
            continue;
        }
        let part = match section {
            Section::Steps => steps::section(&contents, arguments),
            Section::Schemes => schemes::section(&contents, arguments),
            Section::Goals => goals::section(&contents, arguments),
            Section::Windows => goals::windows(&contents, arguments),
            Section::Memory => memory::section(&contents, arguments),
            Section::Regions => regions::section(&contents, arguments),
        };
        if part.is_empty() {
            continue;
        }
        text.push('\n');
        text.push_str(&part);
    }
    Listing { command: "show", text, data: data::of(&contents) }
}

fn head(contents: &Contents<'_>) -> String {
    let recording = contents.recording;
    let meta = &recording.meta;
    let (begin, end) = contents.range();
    format!(
        "{}, seed {}, on {}\n{}: {} events in {:.1} s of guest time, {} clock\n",
        meta.scenario,
        meta.seed,
        quote(&meta.kernel),
        shown(&recording.dir),
        recording.trace.lines.len(),
        end - begin,
        meta.clock,
    )
}

#[cfg(test)]
mod tests {
    use super::super::super::plot::PlotStyle;
    use super::*;
    use crate::recording::testing::{all, stored};

    fn text(name: &str, only: &[Section], unicode: bool) -> String {
        let recording = Recording::load(&stored(name)).unwrap();
        let style = PlotStyle { width: 80, unicode };
        let shown = show(&recording, &ShowArgs { style, only: only.to_vec(), rows: Some(10) });
        anstream::adapter::strip_str(&shown.text).to_string()
    }

    #[test]
    fn every_stored_recording_is_shown_within_the_width_of_the_terminal() {
        for name in all() {
            let text = text(&name, &[], true);
            assert!(text.contains("\nsteps\n"), "{name}: {text}");
            for line in text.lines().skip(2).filter(|line| line.contains(['│', '⠤', '█'])) {
                assert!(line.chars().count() <= 80, "{name}: {line}");
            }
        }
    }

    #[test]
    fn a_terminal_without_unicode_gets_ascii() {
        for name in ["consist", "picture"] {
            let text = text(name, &[], false);
            assert!(text.is_ascii(), "{text}");
        }
    }

    #[test]
    fn only_the_sections_that_are_asked_for_are_shown() {
        let text = text("consist", &[Section::Windows], true);
        assert!(text.contains("charge windows") && !text.contains("\nsteps\n"), "{text}");
    }

    #[test]
    fn goals_have_plots_and_targets_have_pictures() {
        let consist = text("consist", &[Section::Goals], true);
        assert_eq!(consist.matches("mean of 8").count(), 2, "{consist}");
        let picture = text("picture", &[Section::Regions], true);
        assert!(picture.contains("no access") && picture.contains('█'), "{picture}");
    }

    #[test]
    fn programs_get_the_same_numbers() {
        let recording = Recording::load(&stored("consist")).unwrap();
        let style = PlotStyle { width: 80, unicode: true };
        let data = show(&recording, &ShowArgs { style, only: Vec::new(), rows: None }).data;
        assert_eq!(data["scenario"], recording.meta.scenario.to_string());
        assert_eq!(data["steps"].as_array().unwrap().len(), recording.report.steps.len());
        let series = data["series"].as_array().unwrap();
        assert!(series.iter().any(|one| one["kind"] == "goal" && one["unit"] == "bp"), "{series:?}");
    }
}
