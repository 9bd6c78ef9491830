//! Plots of goals beside a verdict: whether, and how wide.

use super::error::CliError;
use super::output::OutputArgs;
use crate::check::Verdict;
use crate::host::terminal;
use crate::judge::Report;
use crate::recording::Recording;
use crate::report::{Depth, Item, MINI_WIDTH, PlotStyle, goal_plots};
use crate::subject;
use clap::{Args, ValueEnum};

/// Whether goals are plotted.
#[derive(Debug, Clone, Args)]
pub(super) struct PlotsArgs {
    /// Plot each goal beside the verdict. auto: on a terminal with room for it.
    #[arg(long, value_enum, default_value = "auto", value_name = "auto|always|never")]
    #[arg(hide_possible_values = true)]
    plots: Plots,
}

/// When to plot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Plots {
    /// On a terminal of 40 columns or more.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// The widest plot beside a verdict.
const WIDEST: u16 = 96;

impl PlotsArgs {
    /// How plots are drawn, if they are.
    ///
    /// # Errors
    /// They were asked for in a format without plots.
    pub(super) fn style(&self, output: &OutputArgs) -> Result<Option<PlotStyle>, CliError> {
        let screen = terminal::screen();
        // Details are indented.
        let width = screen.width.saturating_sub(4).min(WIDEST);
        let style = PlotStyle { width: width.max(MINI_WIDTH), unicode: screen.unicode };
        match self.plots {
            Plots::Always if !output.is_for_people() => {
                let on = "this --format, which has no plots".to_owned();
                Err(CliError::NoEffect { option: "--plots", on })
            }
            Plots::Always => Ok(Some(style)),
            Plots::Auto => {
                let fits = screen.is_terminal && width >= MINI_WIDTH && output.is_only_a_terminal();
                Ok(Some(style).filter(|_| fits))
            }
            Plots::Never => Ok(None),
        }
    }
}

/// Adds a plot of each goal to the item of a run. `alone`: it is shown if it passed, too.
pub(super) fn add(item: &mut Item, report: &Report, style: Option<PlotStyle>, alone: bool) {
    let Some(style) = style.filter(|_| alone || !matches!(report.verdict, Verdict::Pass | Verdict::Skip(_)))
    else {
        return;
    };
    // A run without results has nothing to plot, and its verdict says why.
    let Ok(recording) = Recording::load(&report.dir) else { return };
    for plot in goal_plots(&subject::series(&recording), style) {
        item.add(Depth::Alone, "", plot);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recording::testing::stored;
    use crate::report;

    #[test]
    fn a_run_gets_a_plot_of_each_goal_if_they_are_wanted() {
        let dir = stored("consist");
        let one = crate::judge::Stored::judge(&dir, &[]).unwrap();
        let mut item = report::RunView::of(&one.report).item();
        let before = item.details.len();
        let style = PlotStyle { width: 60, unicode: true };
        add(&mut item, &one.report, None, true);
        assert_eq!(item.details.len(), before);
        add(&mut item, &one.report, Some(style), true);
        assert_eq!(item.details.len(), before + 2);
        assert!(report::item_text(&item).contains("mean of the last 8 windows"));
    }
}
