//! A machine: its drawing, and the arguments that build it.
//!
//! For programs it has `machine`, `drawing`, `memory_bytes`, `cpus`, `qemu_arguments`, `kernel_arguments`, and with
//! --check `qemu_notes`.

use super::event::Listing;
use crate::host::text::quote;
use crate::machine::Argv;
use serde_json::json;

/// What QEMU printed about a machine that it built.
#[derive(Debug)]
pub struct Accepted {
    /// How long that took.
    pub seconds: f64,
    /// Its warnings.
    pub notes: Vec<String>,
}

/// A machine called `name`.
pub fn machine(name: &str, drawing: &str, argv: &Argv, accepted: Option<&Accepted>) -> Listing {
    let mut text = format!("{drawing}\n{}", arguments(argv));
    if let Some(Accepted { seconds, notes }) = accepted {
        text.push_str(&format!("\nQEMU builds it ({seconds:.2} s)\n"));
        text.extend(notes.iter().map(|note| format!("note: QEMU says: {}\n", quote(note))));
    }
    let data = json!({
        "machine": name,
        "drawing": drawing,
        "memory_bytes": argv.memory,
        "cpus": argv.cpus,
        "qemu_arguments": argv.qemu,
        "kernel_arguments": argv.kernel,
        "qemu_notes": accepted.map(|accepted| &accepted.notes),
    });
    Listing { command: "machine", text, data }
}

/// The arguments of QEMU and of the kernel, an option a line.
fn arguments(argv: &Argv) -> String {
    let mut text = format!("QEMU's arguments for it\n  -m {}\n", argv.memory_word());
    if argv.options().all(|option| option.name != "-smp") {
        text.push_str(&format!("  -smp {}\n", argv.cpus));
    }
    text.extend(argv.options().map(|option| format!("  {option}\n")));
    if !argv.kernel.is_empty() {
        text.push_str("\nthe kernel's arguments for it\n");
    }
    text.extend(argv.kernel.iter().map(|argument| format!("  {argument}\n")));
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::Machine;
    use crate::scenario::{Machines, shipped_machines};

    fn argv(name: &str) -> Argv {
        let file = Machines::in_folders(vec![shipped_machines()]).pick(name).unwrap();
        Machine::new(&file.parse().unwrap().machine).unwrap().argv
    }

    #[test]
    fn a_machine_shows_one_option_a_line_below_its_drawing() {
        let text = machine("dram2", "the drawing\n", &argv("dram2"), None).text;
        assert!(text.starts_with("the drawing\n\nQEMU's arguments for it\n  -m 1024M\n  -smp 1\n"), "{text}");
        assert!(text.contains("\n  -object memory-backend-ram,id=numa-mem0,size=512M\n"), "{text}");
        assert!(!text.contains("kernel's arguments") && !text.contains("QEMU builds it"), "{text}");
    }

    #[test]
    fn what_qemu_prints_about_a_machine_that_it_builds_is_shown() {
        let accepted = Accepted { seconds: 0.126, notes: vec!["it is odd".into()] };
        let listing = machine("dram2", "", &argv("dram2"), Some(&accepted));
        assert!(listing.text.ends_with("\nQEMU builds it (0.13 s)\nnote: QEMU says: it is odd\n"));
        assert_eq!(listing.data["qemu_notes"][0], "it is odd");
    }
}
