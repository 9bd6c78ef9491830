//! Everything that is printed, made of hostile text at every source of text: nothing of it reaches a terminal raw, adds a
//! line that looks like a result, or floods the screen.

use super::error::CliError;
use super::error_text;
use crate::bisect::{BisectLog, Ending, Failure, SearchResult, Step, StepVerdict};
use crate::check::{
    Evidence, ExpectationStatus, Finding, Measured, Origin, RunEnd, Suite, Tests, Verdict, kernel_log,
};
use crate::compare::{Attribution, Comparison, Discrepancy, Pair, Scenario as Compared, SeedVerdicts, Side};
use crate::host::command::{Limits, command_for, succeed};
use crate::host::hostile;
use crate::host::terminal::Terminal;
use crate::host::text::{RESULT_WORDS, is_shown, unlike_a_result};
use crate::judge::{self, Judgement, Report};
use crate::kernel::KernelError;
use crate::machine::{Machine, MachineError};
use crate::mutants::{
    Catch, Generated, GeneratedCatch, Header, Kind, MutantResult, Record, Score, SeedCatches, SeedCount,
    Strength,
};
use crate::recording::RecordingError;
use crate::report::read_back::{is_github, is_html, is_junit, is_ktap, is_mail, is_markdown};
use crate::report::testing::written;
use crate::report::{self, Accepted, Event, Format, Inventory, Item, KernelCache, Listing, RunView, Started};
use crate::report::{Summary, Tally, Verbosity};
use crate::scenario::{GuestClock, Scenario};
use crate::series::read_patches;
use crate::setup::{Importance, Row, State, Work};
use crate::vm::VmError;
use damonlab_protocol::units::Bytes;
use proptest::prelude::*;
use serde_json::Value;
use std::cell::RefCell;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::time::Duration;

/// Whatever it takes of the same hostile words, one after the other.
#[derive(Debug)]
struct Words(Vec<String>, RefCell<usize>);

impl Words {
    fn next(&self) -> String {
        let mut at = self.1.borrow_mut();
        *at += 1;
        self.0[*at % self.0.len()].clone()
    }

    /// A path as a file could have it: no zero byte, and not too long.
    fn path(&self) -> PathBuf {
        self.next().replace('\0', "").chars().take(200).collect::<String>().into()
    }
}

fn words() -> impl Strategy<Value = Words> {
    prop::collection::vec(hostile::text(), 3..9).prop_map(|words| Words(words, RefCell::new(0)))
}

/// What a format prints of everything that there is.
fn printed(format: Format, print: impl FnOnce(&mut dyn report::Reporter)) -> String {
    written(format, Verbosity::Verbose, print)
}

/// How many bytes an item may have on the screen, and how many anything else.
const ITEM: usize = 250_000;
const ANSWER: usize = 250_000;

/// Only newlines, characters with a shape, lines of bounded length, and at most so many bytes.
fn is_safe(text: &str, most: usize) {
    for line in text.split('\n') {
        assert!(line.chars().all(is_shown), "{line:?}");
        assert!(line.chars().count() <= 10_000, "a line of {} characters", line.chars().count());
    }
    assert!(text.len() <= most, "{} bytes", text.len());
}

/// As many lines look like results as there are results.
fn has_results(text: &str, count: usize) {
    let results = text.lines().filter(|line| RESULT_WORDS.iter().any(|word| line.starts_with(word)));
    assert_eq!(results.count(), count, "{text}");
}

/// All of it in both formats.
fn check_items(items: &[Item], answer: Vec<String>, notes: Vec<String>, data: Value) {
    let mut tally = Tally::default();
    items.iter().for_each(|item| tally.add(item));
    let names = items.iter().map(|item| item.name.clone()).collect();
    let kernel = Some(items[0].name.clone());
    let started = Started { command: "run", items: names, kernel };
    let summary = Summary { command: "run", answer, notes, tally, seconds: 1.0, data };
    let print = |reporter: &mut dyn report::Reporter| {
        reporter.event(&Event::Started(&started)).unwrap();
        items.iter().for_each(|item| reporter.event(&Event::Finished(item)).unwrap());
        reporter.event(&Event::Summary(&summary)).unwrap();
    };
    let text = printed(Format::Human, print);
    is_safe(&text, ANSWER + ITEM * items.len());
    has_results(&text, items.len());
    is_json(&printed(Format::Json, print), items.len() + 2);
    let print = || |reporter: &mut dyn report::Reporter| print(reporter);
    is_junit(&printed(Format::Junit, print()), items.len());
    is_ktap(&printed(Format::Ktap, print()), items);
    is_markdown(&printed(Format::Markdown, print()), items.len());
    is_html(&printed(Format::Html, print()));
    is_mail(&printed(Format::Mail, print()));
    let text = printed(Format::Github, print());
    is_safe(&text, 2 * (ANSWER + ITEM * items.len()));
    is_github(&text);
}

fn is_json(text: &str, lines: usize) {
    assert!(text.chars().all(|c| c == '\n' || is_shown(c)), "{text:?}");
    assert_eq!(text.lines().count(), lines);
    for line in text.lines() {
        report::is_published(line);
        assert!(line.len() < 15_000_000);
    }
}

fn check_listing(listing: &Listing) {
    let text = printed(Format::Human, |reporter| reporter.listing(listing).unwrap());
    is_safe(&text, ANSWER);
    has_results(&text, 0);
    is_json(&printed(Format::Json, |reporter| reporter.listing(listing).unwrap()), 1);
}

/// What `damonlab` prints of an error, in either theme of miette.
fn check_error(error: CliError) {
    let text = error_text::rendered(error);
    let mut plain = Vec::new();
    Terminal::new(anstream::StripStream::new(&mut plain as &mut dyn Write), Format::Human.lines())
        .write_all(text.as_bytes())
        .unwrap();
    let text = String::from_utf8(plain).unwrap();
    is_safe(&text, ANSWER);
    has_results(&text, 0);
    assert!(
        text.lines().filter(|line| !line.is_empty()).all(|line| line.starts_with([' ', '\u{d7}'])),
        "{text}"
    );
}

/// The stored run with hostile text wherever a guest, a kernel or a file can put it.
fn run(words: &Words, verdict: Verdict) -> Report {
    // Judged once: it takes a while.
    static JUDGED: LazyLock<Judgement> = LazyLock::new(|| {
        let stored = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recordings/pull-push-short");
        judge::rejudge(&stored).unwrap().judgement.unwrap()
    });
    let mut judgement = JUDGED.clone();
    judgement.measured.push(Measured {
        index: 0,
        what: words.next(),
        wanted: words.next(),
        seen: words.next(),
        value: None,
        answer: ExpectationStatus::Passed,
        scenario_line: 1,
    });
    let pair = || (words.next(), words.next());
    let suite = Suite { name: words.next(), skipped: vec![pair()], again: vec![pair()], ..Suite::default() };
    judgement.tests = Tests { suites: vec![suite], lacking: vec![words.next()] };
    if let Some(first) = judgement.skipped.first_mut() {
        first.1 = words.next();
    }
    Report {
        scenario: words.next(),
        summary: words.next(),
        machine: Some(words.next()),
        kernel: words.next(),
        qemu: Some(words.next()),
        clock: GuestClock::Virtual,
        accelerator: None,
        dir: words.path(),
        verdict,
        judgement: Some(judgement),
        intended: Vec::new(),
        notes: vec![words.next(), words.next()],
        guest_time: Duration::ZERO,
        wall_time: Some(Duration::from_secs(1)),
        repeated: None,
    }
}

fn findings(words: &Words) -> Vec<Finding> {
    let mut all = kernel_log::scan("dmesg.txt", &format!("4,9;WARNING: {}", words.next()));
    all.push(Finding {
        origin: Origin::RunEnd(RunEnd::GuestError),
        expected: words.next(),
        seen: words.next(),
        evidence: vec![Evidence::new("guest.json", 1, &words.next())],
        scenario_line: None,
        more: 0,
    });
    all
}

fn step(words: &Words, verdict: StepVerdict) -> Step {
    let recording = Some(words.path());
    Step { patch: Some(words.next()), recording, ..crate::bisect::tests::step(1, verdict) }
}

#[test]
fn text_of_thousands_of_lines_does_not_flood_the_screen() {
    for flood in ["\n", "\u{1b}[2J", "\n  violated        fake (K1)\nPASS  idle", "漢\u{e0041}"] {
        let words = Words(vec![flood.repeat(9000)], RefCell::new(0));
        for verdict in [Verdict::Pass, Verdict::Fail(findings(&words)), Verdict::Infra(words.next())] {
            let item = RunView::of(&run(&words, verdict)).item();
            check_items(&[item], vec![words.next()], vec![words.next()], Value::from(words.next()));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 100, ..ProptestConfig::default() })]

    #[test]
    fn runs_print_nobody_elses_text_raw(words in words()) {
        let verdicts = [
            Verdict::Pass,
            Verdict::Fail(findings(&words)),
            Verdict::Skip(words.next()),
            Verdict::Unstable(words.next()),
            Verdict::Infra(words.next()),
        ];
        let item = |verdict| {
            let report = run(&words, verdict);
            RunView { name: words.next(), repeat: Some(words.next()), ..RunView::of(&report) }.item()
        };
        check_items(&verdicts.map(item), vec![words.next()], vec![words.next()], Value::from(words.next()));
    }

    #[test]
    fn bisections_mutants_and_comparisons_print_nobody_elses_text_raw(words in words()) {
        let failure = || Failure { ids: vec!["K1".into(), words.next()], sentence: words.next(), seed: None };
        let steps = vec![
            step(&words, StepVerdict::Good),
            step(&words, StepVerdict::Bad(failure())),
            step(&words, StepVerdict::DoesNotBuild { why: words.next() }),
        ];
        let items: Vec<Item> = steps.iter().map(|one| report::step(one, 3)).collect();
        let log = BisectLog { steps, ending: Ending::Result(SearchResult::OneOf(1..=1)) };
        let commands = [words.next(), words.next()];
        check_items(&items, report::bisection(&log, 1, 3, &commands), Vec::new(), report::bisection_data(&log, 3, &commands));

        let catch = Catch {
            strength: Strength::Invariant, ids: vec![words.next()], scenario: words.next(), seed: 0, sentence: words.next(),
        };
        let count = || SeedCount { scenario: words.next(), caught: vec![0], missed: vec![1], no_result: vec![2] };
        let seeds = || SeedCatches { seeds: words.next(), scenarios: vec![count()], ..SeedCatches::default() };
        let by_generated = catch.clone();
        let generated = || Generated {
            catch: Some(GeneratedCatch { catch: by_generated.clone(), file: words.next().into(), recording: words.next().into() }),
            ..Generated::default()
        };
        let results = [MutantResult::Noticed(catch), MutantResult::NotRun, MutantResult::Unnoticed, MutantResult::DoesNotBoot { why: words.next() }];
        let header = || Header { symptom: Some(words.next()), caught_by: vec![words.next()], ..Header::default() };
        let records = results.map(|result| Record {
            name: words.next(), kind: Kind::Regression, header: header(), result, ran: vec![(words.next(), "pass".into())],
            unknown_scenarios: vec![words.next()], intended: Default::default(), build_seconds: None, run_seconds: 1.0, image: words.next(),
            suite: words.next(), program: words.next(), seeds: Some(seeds()), generated: Some(generated()),
        });
        let items: Vec<Item> = records.iter().map(|record| report::mutant(record, Some(words.next()))).collect();
        let score = Score::of(&records);
        check_items(&items, report::score(&score), Vec::new(), report::score_data(&score));

        let discrepancy = Discrepancy {
            id: "K1".into(), line: None, sentence: words.next(), seeds: Pair { a: vec![0], b: vec![] },
            attribution: Attribution::Only(Side::A),
        };
        let comparison = Comparison {
            kernels: Pair { a: words.next(), b: words.next() },
            scenarios: vec![Compared {
                name: words.next(),
                verdicts: vec![SeedVerdicts { seed: 0, verdicts: Pair { a: Some("pass"), b: Some("fail") } }],
                discrepancies: vec![discrepancy], rows: Vec::new(),
                no_answer: vec![(Side::B, 0, words.next())],
            }],
            interface: vec![words.next()],
            no_boot: None,
        };
        let items: Vec<Item> = comparison.scenarios.iter().map(report::scenario).collect();
        let (answer, notes) = (report::comparison(&comparison), report::comparison_notes(&comparison));
        check_items(&items, answer, notes, report::comparison_data(&comparison));
    }

    #[test]
    fn lists_and_the_doctor_print_nobody_elses_text_raw(words in words()) {
        let scenario = Scenario::load(&crate::bundled::home().join("scenarios/idle.yaml")).unwrap();
        let hostile = Scenario { name: words.next(), summary: words.next(), ..scenario.clone() };
        check_listing(&Inventory {
            scenarios: vec![(crate::bundled::Origin::BuiltIn, hostile)],
            machines: Vec::new(),
            kernels: KernelCache { images: Vec::new(), folders: Vec::new(), limit: Bytes(1) },
            checkpoints: Vec::new(),
            checkpoint_limit: Bytes(1),
        }.listing());
        let row = |state| Row {
            name: "QEMU".into(), state, purpose: "guests".into(), importance: Importance::Required, work: Work::Guest, packages: Vec::new(),
            fix: Some("damonlab setup".into()),
        };
        check_listing(&report::doctor(&[row(State::Found(words.next()))], "", &[words.next()]));
        let argv = Machine::new(&scenario.machine).unwrap().argv;
        let accepted = Accepted { seconds: 1.0, notes: vec![words.next()] };
        check_listing(&report::machine(&words.next(), "a drawing\n", &argv, Some(&accepted)));
        let page = judge::explain(&judge::origin("G5").unwrap(), |_| Some(format!(
            "int damos_calc_eligible_bytes(void)\n{{\n{}\n}}\n", words.next()
        )));
        let text = unlike_a_result(&page.to_string()).into_owned();
        let mut out = Vec::new();
        Terminal::new(&mut out, Format::Human.lines()).write_all(text.as_bytes()).unwrap();
        let text = String::from_utf8(out).unwrap();
        is_safe(&text, ANSWER);
        has_results(&text, 0);
    }

    #[test]
    fn errors_print_nobody_elses_text_raw(words in words()) {
        let unknown = CliError::Unknown { kind: "scenario", name: words.next(), help: words.next() };
        check_error(unknown);
        check_error(CliError::Io(io::Error::other(words.next())));
        check_error(CliError::Vm(VmError::NotStarted { log: words.path(), lines: words.next() }));
        check_error(CliError::Machine(MachineError::Quoting(words.next())));
        check_error(RecordingError::Incomplete(words.path()).into());
        check_error(KernelError::PatchRefused { patch: words.path(), to: words.next(), problem: words.next() }.into());
        check_error(KernelError::Compile { excerpt: words.next(), log: words.path() }.into());
        for text in [
            words.next(),
            format!("version: 1\nsummary: {:?}\nx: 1\n", words.next()),
            format!("version: 1\n{:?}: 1\n", words.next()),
            format!("version: 1\nsummary: x\nmachine: {}\n", words.next()),
        ] {
            if let Err(error) = Scenario::parse(&words.next(), &text) {
                check_error(Box::new(error).into());
            }
        }
    }

    #[test]
    fn errors_about_patches_and_programs_print_nobody_elses_text_raw(words in words()) {
        let diff = "--- a/x\n+++ b/../x\n@@ -1 +1 @@\n-a\n+b\n";
        for text in [
            format!("From: a\nSubject: [PATCH 1/2] {}\n\n{diff}", words.next()),
            format!("diff --git a/x b/x\n--- a/{0}\n+++ b/{0}\n@@ -1 +1 @@\n-a\n+b\n", words.next()),
            words.next(),
        ] {
            let folder = tempfile::tempdir().unwrap();
            let file = folder.path().join("x.patch");
            std::fs::write(&file, text).unwrap();
            if let Err(error) = read_patches(&[file]) {
                check_error(KernelError::from(error).into());
            }
        }
        check_error(KernelError::from(read_patches(&[words.path()]).unwrap_err()).into());
        let mut shell = command_for("/bin/sh");
        shell.args(["-c", "printf %s \"$0\" >&2; exit 1"]).arg(words.path());
        check_error(KernelError::from(succeed(&mut shell, Limits::LOCAL).unwrap_err()).into());
    }

    #[test]
    fn a_mistake_in_the_arguments_prints_none_of_them_raw(words in words()) {
        use clap::Parser;
        let arguments = ["damonlab".into(), "run".into(), "--seed".into(), words.path().into_os_string(), words.path().into()];
        if let Err(error) = super::command::Cli::try_parse_from(&arguments) && error.use_stderr() {
            let text = error_text::usage(&error, arguments.into_iter());
            let text = anstream::adapter::strip_str(&text).to_string();
            is_safe(&text, ANSWER);
            has_results(&text, 0);
        }
    }
}
