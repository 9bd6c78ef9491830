//! Runs with several steps at once that change DAMON: which configuration was in force when is not known, so only rules that
//! need none are applied.

use super::rule::{DamonRule, Reason};
use super::rules::{placement, regions};
use crate::recording::Recording;
use damonlab_protocol::plan::Step;

/// The rules that hold whatever the configuration is.
static WITHOUT_CONFIGURATION: &[&DamonRule] =
    &[&regions::REGIONS_ARE_SORTED_AND_DISJOINT, &placement::NO_PAGE_STAYS_ISOLATED];

/// Why `rule` does not apply to a recording, if steps at once are the reason.
pub(crate) fn forbid(rule: &DamonRule, recording: &Recording) -> Option<Reason> {
    let nth = recording.plan.steps.iter().position(Step::unsettles_damon)?;
    if WITHOUT_CONFIGURATION.iter().any(|one| one.about.id == rule.about.id) {
        return None;
    }
    let nth = nth + 1;
    Some(format!("step {nth} changes DAMON in several ways at once, so the configuration is not known"))
}

#[cfg(test)]
mod tests {
    use crate::judge::judge;
    use crate::subject::damon::testing::Model;
    use damonlab_protocol::plan::{Step, Task};

    fn at_once(steps: [Step; 2]) -> Step {
        let task = |step| Task { step, times: 1, after: None, pauses: Vec::new(), priority: 2 };
        Step::Together { tasks: steps.into_iter().map(task).collect(), kdamonds: 0 }
    }

    fn applied(step: Step) -> Vec<&'static str> {
        let mut recording = Model::pull_push().recording();
        let last = recording.report.steps[1].clone();
        recording.plan.steps.insert(2, step);
        recording.report.steps.insert(2, last);
        let judged = judge(&recording);
        assert_eq!(judged.findings, []);
        judged.applied.iter().map(|about| about.id).collect()
    }

    #[test]
    fn a_rule_that_needs_the_configuration_does_not_apply_to_a_race_for_it() {
        let race = applied(at_once([Step::Stop, Step::ReadBack]));
        assert!(race.contains(&"R1") && race.contains(&"K1"), "{race:?}");
        assert!(!race.contains(&"A1") && !race.contains(&"G2"), "{race:?}");
    }

    #[test]
    fn steps_at_once_that_leave_damon_alone_leave_the_rules_alone() {
        let calm = applied(at_once([Step::ReadBack, Step::ReadBack]));
        assert!(calm.contains(&"A1") && calm.contains(&"G2"), "{calm:?}");
    }
}
