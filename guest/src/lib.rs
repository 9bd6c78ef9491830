//! What the host and the guest of damonlab both have to agree on.
//!
//! The host writes a [`plan::Plan`]; the guest carries it out and sends back the sections of
//! [`record`] in the frames of [`wire`]. [`damon`] is the configuration of DAMON itself, and the
//! sysfs writes that bring it about. Everything here is pure but for the readers and writers that
//! a caller hands in.

pub mod damon;
pub mod plan;
pub mod record;
pub mod units;
pub mod wire;
