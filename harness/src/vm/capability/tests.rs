use super::*;
use crate::machine::Machine;
use crate::scenario::machine_of;
use crate::vm::testkit::qemu;
use miette::Diagnostic;
use std::time::Instant;

const SWITCHED: &str = "nodes: [{id: 0, memory: 256M, cpus: [0]}]
cxl: [{node: 1, size: 256M, across: switch, port: {node: 0, latency: 150ns, bandwidth: 8G}}]";

fn tools(qemu: PathBuf) -> Tools {
    Tools {
        qemu,
        qemu_version: "QEMU emulator version 9.0.0".to_owned(),
        vng: "/v/vng".into(),
        path: "/v".into(),
        home: "/h".into(),
    }
}

fn all() -> Capabilities {
    Capabilities(NEEDS.iter().map(|need| need.feature.to_string()).collect())
}

fn without(features: &[Feature]) -> Capabilities {
    let Capabilities(mut have) = all();
    have.retain(|one| !features.iter().any(|feature| feature.to_string() == *one));
    Capabilities(have)
}

fn switched() -> Argv {
    Machine::new(&machine_of(SWITCHED)).unwrap().argv
}

#[test]
fn this_qemu_says_what_it_has_and_is_asked_once() {
    let Some(qemu) = qemu() else { return };
    let cache = tempfile::tempdir().unwrap();
    let tools = tools(qemu);
    let first = capabilities(cache.path(), &tools).unwrap();
    assert!(first.has(Feature::Machine("q35")) && first.has(Feature::MachineProperty("hmat")), "{first:?}");
    let kept = ProbeKey::of(&tools).unwrap();
    kept.keep(cache.path(), &without(&[Feature::Machine("q35")])).unwrap();
    assert!(!capabilities(cache.path(), &tools).unwrap().has(Feature::Machine("q35")), "it was asked again");
}

#[test]
fn another_qemu_at_the_same_place_is_asked_anew() {
    let folder = tempfile::tempdir().unwrap();
    let (qemu, cache) = (folder.path().join("qemu"), folder.path().join("cache"));
    fs::write(&qemu, "one").unwrap();
    let before = ProbeKey::of(&tools(qemu.clone())).unwrap();
    before.keep(&cache, &all()).unwrap();
    assert_eq!(before.known(&cache), Some(all()));
    fs::write(&qemu, "another").unwrap();
    assert_eq!(ProbeKey::of(&tools(qemu)).unwrap().known(&cache), None);
}

#[test]
fn a_qemu_that_has_all_takes_every_machine() {
    assert_eq!(all().check("switched", &switched(), &tools("/usr/bin/q".into())), Ok(()));
}

#[test]
fn a_lack_is_told_with_what_asks_for_it_and_the_way_out() {
    let old = without(&[Feature::Device("cxl-upstream"), Feature::Object("acpi-generic-port")]);
    let error = old.check("switched", &switched(), &tools("/usr/bin/q".into())).unwrap_err();
    assert_eq!(
        error.to_string(),
        "'switched' needs what this QEMU does not have: CXL switches (device cxl-upstream), which \
         `across: switch` needs; CXL generic ports (object acpi-generic-port), which `port` needs"
    );
    let help = error.help().unwrap().to_string();
    assert!(help.starts_with("/usr/bin/q is QEMU emulator version 9.0.0; a newer one may have it"), "{help}");
    assert!(help.ends_with("or leave `across: switch` and `port` out"), "{help}");
}

#[test]
fn what_a_machine_does_not_use_may_be_lacking() {
    let old = without(&[Feature::Device("cxl-upstream"), Feature::MachineProperty("hmat")]);
    let plain = Machine::new(&machine_of("nodes: [{id: 0, memory: 256M, cpus: [0]}]")).unwrap().argv;
    assert_eq!(old.check("plain", &plain, &tools("/usr/bin/q".into())), Ok(()));
}

#[test]
fn the_note_names_every_purpose_once() {
    assert_eq!(all().note().matches("CXL switches").count(), 1);
    let note = without(&[Feature::Device("cxl-upstream")]).note();
    assert!(
        note.ends_with("; not CXL switches (device cxl-upstream), which `across: switch` needs"),
        "{note}"
    );
    assert_eq!(note.matches("CXL switches").count(), 1);
}

#[test]
fn of_a_device_that_is_not_there_no_property_is_missed() {
    let properties = ["volatile-memdev", "sn"].map(|key| Feature::DeviceProperty("cxl-type3", key));
    let old = without(&[[Feature::Device("cxl-type3")].as_slice(), &properties].concat());
    let error = old.check("switched", &switched(), &tools("/usr/bin/q".into())).unwrap_err();
    assert!(error.to_string().ends_with(": CXL (device cxl-type3), which `cxl` needs"), "{error}");
}

#[test]
fn a_qemu_that_says_nothing_is_an_error_and_nothing_is_kept() {
    let cache = tempfile::tempdir().unwrap();
    let begun = Instant::now();
    let error = capabilities(cache.path(), &tools("/bin/true".into())).unwrap_err().to_string();
    assert_eq!(error, "cannot use QEMU's monitor socket: QEMU has closed it");
    assert!(!cache.path().join("qemu").exists());
    assert!(begun.elapsed().as_secs() < 4, "its end is noticed");
}
