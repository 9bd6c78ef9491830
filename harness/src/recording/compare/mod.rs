//! Compares two recordings byte for byte, and finds their first difference.
//!
//! All that the guest sent is compared. The console and virtme-ng's files are not: they end at a moment that depends on
//! the host. Equal files are read in chunks and others line by line, so that traces of any
//! size can be compared.

mod describe;
mod difference;
mod files;
mod lines;
#[cfg(test)]
mod tests;

pub use describe::{Place, Side, What};
pub use difference::Difference;
pub use files::{COMPARED, Extent, extent, first_difference};
