//! Which of DAMON's modules a scenario turns on: their kdamonds are in no configuration, and their events are expected.

use crate::recording::Recording;
use damonlab_protocol::plan::Step;

/// DAMON's modules.
const MODULES: [&str; 3] = ["damon_stat", "damon_reclaim", "damon_lru_sort"];

/// Whether the recording's scenario turns a module on, at boot or in a step.
pub(crate) fn are_turned_on(recording: &Recording) -> bool {
    let at_boot = recording.scenario.boot.parameters.iter().filter_map(|one| one.split_once('='));
    let before = recording.plan.boot_writes.iter().map(|write| (write.path.as_str(), write.value.as_str()));
    let steps = recording.plan.steps.iter().flat_map(Step::parts);
    let in_steps = steps.filter_map(|step| match step {
        Step::Write { file, value, refused: None } => Some((file.as_str(), value.as_str())),
        _ => None,
    });
    at_boot.chain(before).chain(in_steps).any(|(name, value)| is_switch(name) && is_on(value))
}

/// Whether it is the switch of a module: as a kernel parameter, a file of a step, or a path.
fn is_switch(name: &str) -> bool {
    MODULES.iter().any(|module| {
        let forms = [
            format!("{module}.enabled"),
            format!("module/{module}/enabled"),
            format!("/sys/module/{module}/parameters/enabled"),
        ];
        forms.iter().any(|form| form == name)
    })
}

/// As the kernel reads it (`kstrtobool`).
fn is_on(value: &str) -> bool {
    value.starts_with(['y', 'Y', 't', 'T', '1']) || value.eq_ignore_ascii_case("on")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::subject::damon::testing::Model;

    #[test]
    fn a_module_is_turned_on_at_boot_by_a_write_before_the_workloads_or_in_a_step() {
        let mut recording = Model::pull_push().recording();
        assert!(!are_turned_on(&recording));
        recording.scenario.boot.parameters = vec!["damon_stat.enabled=1".into()];
        assert!(are_turned_on(&recording));
        recording.scenario.boot.parameters.clear();
        let write = |value: &str, refused| Step::Write {
            file: "module/damon_reclaim/enabled".into(),
            value: value.into(),
            refused,
        };
        for (step, on) in [
            (write("Y", None), true),
            (write("N", None), false),
            (write("Y", Some("EBUSY".to_owned())), false),
        ] {
            recording.plan.steps = vec![step];
            assert_eq!(are_turned_on(&recording), on);
        }
    }
}
