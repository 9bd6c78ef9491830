//! Perfetto's protobuf trace (`.pftrace`), which ui.perfetto.dev and `trace_processor` open.
//!
//! The guest's agent has a slice for each step, a kdamond counters of its goals, quotas and cost, a slice for each pass of a
//! scheme and an instant for each action; a target has a track for each band of addresses, with slices by the number of
//! accesses; nodes, workloads and vmstat have counters; every other event is an instant on the track of its task. Times are
//! those of the guest (CLOCK_MONOTONIC).

mod proto;
mod regions;
mod tracks;
mod write;

pub(super) use write::write;
