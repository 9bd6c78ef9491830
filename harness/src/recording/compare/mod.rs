//! Two recordings, byte for byte: are they the same, and if not, where do they part?
//!
//! Compared is all that the guest sent. The console and virtme-ng's files are not: they end at a moment
//! that the host chooses. Equal files are read in chunks and others line by line, so that traces of any
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
