//! From a source, patches and configuration fragments to a cached kernel image.
//!
//! A source is only read: what make sees is a working copy. An image is named by what went in, so the
//! same question a second time is answered without make.

mod apply;
mod build;
mod bundled_patches;
mod cache_layout;
mod config;
mod copy;
mod diagnosis;
mod error;
mod evict;
mod git_apply;
mod gitref;
mod image;
mod inputs;
mod inspect;
mod listing;
mod merge;
mod obtain;
mod profile;
mod release;
mod remove;
mod request;
mod source;
mod stock;
mod subject;
mod usertree;
mod version_request;

pub use crate::series::Patch;
pub use config::{BadFragment, Dropped, Fragment};
pub use error::KernelError;
pub use evict::{Held, Holds, held, limit};
pub use image::{Image, Lease, evict, find, foreign};
pub use obtain::{applies, key, obtain, ready};
pub use profile::{NoProfile, Profile};
pub use release::Origins;
pub use remove::remove;
pub use request::Request;
pub use source::Source;
pub use stock::{CachedImage, kept};
pub use subject::Label;
pub use version_request::Wanted;
