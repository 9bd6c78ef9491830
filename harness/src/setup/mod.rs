//! What damonlab needs from the machine: found, reported, and installed when asked.
//!
//! Debian packages come through a private apt state, virtme-ng through a private virtual environment.
//! Nothing is installed unless [`install`](install()) is called, and a machine that has everything is left alone:
//! no program of the network is started then.

mod detect;
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
pub use doctor::{Row, doctor, render};
pub use env::Env;
pub use error::SetupError;
pub use install::{Extra, install, install_extras};
pub use own_command::ourselves;
pub use requirements::Need;
pub use sources::{Archive, Archives, SourcesError};
pub use tools::{Missing, Tools, tools};
pub use venv::VenvError;
pub use version::Version;
