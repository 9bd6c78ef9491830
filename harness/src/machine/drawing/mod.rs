//! A machine for people: sockets with their nodes, the CXL tree, addresses, distances. The same machine has
//! the same drawing, in a hundred columns at most.

mod cxl;
mod line;
mod page;
mod tables;
#[cfg(test)]
mod tests;

pub use page::drawing;
