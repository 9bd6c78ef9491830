//! damo's report of the configuration in the kernel, read like the `damon:` of a scenario: it must equal the plan. This
//! compares damo, the kernel's files, and damonlab's reader of damo's format.

use crate::check::finding::{Evidence, Violation};
use crate::check::violations::Violations;
use crate::ktap::{Ktap, TestResult};
use crate::recording::Recording;
use crate::scenario;
use damonlab_protocol::damon::Kdamond;
use damonlab_protocol::plan::Step;
use damonlab_protocol::record::section;

/// Judges the output of the programs that print a configuration, according to the plan.
pub(crate) fn judge(recording: &Recording, violations: &mut Violations) {
    let names = recording.plan.steps.iter().filter_map(|step| match step {
        Step::HostCommand { name, kdamonds: true, .. } => Some(name),
        _ => None,
    });
    let tests = Ktap::parse(&recording.tests).tests;
    for name in names {
        let passed = |test: &&crate::ktap::Test| test.name == *name && test.outcome == TestResult::Passed;
        // A program that failed or was skipped is reported as such.
        let Some(test) = tests.iter().find(passed) else { continue };
        let printed = printed(&recording.tests, test.line);
        let seen = match scenario::kdamonds("what it printed", &printed, &recording.scenario.machine) {
            Ok((kdamonds, _)) => difference(&plain(&recording.plan.kdamonds), &plain(&kdamonds)),
            Err(error) => Some(error.to_string()),
        };
        if let Some(seen) = seen {
            violations.push(|| {
                let expected = format!("what {name} prints to be the scenario's configuration");
                let mut violation = Violation::new(expected, seen);
                violation.evidence.push(Evidence::new(section::TESTS, test.line, &test.name));
                violation
            });
        }
    }
}

/// The comments right above a line.
fn printed(text: &str, line: u32) -> String {
    let above: Vec<&str> = text.lines().take(line.saturating_sub(1) as usize).collect();
    let comments = above.iter().rev().map_while(|line| line.strip_prefix("# ").or(line.strip_prefix('#')));
    let mut lines: Vec<&str> = comments.collect();
    lines.reverse();
    lines.join("\n")
}

/// A configuration without disabled parts, which damo reports and a scenario leaves out.
fn plain(kdamonds: &[Kdamond]) -> Vec<Kdamond> {
    let mut kdamonds = kdamonds.to_vec();
    for kdamond in &mut kdamonds {
        let goal = &mut kdamond.context.intervals.goal;
        *goal = goal.take().filter(|goal| goal.aggrs > 0);
    }
    kdamonds
}

/// The first line in which two configurations differ.
fn difference(expected: &[Kdamond], found: &[Kdamond]) -> Option<String> {
    if expected == found {
        return None;
    }
    let (expected, found) = (format!("{expected:#?}"), format!("{found:#?}"));
    let differs = expected.lines().zip(found.lines()).find(|(expected, found)| expected != found);
    let (expected, found) = differs.unwrap_or(("the end", "another number of lines"));
    Some(format!("{} instead of {}", found.trim(), expected.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Origin;
    use crate::subject::damon::testing::Model;

    const ONE: &str = r#"# {"kdamonds": [{"contexts": [{"ops": "paddr",
# "targets": [{"regions": [{"start": "4,096", "end": "1,048,576"}]}], "schemes": [{"action": "stat"}]}]}]}
ok 1 report
"#;

    fn findings(change: impl Fn(&mut Vec<Kdamond>)) -> Vec<String> {
        let mut recording = Model::pull_push().recording();
        let machine = recording.scenario.machine.clone();
        let (mut kdamonds, _) = scenario::kdamonds("x", &printed(ONE, 3), &machine).unwrap();
        change(&mut kdamonds);
        recording.plan.kdamonds = kdamonds;
        recording.plan.steps = vec![Step::HostCommand {
            name: "report".into(),
            run: vec!["damo".into()],
            within: damonlab_protocol::units::Nanos(1),
            kdamonds: true,
        }];
        recording.tests = format!("TAP version 13\n# other\nok 1 other\n{}", ONE.replace("ok 1", "ok 2"));
        let mut findings = Violations::default();
        judge(&recording, &mut findings);
        findings.findings_of(&Origin::Test).into_iter().map(|finding| finding.seen).collect()
    }

    #[test]
    fn the_report_of_damo_equals_the_plan() {
        assert_eq!(findings(|_| ()), [""; 0]);
    }

    /// The report of damo 3.4.3 about a kernel that it had configured.
    #[test]
    fn damos_own_report_is_read() {
        let report = include_str!("../../../tests/damo/report.json");
        let machine = Model::pull_push().recording().scenario.machine;
        let (kdamonds, _) = scenario::kdamonds("report.json", report, &machine).unwrap();
        let context = &kdamonds[0].context;
        assert_eq!(context.intervals.sample_us, 20_000);
        assert_eq!((context.schemes.len(), context.schemes[0].action.as_str()), (1, "stat"));
        assert_eq!(context.targets[0].pid, None);
    }

    #[test]
    fn another_value_is_named() {
        let seen = findings(|kdamonds| kdamonds[0].context.schemes[0].action = "pageout".into());
        assert_eq!(seen, [r#"action: "stat", instead of action: "pageout","#]);
    }
}
