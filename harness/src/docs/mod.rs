//! The pages of `docs/`, which ride in the program, and how a terminal shows one.

mod links;
mod pages;
mod rendered;

pub(crate) use links::replace as replace_links;
pub use pages::{Page, page, pages};
pub use rendered::rendered;
