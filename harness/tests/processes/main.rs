//! What damonlab leaves behind, and when it ends: kills at any moment, programs that hang, signals, waits. No guest runs:
//! QEMU, virtme-ng and the kernel are scripts ([`fake_host`]).

mod fake_host;
mod full_disk;
mod kills;
mod limits;
mod lost_output;
mod programs;
mod signals;
mod waits;
