//! A recording: the folder that a run leaves, and all that checks read.
//!
//! A run writes it once, and seals it with a digest of each file; everything after reads it, typed. Nothing in it depends on the host or on
//! wall time but `vng.argv` and `vng.log`, which name host paths and which no comparison reads.

pub mod compare;
mod host_load;
mod layout;
mod read;
mod samples;
mod seal;
#[cfg(test)]
pub(crate) mod testing;
mod write;

pub use crate::subject::damon::events::{Event, Stat};
pub use host_load::HostLoad;
pub use layout::{
    AcceleratorName, CONSOLE_LOG, Formulas, GUEST_STATE, LIMITS, Line, MACHINE, META, Meta, PLAN,
    RECORDING_VERSION, RULES, Recording, SCENARIO, Seal, Trace, VNG_LOG, agent_digest,
};
pub use read::{RecordingError, RunInputs, gcov};
pub use seal::{DIGESTS, Damage};
pub use write::{begin, finish, make_folder};
