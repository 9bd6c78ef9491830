//! What is recorded, and how much room it has.

use crate::grammar::{At, Checked, Fault, Scalar, Size};
use crate::scenario::machine::MachineSpec;
use crate::scenario::raw::RawTrace;
use crate::scenario::subject::{EVENTS, Introduced, introduced_events};
use damonlab_protocol::plan::Trace;
use damonlab_protocol::units::Bytes;

/// The default of `trace.buffer`: twice what pull-push writes in 100 windows.
const DEFAULT_BUFFER: Bytes = Bytes(32 << 20);

/// `trace:`. By default the events of DAMON are recorded, where the scenario configures it.
pub(super) fn resolve(
    raw: &RawTrace,
    machine: &MachineSpec,
    damon: bool,
    introduced: &Introduced,
) -> Checked<Trace> {
    let mut events = match &raw.events {
        None if damon => vec![EVENTS.all.to_owned()],
        None => Vec::new(),
        Some(events) if events.value.is_empty() => {
            return Err(Fault::at(events, "no event is recorded").help(if damon {
                "leave `events` out for damon:*"
            } else {
                "leave `events` out"
            }));
        }
        Some(events) => events.value.iter().map(event).collect::<Checked<Vec<_>>>()?,
    };
    add_introduced(&mut events, introduced);
    let buffer = match &raw.buffer {
        None => Bytes(DEFAULT_BUFFER.0.min(largest_buffer(machine).0)),
        Some(buffer) => check_buffer(buffer, machine)?,
    };
    Ok(Trace { events, buffer })
}

/// Adds the tracepoints that a file introduces, unless they are recorded already.
fn add_introduced(events: &mut Vec<String>, introduced: &Introduced) {
    for event in introduced_events(introduced) {
        let all = event.split_once(':').map(|(system, _)| format!("{system}:*"));
        if !events.iter().any(|known| known == event || Some(known) == all.as_ref()) {
            events.push(event.to_owned());
        }
    }
}

/// The ring buffer lies in the guest's memory, once per CPU, and the kernel lives on its boot node.
fn largest_buffer(machine: &MachineSpec) -> Bytes {
    let memory = machine.boot_node().map_or(0, |node| node.memory.0);
    Bytes(memory / 2 / (machine.cpus() as u64).max(1))
}

fn check_buffer(place: &At<Size>, machine: &MachineSpec) -> Checked<Bytes> {
    let (buffer, largest) = (place.value.0, largest_buffer(machine));
    if buffer.0 < 1 << 16 {
        return Err(
            Fault::at(place, format!("a trace buffer of {buffer} would lose events")).help("64K at least")
        );
    }
    if buffer > largest {
        let message = format!(
            "a trace buffer of {buffer} for each CPU is more than half of the node that the kernel boots on"
        );
        return Err(Fault::at(place, message).help(format!("{largest} at most here")));
    }
    Ok(buffer)
}

fn event(raw: &At<Scalar>) -> Checked<String> {
    let text = &raw.value.0;
    let name = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    match text.split_once(':') {
        Some((system, event)) if name(system) && (event == "*" || name(event)) => Ok(text.clone()),
        _ => Err(Fault::at(raw, format!("'{text}' is not a tracepoint"))
            .help("system:event or system:*, for instance damon:damos_esz")),
    }
}
