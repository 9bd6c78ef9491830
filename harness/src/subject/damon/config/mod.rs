//! DAMON's part of a scenario: damo's kdamonds format, the steps that are about DAMON, and the features and events that a
//! scenario may name.
//!
//! A scenario's `damon:` has the shape [`RawDamon`] and becomes kdamonds by [`kdamonds`]; its steps of the shape
//! [`RawDamonStep`] go through a [`Session`], which knows what is in force between two of them.

mod damo_scalar;
mod events;
mod features;
mod filter;
mod kdamond;
mod keywords;
mod range;
mod raw;
mod raw_steps;
mod scheme;
mod session;
mod window;

pub(crate) use events::{EVENTS, TypedEvents, also_recorded};
pub(crate) use features::{all_features, keywords_of};
pub(crate) use kdamond::kdamonds;
pub(crate) use raw::RawDamon;
pub(crate) use raw_steps::RawDamonStep;
pub(crate) use session::Session;
