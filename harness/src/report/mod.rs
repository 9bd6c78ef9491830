//! Results on their way to people and programs.
//!
//! A verb turns its results into [`Item`]s, a [`Summary`] or a [`Listing`] (one file a kind of result), and a
//! [`Reporter`] prints them (one file a format). Neither side knows the other. To add a format, write its file, and add
//! a line to [`Format`] and one to [`Format::reporter`].

mod bisect;
mod checked;
mod compare;
mod convergence;
mod doctor;
mod document;
mod event;
mod explain;
mod explore;
mod export;
mod exported_data;
mod format;
mod github;
mod human;
mod json;
mod json_text;
mod junit;
mod kernels;
mod ktap;
mod line_coverage;
mod lists;
mod machine;
mod mail;
mod markdown;
mod measure;
mod mutant_parts;
mod mutants;
mod page;
mod place;
mod plot;
#[cfg(test)]
pub(crate) mod read_back;
mod repeated;
mod reporter;
mod rules;
mod run;
mod run_checks;
mod schema;
mod series;
mod show;
mod sweep;
#[cfg(test)]
pub(crate) mod testing;
mod tests_of_kernel;
mod unreadable;
mod verdict;

pub use bisect::{bisection, bisection_data, step};
pub use checked::{Check, CheckResult, Place};
#[cfg(test)]
pub(crate) use compare::full_text as comparison_text;
pub use compare::{answer, comparison, comparison_data, comparison_notes, scenario};
pub use doctor::{doctor, installed};
pub use event::{Depth, Detail, Event, Item, ItemResult, Listing, Started, Status, Summary, Tally};
pub use explain::{explained, explanation, stated_rule};
pub use explore::{
    all_smallest, corpus, corpus_data, corpus_notes, drawn, drawn_in, explored, explored_data, smallest,
};
pub use export::exported;
pub use exported_data::exported_data;
pub use format::{Format, ListFormat};
pub use human::item_text;
pub use kernels::{KernelCache, kernel, kernel_features, removed_kernels, unknown_to_damonlab};
pub use line_coverage::{line_coverage, line_coverage_data, line_coverage_notes};
pub use lists::Inventory;
pub use machine::{Accepted, machine};
pub use mutants::{mutant, score, score_data};
pub use plot::{MINI_WIDTH, PlotStyle, goal_plots};
pub use repeated::replay;
pub use reporter::{Reporter, Verbosity};
pub use rules::never_applied;
pub use run::{RunView, full_text};
pub use schema::RESULT as RESULT_SCHEMA;
#[cfg(test)]
pub(crate) use schema::tests::is_published;
pub use series::series;
pub use show::{Section, ShowArgs, show};
pub use sweep::{seed, sweep};
pub use unreadable::unreadable;
