//! DAMON's part of a scenario: damo's kdamonds format, the steps that are about DAMON, and the features and events that a
//! scenario may name.
//!
//! A scenario's `introduces:` is a [`RawIntroduces`] and becomes [`Introduced`]. Its `damon:` has the shape [`RawDamon`] and becomes kdamonds by [`kdamonds`]; its steps of the shape
//! [`RawDamonStep`] go through a [`Session`], which knows what is in force between two of them.

#[cfg(test)]
mod damo_corpus;
mod damo_json;
mod damo_scalar;
mod events;
mod features;
mod filter;
mod introduced;
mod kdamond;
mod keyword;
mod keywords;
mod own_files;
mod parts;
mod quirks;
mod range;
mod raw;
mod raw_files;
mod raw_introduced;
mod raw_steps;
mod releases;
mod required;
mod schema_keywords;
mod scheme;
mod session;
mod source_words;
mod unknown;
mod vocabulary;
mod window;
mod written_file;

pub use damo_json::{NotExported, export};
pub(crate) use events::{EVENTS, TypedEvents, also_recorded};
pub(crate) use features::{all_features, is_action, keywords_of};
pub(crate) use introduced::{Introduced, WordKind};
pub(crate) use kdamond::kdamonds;
pub(crate) use quirks::{notes, step_notes};
pub(crate) use raw::RawDamon;
pub(crate) use raw_introduced::RawIntroduces;
pub(crate) use raw_steps::RawDamonStep;
pub(crate) use releases::{Series, known_since};
pub(crate) use required::{Needs, Required, required};
pub(crate) use schema_keywords::{schema_keywords, schema_limits};
pub(crate) use session::Session;
pub(crate) use source_words::source_words;
pub(crate) use unknown::{unknown_shown, unknown_words};
pub(crate) use vocabulary::Vocabulary;
