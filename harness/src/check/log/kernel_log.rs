//! The kernel log: K1 and K3, over `dmesg.txt` and over what a console said.

use super::splats::{ALLOWED, Allowed, Splat, kind, version};
use crate::check::finding::{Evidence, Finding, Origin, Violation};
use crate::check::rule::{About, Kind, RecordingRule, Rule, RuleResult, Source};
use crate::ktap;
use crate::recording::Recording;
use damonlab_protocol::record::section;

/// A report spreads over many lines; a pattern so soon after another is part of the same one.
const REPORT_LINES: usize = 40;

/// How many lines of a report are shown.
const SHOWN_LINES: usize = 12;

pub(crate) static KERNEL_LOG_IS_CLEAN: RecordingRule = Rule {
    about: About {
        id: "K1",
        name: "kernel-log-is-clean",
        kind: Kind::Exact,
        statement: "The kernel log has no warning, bug, oops or sanitizer report.",
        because: "A correct kernel logs no warning in a valid scenario.",
        source: &[
            Source::File("lib/bug.c"),
            Source::File("kernel/panic.c"),
            Source::File("arch/x86/mm/fault.c"),
            Source::File("mm/kasan/report.c"),
        ],
        file: file!(),
        when: "always",
    },
    judge: kernel_log_is_clean,
};

fn kernel_log_is_clean(recording: &Recording) -> RuleResult {
    reported(recording, &KERNEL_LOG_IS_CLEAN)
}

pub(crate) static KERNEL_LOG_HAS_NO_STALL: RecordingRule = Rule {
    about: About {
        id: "K3",
        name: "kernel-log-has-no-stall",
        kind: Kind::Timed,
        statement: "The kernel log has no hung task, stall or lockup.",
        because: "Virtual time stands still while the host is busy, so nothing in the guest waits long without a reason.",
        source: &[
            Source::File("kernel/hung_task.c"),
            Source::File("kernel/rcu/tree_stall.h"),
            Source::File("kernel/watchdog.c"),
            Source::File("kernel/workqueue.c"),
        ],
        file: file!(),
        when: "always",
    },
    judge: kernel_log_has_no_stall,
};

fn kernel_log_has_no_stall(recording: &Recording) -> RuleResult {
    reported(recording, &KERNEL_LOG_HAS_NO_STALL)
}

fn reported(recording: &Recording, rule: &'static RecordingRule) -> RuleResult {
    let found = reports(section::DMESG, &recording.dmesg, &ALLOWED).into_iter();
    let of_rule = found.filter(|(splat, _)| splat.rule == rule.about.id);
    RuleResult::Applied(of_rule.map(|(_, violation)| violation).collect())
}

/// The rules about the kernel log.
pub(crate) static RULES: &[&RecordingRule] = &[&KERNEL_LOG_IS_CLEAN, &KERNEL_LOG_HAS_NO_STALL];

/// A finding for each report of a bug in a kernel log that is not on the allow list. `text` is `dmesg.txt`
/// (`priority,time;message`) or a console's (`[  1.234567] message`); `file` is named in the findings.
pub fn scan(file: &'static str, text: &str) -> Vec<Finding> {
    let found = reports(file, text, &ALLOWED).into_iter();
    let finding = |(splat, violation): (&Splat, _)| {
        let rule = RULES.iter().find(|rule| rule.about.id == splat.rule)?;
        Some(Finding::of(Origin::Rule(&rule.about), violation))
    };
    found.filter_map(finding).collect()
}

/// The reports in a log that are not allowed, each with what it is a report of.
fn reports(file: &'static str, text: &str, allowed: &[Allowed<'_>]) -> Vec<(&'static Splat, Violation)> {
    let lines: Vec<&str> = text.lines().collect();
    let kernel = lines.iter().find_map(|line| version(message(line).strip_prefix("Linux version ")?));
    let holds = |entry: &&Allowed<'_>| kernel.is_none_or(|kernel| kernel < entry.until);
    let allowed: Vec<&str> = allowed.iter().filter(holds).map(|entry| entry.pattern).collect();
    let mut findings = Vec::new();
    let mut at = 0;
    while at < lines.len() {
        let Some(first) = kind(message(lines[at])) else {
            at += 1;
            continue;
        };
        let end = report_end(&lines, at);
        let (splat, headline) = headline(&lines[at..end], first);
        if !allowed.iter().any(|pattern| headline.contains(pattern)) {
            let expected = format!("a kernel log without {} ({})", splat.name, splat.meaning);
            let mut finding = Violation::new(expected, format!("{}: {headline}", splat.name));
            for (offset, line) in lines[at..end].iter().enumerate().take(SHOWN_LINES) {
                let number = u32::try_from(at + offset + 1).unwrap_or(u32::MAX);
                finding.evidence.push(Evidence::new(file, number, line));
            }
            findings.push((splat, finding));
        }
        at = end;
    }
    findings
}

/// One past the last line of a report: its end mark, or so many lines after its last pattern, up to
/// the next report.
fn report_end(lines: &[&str], start: usize) -> usize {
    let limit = lines.len().min(start + REPORT_LINES);
    for (at, line) in lines.iter().enumerate().take(limit).skip(start + 1) {
        let message = message(line);
        if message.contains("[ cut here ]") || message.starts_with("Kernel panic") {
            return at;
        }
        if message.contains("---[ end ") {
            return at + 1;
        }
    }
    limit
}

/// The most specific line of a report, and the kind of report that it shows: the one after the cut mark. A
/// WARN with a text of its own has that text there, so the kind is that of the first line that has one.
fn headline<'a>(report: &[&'a str], first: &'static Splat) -> (&'static Splat, &'a str) {
    let mut messages = report.iter().map(|line| message(line)).filter(|line| !line.contains("[ cut here ]"));
    let line = messages.next().unwrap_or_default();
    let cut = report.first().is_some_and(|line| line.contains("[ cut here ]"));
    let splat = if cut { kind(line).or_else(|| messages.find_map(kind)) } else { Some(first) };
    (splat.unwrap_or(first), line)
}

/// A line without its prefix; a console's lines without their indentation, too.
fn message(line: &str) -> &str {
    let message = ktap::message(line);
    if message.len() < line.len() && !line.starts_with(|c: char| c.is_ascii_digit()) {
        return message.trim_start_matches(' ');
    }
    message
}

#[cfg(test)]
mod tests {
    use super::super::splats::{Place, SPLATS, allowed};
    use super::*;
    use std::path::Path;

    #[test]
    fn every_pattern_names_a_rule_about_the_kernel_log() {
        let is_rule = |id| RULES.iter().any(|rule| rule.about.id == id);
        assert!(SPLATS.iter().all(|splat| is_rule(splat.rule)));
    }

    /// Each file under `tests/logs/bad` begins with `# expect: ` and what its only finding says.
    #[test]
    fn every_bad_log_gives_the_finding_that_it_names() {
        let mut count = 0;
        for (path, text) in logs("bad") {
            let (expected, log) = text.split_once('\n').unwrap();
            let expected = expected.strip_prefix("# expect: ").unwrap();
            let seen: Vec<String> = scan("dmesg.txt", log).into_iter().map(|finding| finding.seen).collect();
            assert_eq!(seen, [expected], "{path}");
            count += 1;
        }
        assert!(count >= 20, "only {count} logs");
    }

    #[test]
    fn no_healthy_log_gives_a_finding() {
        for (path, text) in logs("good") {
            assert_eq!(scan("dmesg.txt", &text), [], "{path}");
        }
    }

    fn logs(kind: &str) -> Vec<(String, String)> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/logs").join(kind);
        let entries = fs_err::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        let mut logs: Vec<_> =
            entries.map(|path| (path.display().to_string(), fs_err::read_to_string(path).unwrap())).collect();
        logs.sort();
        assert!(!logs.is_empty());
        logs
    }

    #[test]
    fn every_pattern_is_found_in_a_line_of_either_form() {
        for splat in SPLATS.iter() {
            let text = match splat.place {
                Place::Begins => splat.pattern.to_owned(),
                Place::Has => format!("x{}", splat.pattern),
            };
            for line in [format!("4,1234567;{text} x"), format!("[   12.345678][   T52] {text} x")] {
                assert_eq!(scan("dmesg.txt", &line).len(), 1, "{line}");
            }
        }
    }

    #[test]
    fn two_reports_are_two_findings() {
        let log = "4,1;------------[ cut here ]------------\n4,2;WARNING: a\n4,3;---[ end trace 0 ]---\n\
                   4,4;------------[ cut here ]------------\n4,5;WARNING: b\n";
        let findings = scan("dmesg.txt", log);
        assert_eq!(findings.len(), 2);
        assert_eq!(findings[1].evidence[0].number, 4);
        assert!(findings[1].seen.ends_with("WARNING: b"));
    }

    #[test]
    fn a_known_report_is_allowed_until_the_kernel_that_fixes_it_and_no_other_is() {
        let list = allowed(
            "is not on the same node | 7.4 | two CPUs of a socket on two nodes | https://example.org/1",
        );
        let log = |version: &str, text: &str| {
            format!(
                "5,0;Linux version {version} (damonlab)\n4,1;------------[ cut here ]------------\n4,2;{text}\n"
            )
        };
        let known = "sched: CPU #1's llc-sibling CPU #0 is not on the same node! [node: 1 != 0]. Ignoring dependency.";
        let count = |log: &str| reports("dmesg.txt", log, &list).len();
        assert_eq!(count(&log("7.3.4", known)), 0);
        assert_eq!(count(&log("7.4.0-rc1", known)), 1);
        assert_eq!(count(&log("7.3.4", "WARNING: mm/damon/core.c:1 at x+0x1/0x2")), 1);
    }
}
