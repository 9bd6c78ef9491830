//! Expressions over the fields of events, in the Common Expression Language (CEL).
//!
//! The crate `cel` parses and evaluates them. What damonlab adds: the types of the fields are known, so that an
//! [`Expression`] is checked before it is evaluated; numbers stay whole, with 64 bits and a checked range; and only what
//! takes a bounded time is allowed: no macros, no maps, no conversions to floating point.

mod check;
mod evaluate;
mod locate;
mod parse;

pub use check::{Names, Type};
pub use evaluate::{Budget, Evaluator};
pub use parse::{Expression, Mistake};

#[cfg(test)]
mod tests;
