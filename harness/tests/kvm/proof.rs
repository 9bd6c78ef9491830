//! What the output of an outer guest proves. Pure.

use damonlab_protocol::plan::{DRAIN_MARK, ERROR_MARK};
use libtest_mimic::{Failed, Trial};

/// What is proven.
#[derive(Debug, PartialEq, Eq)]
pub enum Proof {
    /// Every scenario passed under KVM, and its guest read the acknowledgement.
    Proven,
    /// Nothing: the host was too slow, or the emulated machine failed.
    Unproven(String),
    /// damonlab does something wrong under KVM.
    Failed(String),
}

/// Signs of a crash of the outer kernel; the console of an inner one stands behind a prefix.
const CRASHES: [&str; 4] = ["] Kernel panic", "] BUG: ", "] Oops: ", "] stack guard page"];

/// The last line of the kernel of an inner guest that powered off.
const POWER_OFF: &str = "reboot: Power down";

/// What a report says where the host was too slow or the emulated machine failed, and what that means.
const INCONCLUSIVE: [(&str, &str); 5] = [
    (
        "KVM does not work here: the guest hung",
        "the host is too slow: the guest that tries KVM was silent for 20 s",
    ),
    // An emulated SVM that fails ends the inner guest anywhere, most often in its boot.
    ("before the agent was ready", "the inner guest was lost while it booted"),
    ("the boot clock ran out", "the host is too slow for the boot clock"),
    ("the scenario clock ran out", "the host is too slow for the scenario clock"),
    ("UNSTABLE", "the host is too busy"),
];

/// Judges `log`, which has to have a part for each of `scenarios`.
pub fn of(log: &str, scenarios: &[String]) -> Proof {
    let mut unproven = None;
    for scenario in scenarios {
        match run(log, scenario) {
            Proof::Proven => {}
            Proof::Unproven(why) => drop(unproven.get_or_insert(why)),
            failed @ Proof::Failed(_) => return failed,
        }
    }
    unproven.map_or(Proof::Proven, Proof::Unproven)
}

fn run(log: &str, scenario: &str) -> Proof {
    let Some((_, rest)) = log.split_once(&format!("outer: begins {scenario}\n")) else {
        return Proof::Unproven(not_reached(log, scenario));
    };
    let Some((text, result)) = rest.split_once(&format!("outer: {scenario} ")) else {
        return Proof::Unproven(not_reached(log, scenario));
    };
    let result = result.lines().next().unwrap_or_default();
    let failed = |why: &str| Proof::Failed(format!("{scenario}: {why} ({result})\n{text}"));
    let behind = |prefix: &str| -> String {
        text.lines().filter_map(|line| line.strip_prefix(prefix)).map(|line| format!("{line}\n")).collect()
    };
    let (inner, report) = (behind("inner: "), behind("report: "));
    if let Some((_, why)) = INCONCLUSIVE.iter().find(|(sign, _)| report.contains(sign)) {
        return Proof::Unproven(format!("{scenario}: {why}"));
    }
    match result {
        "status=0 argument=kvm recording=kvm" => match inner.split_once(DRAIN_MARK) {
            _ if inner.contains(ERROR_MARK) => failed("the guest reports an error"),
            Some((_, after)) if after.contains(POWER_OFF) => Proof::Proven,
            _ => failed(
                "the guest did not power off after its results, so it did not read the acknowledgement",
            ),
        },
        _ => failed("it did not pass under KVM"),
    }
}

fn not_reached(log: &str, scenario: &str) -> String {
    match log
        .lines()
        .find(|line| CRASHES.iter().any(|crash| line.contains(crash)) && !line.starts_with("inner: "))
    {
        Some(line) => format!("{scenario}: the outer guest crashed: {line}"),
        None => format!("{scenario}: the host is too slow: the outer guest did not get to its end"),
    }
}

/// The tests of this module.
pub fn trials() -> Vec<Trial> {
    vec![
        Trial::test("a_run_under_kvm_whose_guest_powered_off_is_a_proof", proven),
        Trial::test("a_guest_that_reports_an_error_or_does_not_power_off_is_a_failure", failed),
        Trial::test("a_run_under_tcg_is_a_failure_unless_the_host_was_too_slow", tcg),
        Trial::test("an_outer_guest_that_did_not_get_there_proves_nothing", unproven),
    ]
}

const GOOD: &str = "outer: begins idle\ninner: damonlab-guest: draining\ninner: [  9.1] reboot: Power down\n\
                    report: PASS  idle\nouter: idle status=0 argument=kvm recording=kvm\nouter: done\n";

fn expect(log: &str, fits: fn(&Proof) -> bool) -> Result<(), Failed> {
    let proof = of(log, &["idle".to_owned()]);
    if fits(&proof) { Ok(()) } else { Err(format!("{proof:?} of\n{log}").into()) }
}

fn proven() -> Result<(), Failed> {
    expect(GOOD, |proof| *proof == Proof::Proven)
}

fn failed() -> Result<(), Failed> {
    let not =
        |from: &str, to: &str| expect(&GOOD.replace(from, to), |proof| matches!(proof, Proof::Failed(_)));
    not("inner: [", "inner: damonlab-guest: error: results not delivered\ninner: [")?;
    not("inner: [  9.1] reboot: Power down\n", "")?;
    not("status=0", "status=1")
}

fn tcg() -> Result<(), Failed> {
    let tcg = GOOD.replace("kvm", "tcg");
    expect(&tcg, |proof| matches!(proof, Proof::Failed(_)))?;
    for slow in INCONCLUSIVE.map(|(sign, _)| format!("report: {sign}\nreport: PASS")) {
        expect(&tcg.replace("report: PASS", &slow), |proof| matches!(proof, Proof::Unproven(_)))?;
    }
    Ok(())
}

fn unproven() -> Result<(), Failed> {
    let (cut, _) = GOOD.split_once("outer: idle").ok_or("no result")?;
    expect("", |proof| matches!(proof, Proof::Unproven(why) if why.contains("too slow")))?;
    expect(cut, |proof| matches!(proof, Proof::Unproven(why) if why.contains("too slow")))?;
    let crashed = format!("{cut}[   32.8] stack guard page: 0000 [#1] PREEMPT SMP NOPTI\n");
    expect(&crashed, |proof| matches!(proof, Proof::Unproven(why) if why.contains("crashed")))
}
