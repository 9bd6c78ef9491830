//! Whether QEMU takes a machine: a real QEMU builds it, stops before the first instruction and quits.

use super::error::VmError;
use crate::host::fault::{Fault, Faulty};
use crate::host::process::Group;
use crate::host::text;
use crate::machine::{Argv, qemu_check_args};
use std::io::{self, Read, Write};
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::time::Duration;

/// A tenth of a second is usual.
const LIMIT: Duration = Duration::from_secs(20);

/// What is kept of what QEMU says.
const WORDS: u64 = 16 << 10;

/// What QEMU says to a machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MachineCheck {
    /// It builds it. What it warned of, a line each.
    Taken(Vec<String>),
    /// It does not.
    Refused(Refusal),
}

/// QEMU's no.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("QEMU does not take this machine{}:\n  {}", at(.option.as_deref()), .words.join("\n  "))]
pub struct Refusal {
    /// The option it stopped at, where it says so.
    pub option: Option<String>,
    /// Its own words, printable, a line each.
    pub words: Vec<String>,
}

impl Faulty for Refusal {
    fn fault(&self) -> Fault {
        Fault::BadInput
    }
}

fn at(option: Option<&str>) -> String {
    option.map_or_else(String::new, |option| format!(". It stops at\n  {option}\nand says"))
}

/// Builds `machine` with a real QEMU, and leaves no process.
///
/// # Errors
/// QEMU could not be started, did not answer in time, or the user asked to stop. A refusal is no error.
pub fn try_machine(qemu: &Path, machine: &Argv) -> Result<MachineCheck, VmError> {
    let mut command = Command::new(qemu);
    command
        .args(qemu_check_args(machine))
        .env("LANG", "C.UTF-8")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    let mut group = Group::spawn(&mut command)?;
    if let Some(mut monitor) = group.leader().stdin.take() {
        // A QEMU that refused its arguments is gone before it reads.
        let _ = monitor.write_all(b"quit\n");
    }
    let words = group.leader().stderr.take().map(|pipe| std::thread::spawn(move || bounded(pipe)));
    let ended = group.wait_for(LIMIT)?;
    group.kill()?;
    let words = words.and_then(|thread| thread.join().ok()).unwrap_or_default();
    match ended {
        Some(status) => Ok(judge(status, &words, machine)),
        None => {
            let message = format!("QEMU did not build the machine within {} s", LIMIT.as_secs());
            Err(io::Error::new(io::ErrorKind::TimedOut, message).into())
        }
    }
}

/// The beginning of what comes; the rest is read, for a full pipe would stop QEMU.
fn bounded(mut pipe: impl Read) -> String {
    let mut bytes = Vec::new();
    // What came before an error is all there is.
    let _ = (&mut pipe).take(WORDS).read_to_end(&mut bytes);
    let _ = io::copy(&mut pipe, &mut io::sink());
    String::from_utf8_lossy(&bytes).into_owned()
}

fn judge(status: ExitStatus, said: &str, machine: &Argv) -> MachineCheck {
    let lines = said.lines().map(|line| without_program(&text::excerpt(line)));
    let mut words: Vec<String> = lines.filter(|line| !line.is_empty()).collect();
    if status.success() {
        return MachineCheck::Taken(words);
    }
    // Warnings may come before it.
    let options = machine.options().map(|option| option.to_string());
    let option = options.into_iter().find(|option| words.iter().any(|line| rest(line, option).is_some()));
    if let Some(option) = &option {
        words = words.iter().map(|line| rest(line, option).unwrap_or(line).to_owned()).collect();
    }
    if words.is_empty() {
        words.push(format!("nothing; it ended with {status}"));
    }
    MachineCheck::Refused(Refusal { option, words })
}

/// What a line says of `option`.
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
