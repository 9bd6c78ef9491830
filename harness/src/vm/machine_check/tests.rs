use super::*;
use crate::machine::Machine;
use crate::machine::generated::{self, Generated};
use crate::scenario::{self, try_machine_of};
use crate::vm::testkit::qemu;
use damonlab_protocol::units::Bytes;
use proptest::prelude::*;
use std::os::unix::process::ExitStatusExt;

fn argv(arguments: &[&str]) -> Argv {
    let qemu = arguments.iter().map(ToString::to_string).collect();
    Argv { qemu, ..Argv::plain(Bytes(512 << 20)) }
}

fn refusal(check: MachineCheck) -> Refusal {
    let MachineCheck::Refused(refusal) = check else { panic!("{check:?}") };
    refusal
}

#[test]
fn qemu_accepts_every_shipped_machine_of_a_scenario_or_with_a_name() {
    let Some(qemu) = qemu() else { return };
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios");
    let scenarios = scenario::all(&folder).unwrap().into_iter().map(|one| (one.name, one.machine));
    let named = scenario::machines(&scenario::shipped_machines()).unwrap();
    for (name, spec) in scenarios.chain(named.into_iter().map(|one| (one.name, one.machine))) {
        let check = try_machine(&qemu, &Machine::new(&spec).unwrap().argv).unwrap();
        assert_eq!(check, MachineCheck::Accepted(Vec::new()), "{name}");
    }
}

#[test]
fn a_warning_is_not_a_refusal() {
    let Some(qemu) = qemu() else { return };
    let odd = argv(&["-machine", "q35,max-ram-below-4g=384M"]);
    let odd = Argv { memory: Bytes(1 << 30), ..odd };
    let MachineCheck::Accepted(notes) = try_machine(&qemu, &odd).unwrap() else { panic!("QEMU refuses it") };
    assert!(notes[0].starts_with("warning: ") && notes.len() == 1, "{notes:?}");
}

#[test]
fn the_rejected_option_is_named_once() {
    let Some(qemu) = qemu() else { return };
    let arguments = ["-machine", "q35,cxl=on", "-device", "cxl-rp,port=0,bus=nowhere,id=a"];
    let refusal = refusal(try_machine(&qemu, &argv(&arguments)).unwrap());
    assert_eq!(
        refusal.to_string(),
        "QEMU refuses this machine. It rejects the option\n  -device cxl-rp,port=0,bus=nowhere,id=a\nwith:\n  \
         Bus 'nowhere' not found"
    );
}

#[test]
fn qemus_lines_are_printable_and_bounded() {
    let long = format!("qemu-system-x86_64: \u{1b}[31m{}\n", "x".repeat(5000));
    let refusal = refusal(judge(ExitStatus::from_raw(256), &long, &argv(&[])));
    assert!(refusal.lines[0].starts_with("xxx") && refusal.lines[0].len() < 400, "{refusal}");
}

#[test]
fn a_qemu_that_dies_silently_is_a_refusal_with_its_status() {
    let refusal = refusal(judge(ExitStatus::from_raw(6), "", &argv(&[])));
    assert!(refusal.to_string().contains("it ended with signal: 6"), "{refusal}");
}

#[test]
fn a_qemu_that_cannot_be_started_is_an_error() {
    assert!(matches!(try_machine(Path::new("/nonexistent/qemu"), &argv(&[])), Err(VmError::Program(_))));
}

/// A machine that the grammar accepts and QEMU refuses would fail minutes later, in a run.
#[test]
fn qemu_accepts_every_machine_that_the_grammar_accepts() {
    let Some(qemu) = qemu() else { return };
    let outcome = generated::runner(24).run(&generated::machine(), |Generated(text)| {
        let Ok(spec) = try_machine_of(&text) else {
            return Err(TestCaseError::reject("the grammar refuses it"));
        };
        let check = try_machine(&qemu, &Machine::new(&spec).unwrap().argv).unwrap();
        match check {
            MachineCheck::Accepted(notes) => {
                prop_assert!(notes.iter().all(|note| note.starts_with("warning: ")), "{:?}", notes);
                Ok(())
            }
            MachineCheck::Refused(refusal) => Err(TestCaseError::fail(refusal.to_string())),
        }
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
}
