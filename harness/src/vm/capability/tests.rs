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
fn this_qemu_is_queried_once() {
    let Some(qemu) = qemu() else { return };
    let cache = tempfile::tempdir().unwrap();
    let tools = tools(qemu);
    let first = capabilities(cache.path(), &tools).unwrap();
    assert!(first.has(Feature::Machine("q35")) && first.has(Feature::MachineProperty("hmat")), "{first:?}");
    let key = ProbeKey::of(&tools).unwrap();
    key.store(cache.path(), &without(&[Feature::Machine("q35")])).unwrap();
    assert!(
        !capabilities(cache.path(), &tools).unwrap().has(Feature::Machine("q35")),
        "it was queried again"
    );
}

#[test]
fn another_qemu_at_the_same_path_is_queried_again() {
    let folder = tempfile::tempdir().unwrap();
    let (qemu, cache) = (folder.path().join("qemu"), folder.path().join("cache"));
    fs::write(&qemu, "one").unwrap();
    let before = ProbeKey::of(&tools(qemu.clone())).unwrap();
    before.store(&cache, &all()).unwrap();
    assert_eq!(before.cached(&cache), Some(all()));
    fs::write(&qemu, "another").unwrap();
    assert_eq!(ProbeKey::of(&tools(qemu)).unwrap().cached(&cache), None);
}

#[test]
fn a_qemu_with_all_features_accepts_every_machine() {
    assert_eq!(all().check("switched", &switched(), &tools("/usr/bin/q".into())), Ok(()));
}

#[test]
fn a_missing_feature_is_reported_with_what_uses_it_and_a_remedy() {
    let old = without(&[Feature::Device("cxl-upstream"), Feature::Object("acpi-generic-port")]);
    let error = old.check("switched", &switched(), &tools("/usr/bin/q".into())).unwrap_err();
    assert_eq!(
        error.to_string(),
        "'switched' needs features that this QEMU does not have: CXL switches (device cxl-upstream), which \
         `across: switch` needs; CXL generic ports (object acpi-generic-port), which `port` needs"
    );
    let help = error.help().unwrap().to_string();
    assert!(
        help.starts_with("/usr/bin/q is QEMU emulator version 9.0.0; a newer one may have them"),
        "{help}"
    );
    assert!(help.ends_with("or leave `across: switch` and `port` out"), "{help}");
}

#[test]
fn an_unused_feature_may_be_missing() {
    let old = without(&[Feature::Device("cxl-upstream"), Feature::MachineProperty("hmat")]);
    let plain = Machine::new(&machine_of("nodes: [{id: 0, memory: 256M, cpus: [0]}]")).unwrap().argv;
    assert_eq!(old.check("plain", &plain, &tools("/usr/bin/q".into())), Ok(()));
}

#[test]
fn the_note_names_every_purpose_once() {
    assert_eq!(all().note().matches("CXL switches").count(), 1);
    let note = without(&[Feature::Device("cxl-upstream")]).note();
    assert!(
        note.ends_with("; but not CXL switches (device cxl-upstream), which `across: switch` needs"),
        "{note}"
    );
    assert_eq!(note.matches("CXL switches").count(), 1);
}

#[test]
fn of_a_missing_device_no_property_is_listed() {
    let properties = ["volatile-memdev", "sn"].map(|key| Feature::DeviceProperty("cxl-type3", key));
    let old = without(&[[Feature::Device("cxl-type3")].as_slice(), &properties].concat());
    let error = old.check("switched", &switched(), &tools("/usr/bin/q".into())).unwrap_err();
    assert!(error.to_string().ends_with(": CXL (device cxl-type3), which `cxl` needs"), "{error}");
}

#[test]
fn a_silent_qemu_is_an_error_and_nothing_is_cached() {
    let cache = tempfile::tempdir().unwrap();
    let start = Instant::now();
    let error = capabilities(cache.path(), &tools("/bin/true".into())).unwrap_err().to_string();
    assert_eq!(error, "cannot query the features of /bin/true: QEMU has closed it");
    assert!(!cache.path().join("qemu").exists());
    assert!(start.elapsed().as_secs() < 4, "its end is not noticed");
}

/// Writes a program at `path`.
fn program(path: &Path, script: &str) {
    fs::write(path, script).unwrap();
    fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
}

#[test]
fn what_a_qemu_printed_before_it_ended_is_in_the_error() {
    let folder = tempfile::tempdir().unwrap();
    let ends = folder.path().join("qemu-system-x86_64");
    program(&ends, "#!/bin/sh\necho 'module of another build' >&2\nexit 1\n");
    let error = capabilities(folder.path(), &tools(ends)).unwrap_err().to_string();
    assert!(error.ends_with("It printed:\n  module of another build"), "{error}");
}

#[test]
fn a_qemu_without_a_sandbox_is_used_without_it() {
    let Some(qemu) = qemu() else { return };
    let folder = tempfile::tempdir().unwrap();
    let refuses = folder.path().join("qemu-system-x86_64");
    let script = format!(
        "#!/bin/sh\ncase \"$*\" in *-sandbox*) echo 'sandbox support is not enabled' >&2; exit 1;; esac\nexec {} \"$@\"\n",
        qemu.display()
    );
    program(&refuses, &script);
    let old = tools(refuses);
    assert_eq!(Sandbox::of(folder.path(), &old).unwrap(), Sandbox::Unavailable);
    let note = machines_note(folder.path(), &old);
    assert!(note.ends_with("guests run without it") && note.contains("HMAT"), "{note}");
}
