//! A tidy file: the same meaning and the same comments, in the form of the scenarios that ship.
//!
//! It works on lines, so that what it knows nothing about stays as it was typed: the columns of comments, quotes, where lines are broken. What comes
//! out is read again and compared, so a text whose structure the lines do not show is refused and not changed.

mod checked;
mod indent;
mod order;
mod spaces;
#[cfg(test)]
mod tests;

pub use checked::{Untidy, tidy};
