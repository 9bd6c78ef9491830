//! A page for a browser: one file that needs no network, with the verdict and the findings first, and plots of the
//! recordings that a small script of its own draws from the JSON beside it.
//!
//! [`document`] makes the model of a page of what was reported, and [`html`] its text. Nothing but escaping happens in the
//! template.

mod bands;
mod context;
mod covered;
mod document;
mod embed;
mod finding;
mod html;
mod run;
mod strips;
#[cfg(test)]
mod tests;

pub(super) use html::render;
