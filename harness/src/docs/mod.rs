//! The pages of `docs/`, which ride in the program.

mod pages;

pub use pages::{Page, page, pages};
