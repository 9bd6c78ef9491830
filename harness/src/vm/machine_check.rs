//! Checks that QEMU accepts a machine: a real QEMU builds it, stops before the first instruction and quits.

use super::error::VmError;
use crate::host::command::{self, Limits, command_for};
use crate::host::fault::{Fault, Faulty};
use crate::host::text;
use crate::machine::{Argv, qemu_check_args};
use std::path::Path;
use std::process::ExitStatus;
use std::time::Duration;

/// It usually takes a tenth of a second.
const LIMITS: Limits = Limits { time: Duration::from_secs(20), ..Limits::QUERY };

/// QEMU's answer to a machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MachineCheck {
    /// QEMU builds it, with these warnings.
    Accepted(Vec<String>),
    /// QEMU refuses it.
    Refused(Refusal),
}

/// Why QEMU refuses a machine.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("QEMU refuses this machine{}:\n  {}", at(.option.as_deref()), .lines.join("\n  "))]
pub struct Refusal {
    /// The option that it rejects, if it names one.
    pub option: Option<String>,
    /// The printable lines of its error.
    pub lines: Vec<String>,
}

impl Faulty for Refusal {
    fn fault(&self) -> Fault {
        Fault::BadInput
    }
}

fn at(option: Option<&str>) -> String {
    option.map_or_else(String::new, |option| format!(". It rejects the option\n  {option}\nwith"))
}

/// Builds `machine` with a real QEMU, and leaves no process.
///
/// # Errors
/// QEMU could not be started, did not answer in time, or the user interrupted it. A refusal is not an error.
pub fn try_machine(qemu: &Path, machine: &Argv) -> Result<MachineCheck, VmError> {
    let mut command = command_for(qemu);
    command.args(qemu_check_args(machine)).env("LANG", "C.UTF-8");
    // A QEMU that refuses its arguments has ended before it reads.
    let output = command::answer(&mut command, b"quit\n", LIMITS)?;
    Ok(judge(output.status, &output.stderr, machine))
}

fn judge(status: ExitStatus, output: &str, machine: &Argv) -> MachineCheck {
    let lines = output.lines().map(|line| without_program(&text::excerpt(line)));
    let mut lines: Vec<String> = lines.filter(|line| !line.is_empty()).collect();
    if status.success() {
        return MachineCheck::Accepted(lines);
    }
    // Warnings may come before the error.
    let options = machine.options().map(|option| option.to_string());
    let option = options.into_iter().find(|option| lines.iter().any(|line| rest(line, option).is_some()));
    if let Some(option) = &option {
        lines = lines.iter().map(|line| rest(line, option).unwrap_or(line).to_owned()).collect();
    }
    if lines.is_empty() {
        lines.push(format!("no message; it ended with {status}"));
    }
    MachineCheck::Refused(Refusal { option, lines })
}

/// The rest of a line about `option`.
fn rest<'a>(line: &'a str, option: &str) -> Option<&'a str> {
    line.strip_prefix(option)?.strip_prefix(": ")
}

/// `qemu-system-x86_64: -device x: no` without the program's name.
fn without_program(line: &str) -> String {
    match line.split_once(": ") {
        Some((program, rest)) if program.ends_with("qemu-system-x86_64") => rest.to_owned(),
        _ => line.to_owned(),
    }
}

#[cfg(test)]
mod tests;
