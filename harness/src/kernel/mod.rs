//! From a source, patches and configuration fragments to a cached kernel image.
//!
//! A source is only read: make works on a working copy. The key of an image is a digest of its inputs, so the same inputs
//! are built once.

mod apply;
mod build;
mod bundled_patches;
mod cache_layout;
mod cached_images;
mod checksums;
mod config;
mod confinement;
mod diagnosis;
mod error;
mod evict;
mod git_apply;
mod git_ref;
mod given;
mod image;
mod inputs;
mod inspect;
mod instrument;
mod kconfig;
mod late_facts;
mod listing;
mod merge;
mod obtain;
mod patched_source;
mod profile;
mod release;
mod remove;
mod request;
mod source;
mod source_facts;
mod source_tree;
mod trial;
mod user_tree;
mod version_request;
mod working_copy;

pub use crate::series::Patch;
pub use apply::PatchResult;
pub use cached_images::{CachedImage, cached_images};
pub use config::{BadFragment, Dropped, Fragment};
pub use confinement::BuildIn;
pub use error::KernelError;
pub use evict::{CacheFolder, FolderKind, cache_folders, limit};
pub use image::{Image, Lease, evict, find, foreign};
pub use inspect::OLDEST;
#[cfg(test)]
pub(crate) use inspect::bzimage;
pub use obtain::{applies, key, obtain, obtain_build, ready};
pub use patched_source::{ChangedFile, PatchedSource};
pub use profile::{Profile, UnknownProfile};
pub use release::Origins;
pub use remove::remove;
pub use request::{BuildRequest, Changes, ConfigPart, Request};
pub use source::Source;
pub use source_facts::SourceFacts;
pub use source_tree::SeriesLabel;
pub use trial::{Trial, try_patches};
pub use version_request::VersionRequest;
