//! Making a recording's folder: a number of its own, and the files that are known before the run.

use super::layout::{INTRODUCES, MACHINE, META, Meta, PLAN, RULES, SCENARIO};
use super::seal::seal;
use crate::host::names::EntryName;
use crate::host::paths::write_atomic;
use crate::scenario::Scenario;
use damonlab_protocol::plan::Plan;
use fs_err as fs;
use std::io;
use std::path::{Path, PathBuf};

/// Makes `<out>/<scenario>/<number>`, the lowest number above all that are there.
pub fn make_folder(out: &Path, scenario: &str) -> io::Result<PathBuf> {
    let parent = out.join(EntryName::new(scenario).map_err(io::Error::other)?);
    fs::create_dir_all(&parent)?;
    let taken = |entry: io::Result<fs::DirEntry>| entry.ok()?.file_name().to_str()?.parse::<u32>().ok();
    // Wider than what is parsed: the largest number has a next one too.
    let mut number = 1 + u64::from(fs::read_dir(&parent)?.filter_map(taken).max().unwrap_or(0));
    loop {
        let dir = parent.join(format!("{number:04}"));
        // Two runs may choose the same number; the folder's making decides.
        match std::fs::create_dir(&dir) {
            Ok(()) => return Ok(dir),
            Err(cause) if cause.kind() == io::ErrorKind::AlreadyExists => number += 1,
            Err(cause) => return Err(cause),
        }
    }
}

/// Stores what goes into the run.
pub fn begin(dir: &Path, scenario: &Scenario, text: &str, plan: &Plan) -> io::Result<()> {
    write_atomic(&dir.join(SCENARIO), text.as_bytes())?;
    if let Some(file) = &scenario.introduces_file {
        write_atomic(&dir.join(INTRODUCES), file.text.as_bytes())?;
    }
    if let Some(machine) = &scenario.machine_file {
        write_atomic(&dir.join(MACHINE), machine.text.as_bytes())?;
    }
    for (name, file) in RULES.iter().zip(&scenario.rule_files) {
        write_atomic(&dir.join(name), file.text.as_bytes())?;
    }
    let plan = serde_json::to_vec_pretty(plan).map_err(io::Error::other)?;
    write_atomic(&dir.join(PLAN), &plan)
}

/// Stores `recording.json`, then the seal, which makes the recording complete.
pub fn finish(dir: &Path, meta: &Meta) -> io::Result<()> {
    let text = serde_json::to_vec_pretty(meta).map_err(io::Error::other)?;
    write_atomic(&dir.join(META), &text)?;
    seal(dir)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recording::RunInputs;
    use crate::scenario::{IntroducesFile, MachineFile, RuleFile};

    #[test]
    fn a_machine_and_words_with_files_of_their_own_are_stored_as_they_stand() {
        let dir = tempfile::tempdir().unwrap();
        let stored = crate::recording::testing::stored("pull-push-short");
        let RunInputs { mut scenario, plan, .. } = RunInputs::load(&stored).unwrap();
        begin(dir.path(), &scenario, "", &plan).unwrap();
        assert!(!dir.path().join(MACHINE).exists() && !dir.path().join(INTRODUCES).exists());
        let text = "# a comment\n".to_owned();
        scenario.machine_file = Some(MachineFile::of("dram2", "here/dram2.yaml", text.clone()));
        scenario.introduces_file = Some(IntroducesFile::of("words.yaml", text.clone()));
        begin(dir.path(), &scenario, "", &plan).unwrap();
        for name in [MACHINE, INTRODUCES] {
            assert_eq!(fs::read_to_string(dir.path().join(name)).unwrap(), text);
        }
    }

    #[test]
    fn the_files_of_rules_are_stored_in_order_and_are_read_again() {
        let dir = tempfile::tempdir().unwrap();
        crate::recording::testing::copy("pull-push-short", dir.path());
        let RunInputs { mut scenario, scenario_text, plan, .. } = RunInputs::load(dir.path()).unwrap();
        let file = |rule: &str| {
            let rule = format!("{{name: {rule}, event: damos_esz, always: 'esz >= 0u'}}");
            RuleFile::of("my.yaml", format!("version: 1\nsummary: Mine.\nrules: [{rule}]\n")).unwrap()
        };
        scenario.add_rules(&[file("first-rule"), file("second-rule")]).unwrap();
        begin(dir.path(), &scenario, &scenario_text, &plan).unwrap();
        let again = RunInputs::load(dir.path()).unwrap().scenario;
        let places: Vec<String> =
            again.rules.iter().map(|rule| format!("{} {}", rule.name, rule.shown_place())).collect();
        assert_eq!(again.rule_files.len(), 2);
        assert!(places[0].starts_with("first-rule ") && places[0].ends_with("rules-1.yaml:3"), "{places:?}");
        assert!(places[1].ends_with("rules-2.yaml:3"), "{places:?}");
    }

    #[test]
    fn each_run_gets_the_next_number() {
        let out = tempfile::tempdir().unwrap();
        assert!(make_folder(out.path(), "idle").unwrap().ends_with("idle/0001"));
        assert!(make_folder(out.path(), "idle").unwrap().ends_with("idle/0002"));
        for (number, next) in [("0041", "idle/0042"), ("4294967295", "idle/4294967296")] {
            fs::create_dir(out.path().join("idle").join(number)).unwrap();
            assert!(make_folder(out.path(), "idle").unwrap().ends_with(next));
        }
        assert!(make_folder(out.path(), "idle").unwrap().ends_with("idle/4294967297"));
    }

    #[test]
    fn a_name_that_leads_out_of_the_results_has_no_folder() {
        let out = tempfile::tempdir().unwrap();
        for name in ["", "..", "../other", "/etc", "a/b"] {
            assert!(make_folder(&out.path().join("results"), name).is_err(), "{name}");
        }
        assert_eq!(fs::read_dir(out.path()).unwrap().count(), 0);
    }
}
