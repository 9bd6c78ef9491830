//! A workload's own process: places its memory, reports that, and touches the hot part pass by pass.
//!
//! It is this same binary, executed again, so that its memory is its own. Its answers go to its
//! standard output, a line each: [`PLACED`] and the address of its mapping, or [`FAILED`] and why. One that listens
//! reads its standard input before each pass, for a [`Phase`] in JSON on a line, and answers the same way.

use super::memory::Mapping;
use super::{clock, memcg};
use damonlab_protocol::pattern::{Pattern, next_pass, pattern};
use damonlab_protocol::plan::{Phase, Workload};
use damonlab_protocol::units::Addr;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use serde::{Deserialize, Serialize};
use std::fs;
use std::io::{self, Write};
use std::os::fd::AsFd;

/// The first argument of a process that is a workload.
pub const WORKLOAD: &str = "workload";

const PLACED: &str = "placed";
const FAILED: &str = "failed";

/// The order for a workload: its second argument, in JSON.
#[derive(Debug, Serialize, Deserialize)]
pub struct Order {
    pub workload: Workload,
    pub seed: u64,
    pub listens: bool,
}

/// What a workload answers, for the agent.
pub fn parse_answer(line: &str) -> Result<Addr, String> {
    match line.trim().split_once(' ') {
        Some((PLACED, address)) => u64::from_str_radix(address, 16)
            .map(Addr)
            .map_err(|_| format!("it answered that its memory is at '{address}'")),
        Some((FAILED, cause)) => Err(cause.to_owned()),
        _ => Err("it ended before its memory was placed (out of memory on its node?)".to_owned()),
    }
}

/// Carries an order out. Comes back only with the status of a failure.
pub fn main(order: &str) -> i32 {
    let (order, mapping) = match prepare(order) {
        Ok(ready) => ready,
        Err(cause) => {
            answer(&format!("{FAILED} {cause}"));
            return 1;
        }
    };
    answer(&format!("{PLACED} {:x}", mapping.start().0));
    passes(&order, &mapping)
}

fn prepare(order: &str) -> Result<(Order, Mapping), String> {
    let order: Order =
        serde_json::from_str(order).map_err(|error| format!("order not understood: {error}"))?;
    let workload = &order.workload;
    // The kernel keeps the first 15 bytes.
    fs::write("/proc/self/comm", &workload.name).map_err(|error| format!("cannot set comm: {error}"))?;
    if let Some(path) = &workload.memcg {
        memcg::enter(path).map_err(|error| error.to_string())?;
    }
    let mapping = Mapping::new(workload.size, workload.huge_pages)
        .map_err(|errno| format!("cannot map {}: {errno}", workload.size))?;
    mapping.place(workload.node).map_err(|errno| format!("cannot bind to {}: {errno}", workload.node))?;
    Ok((order, mapping))
}

fn answer(line: &str) {
    // Without a reader the agent is gone, and so is the machine.
    let _ = writeln!(io::stdout(), "{line}");
}

/// What it does at present.
struct State {
    pattern: Pattern,
    /// That of the order, which phases resize.
    first: Pattern,
    touches: bool,
}

/// A pass that is still going on when the next one is due makes that one fall out.
fn passes(order: &Order, mapping: &Mapping) -> ! {
    let workload = &order.workload;
    let first = pattern(workload, order.seed);
    let mut state = State { pattern: first.clone(), first, touches: true };
    loop {
        clock::sleep_until(next_pass(clock::now(), workload.every, state.pattern.phase));
        if order.listens {
            listen(&mut state, mapping);
        }
        if state.touches {
            for page in state.pattern.hot.clone() {
                mapping.touch(page, workload.access);
            }
        }
    }
}

/// Carries out an order, if there is one, and answers.
fn listen(state: &mut State, mapping: &Mapping) {
    let orders = io::stdin();
    let mut waits = [PollFd::new(orders.as_fd(), PollFlags::POLLIN)];
    if !poll(&mut waits, PollTimeout::ZERO).is_ok_and(|ready| ready > 0) {
        return;
    }
    let mut line = String::new();
    if !orders.read_line(&mut line).is_ok_and(|length| length > 0) {
        return;
    }
    let phase = serde_json::from_str(&line).map_err(|error| format!("order not understood: {error}"));
    match phase.and_then(|phase| change(state, mapping, phase)) {
        Ok(()) => answer(&format!("{PLACED} {:x}", mapping.start().0)),
        Err(cause) => answer(&format!("{FAILED} {cause}")),
    }
}

fn change(state: &mut State, mapping: &Mapping, phase: Phase) -> Result<(), String> {
    match phase {
        Phase::Hot { hot_bp } => state.pattern = state.first.resized(mapping.pages(), hot_bp),
        Phase::Move { node } => {
            mapping.move_to(node).map_err(|errno| format!("cannot move to {node}: {errno}"))?;
        }
        Phase::Pause => state.touches = false,
        Phase::Resume => state.touches = true,
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_an_address_or_a_cause() {
        assert_eq!(parse_answer("placed 7f00\n"), Ok(Addr(0x7f00)));
        assert_eq!(
            parse_answer("failed cannot map 1 GiB: ENOMEM\n"),
            Err("cannot map 1 GiB: ENOMEM".to_owned())
        );
        assert!(parse_answer("").unwrap_err().contains("ended before"));
    }
}
