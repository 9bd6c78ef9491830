//! The tools that damonlab needs on the machine: found, reported, and installed on request.
//!
//! Packages are installed by the distribution's manager (on Debian and Ubuntu through a private apt state), virtme-ng
//! through a private virtual environment. Only
//! [`install`](install()) installs anything, and on a machine that has everything it does nothing and uses no network.

mod detect;
mod distribution;
mod doctor;
mod env;
mod error;
mod install;
mod own_command;
mod requirements;
mod sources;
mod tools;
mod venv;
mod version;

pub mod apt;

pub use detect::State;
pub use distribution::other_than_debian;
pub use doctor::{Row, closing, doctor, render};
pub use env::Env;
pub use error::SetupError;
pub use install::{Extra, install, install_extras};
pub use own_command::ourselves;
pub use requirements::{Importance, Work};
pub use sources::{Archive, Archives, SourcesError};
pub use tools::{Missing, Tools, tools, tools_of};
pub use venv::VenvError;
pub use version::Version;
