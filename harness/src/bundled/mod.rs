//! The files that damonlab ships with (scenarios, machines, patches, kernel configurations, example rules, snapshots) and
//! where each comes from.
//!
//! They are packed into the program by `build.rs`, so a copied program works anywhere. [`home`] is the folder that has
//! them all: the one in `DAMONLAB_HOME`, else the current folder if it has them all, else a copy of those in the program,
//! unpacked in the cache. The current folder's `scenarios/` and `snapshots/` come before those in any case ([`folders`]).

mod archive;
mod export;
mod home;
mod overlay;

pub use export::{ExportError, Exported, export};
pub use home::{Origin, UnpackError, failure, home};
pub use overlay::{file, folders, given, origin};
