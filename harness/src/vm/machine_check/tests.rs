use super::*;
use crate::machine::Machine;
use crate::machine::generated::{self, Generated};
use crate::scenario::{self, try_machine_of};
use crate::vm::testkit::qemu;
use damonlab_protocol::units::Bytes;
use proptest::prelude::*;
use std::os::unix::process::ExitStatusExt;

fn argv(words: &[&str]) -> Argv {
    let qemu = words.iter().map(ToString::to_string).collect();
    Argv { qemu, ..Argv::plain(Bytes(512 << 20)) }
}

fn refusal(trial: MachineCheck) -> Refusal {
    let MachineCheck::Refused(refusal) = trial else { panic!("{trial:?}") };
    refusal
}

#[test]
fn qemu_takes_the_machine_of_every_scenario_that_ships_and_every_named_machine() {
    let Some(qemu) = qemu() else { return };
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios");
    let scenarios = scenario::all(&folder).unwrap().into_iter().map(|one| (one.name, one.machine));
    let named = scenario::machines(&scenario::shipped_machines()).unwrap();
    for (name, spec) in scenarios.chain(named.into_iter().map(|one| (one.name, one.machine))) {
        let trial = try_machine(&qemu, &Machine::new(&spec).unwrap().argv).unwrap();
        assert_eq!(trial, MachineCheck::Taken(Vec::new()), "{name}");
    }
}

#[test]
fn a_warning_of_qemu_is_no_refusal() {
    let Some(qemu) = qemu() else { return };
    let odd = argv(&["-machine", "q35,max-ram-below-4g=384M"]);
    let odd = Argv { memory: Bytes(1 << 30), ..odd };
    let MachineCheck::Taken(notes) = try_machine(&qemu, &odd).unwrap() else { panic!("it is refused") };
    assert!(notes[0].starts_with("warning: ") && notes.len() == 1, "{notes:?}");
}

#[test]
fn the_option_that_qemu_stops_at_is_named_once() {
    let Some(qemu) = qemu() else { return };
    let words = ["-machine", "q35,cxl=on", "-device", "cxl-rp,port=0,bus=nowhere,id=a"];
    let refusal = refusal(try_machine(&qemu, &argv(&words)).unwrap());
    assert_eq!(
        refusal.to_string(),
        "QEMU does not take this machine. It stops at\n  -device cxl-rp,port=0,bus=nowhere,id=a\nand says:\n  \
         Bus 'nowhere' not found"
    );
}

#[test]
fn words_of_qemu_are_stripped_and_bounded() {
    let long = format!("qemu-system-x86_64: \u{1b}[31m{}\n", "x".repeat(5000));
    let refusal = refusal(judge(ExitStatus::from_raw(256), &long, &argv(&[])));
    assert!(refusal.words[0].starts_with("xxx") && refusal.words[0].len() < 400, "{refusal}");
}

#[test]
fn a_qemu_that_dies_without_a_word_is_a_refusal_with_its_status() {
    let refusal = refusal(judge(ExitStatus::from_raw(6), "", &argv(&[])));
    assert!(refusal.to_string().contains("it ended with signal: 6"), "{refusal}");
}

#[test]
fn a_qemu_that_cannot_be_started_is_an_error() {
    assert!(matches!(try_machine(Path::new("/nonexistent/qemu"), &argv(&[])), Err(VmError::Io(_))));
}

/// What the grammar takes and QEMU refuses would be found out by a run, minutes later.
#[test]
fn qemu_takes_every_machine_that_the_grammar_takes() {
    let Some(qemu) = qemu() else { return };
    let outcome = generated::runner(24).run(&generated::machine(), |Generated(text)| {
        let Ok(spec) = try_machine_of(&text) else {
            return Err(TestCaseError::reject("the grammar refuses it"));
        };
        let trial = try_machine(&qemu, &Machine::new(&spec).unwrap().argv).unwrap();
        match trial {
            MachineCheck::Taken(notes) => {
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
