//! Results on their way to people and programs.
//!
//! A verb turns its results into [`Item`]s, a [`Summary`] or a [`Listing`] (one file a kind of result), and a
//! [`Reporter`] prints them (one file a format). Neither side knows the other. To add a format, write its file, and add
//! a line to [`Format`] and one to [`Format::reporter`].

mod bisect;
mod checked;
mod compare;
mod doctor;
mod document;
mod event;
mod explain;
mod explore;
pub use exported_data::exported_data;
