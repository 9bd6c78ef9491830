//! What a guest sends is its own fault, never the host's.

use super::fake::{Act, End, stored};
use super::{Check, fails_with, verdict};
use damonlab::check::Verdict;
use damonlab_protocol::plan::{DRAIN_MARK, READY_MARK};
use damonlab_protocol::record::section;
use damonlab_protocol::wire::Sender;
use std::error::Error;
use std::time::Duration;

pub const CHECKS: &[(&str, Check)] = &[
    ("an_honest_guest_passes", honest),
    ("a_guest_that_does_not_power_off_after_its_results_fails", runs_on),
    ("a_guest_that_powers_off_after_its_results_passes_though_qemu_lives_on", qemu_lives_on),
    ("a_guest_that_sends_no_section_fails", nothing),
    ("a_guest_that_leaves_out_a_section_fails", left_out),
    ("a_guest_whose_text_is_not_utf_8_fails", not_text),
    ("a_guest_whose_json_is_not_json_fails", not_json),
    ("a_guest_whose_sum_is_wrong_fails", wrong_sum),
    ("a_guest_that_sends_something_else_fails", garbage),
    ("a_guest_that_names_a_file_of_the_host_fails", traversal),
];

const SECTIONS: &[&str] = &[
    section::TRACE,
    section::RAW,
    section::SAMPLES,
    section::DMESG,
    section::REPORT,
    section::FORMATS,
    section::SYSFS,
];

/// The stream of the stored recording with one section changed.
fn stream(changed: &str, change: impl Fn(Vec<u8>) -> Option<Vec<u8>>) -> Result<Vec<u8>, Box<dyn Error>> {
    let mut sender = Sender::new(Vec::new())?;
    for name in SECTIONS {
        let file = stored("pull-push-short").join(name);
        // An older recording does not have all of them.
        let Ok(bytes) = std::fs::read(file) else { continue };
        let bytes = if *name == changed { change(bytes) } else { Some(bytes) };
        if let Some(bytes) = bytes {
            sender.section(name, bytes.len() as u64, bytes.as_slice())?;
        }
    }
    Ok(sender.finish()?)
}

/// A guest that sends this and powers off.
fn guest(results: Vec<u8>) -> Act {
    Act {
        console: vec![READY_MARK.into(), DRAIN_MARK.into()],
        results,
        announces: Some((true, "guest-shutdown".into())),
        ..Act::default()
    }
}

/// A guest whose run passes.
pub fn honest_guest() -> Result<Act, Box<dyn Error>> {
    Ok(guest(stream("", Some)?))
}

fn honest() -> Result<(), Box<dyn Error>> {
    match verdict(&honest_guest()?)? {
        Verdict::Pass => Ok(()),
        other => Err(other.to_string().into()),
    }
}

fn runs_on() -> Result<(), Box<dyn Error>> {
    let act = Act { announces: None, status: "running".into(), end: End::Hangs, ..guest(stream("", Some)?) };
    let report = super::report(&act, |clocks| clocks.shutdown = Duration::from_secs(1))?;
    fails_with(&report.verdict, "clock")
}

fn qemu_lives_on() -> Result<(), Box<dyn Error>> {
    let act = Act { mute: true, end: End::Hangs, ..guest(stream("", Some)?) };
    let report = super::report(&act, |clocks| clocks.shutdown = Duration::from_secs(1))?;
    match report.verdict {
        Verdict::Pass => Ok(()),
        other => Err(other.to_string().into()),
    }
}

fn nothing() -> Result<(), Box<dyn Error>> {
    fails_with(&verdict(&guest(Sender::new(Vec::new())?.finish()?))?, "bad-results")
}

fn left_out() -> Result<(), Box<dyn Error>> {
    for name in [section::TRACE, section::SAMPLES, section::DMESG, section::REPORT, section::SYSFS] {
        fails_with(&verdict(&guest(stream(name, |_| None)?))?, "bad-results")
            .map_err(|error| format!("{name}: {error}"))?;
    }
    Ok(())
}

fn not_text() -> Result<(), Box<dyn Error>> {
    for name in [section::SAMPLES, section::FORMATS, section::SYSFS, section::REPORT] {
        let binary = |bytes: Vec<u8>| Some([b"\xff\xfe\n".to_vec(), bytes].concat());
        fails_with(&verdict(&guest(stream(name, binary)?))?, "bad-results")
            .map_err(|error| format!("{name}: {error}"))?;
    }
    Ok(())
}

fn not_json() -> Result<(), Box<dyn Error>> {
    let half = |mut bytes: Vec<u8>| {
        bytes.truncate(bytes.len() / 2);
        Some(bytes)
    };
    for name in [section::SAMPLES, section::REPORT] {
        fails_with(&verdict(&guest(stream(name, half)?))?, "bad-results")
            .map_err(|error| format!("{name}: {error}"))?;
    }
    Ok(())
}

fn wrong_sum() -> Result<(), Box<dyn Error>> {
    let mut bytes = stream("", Some)?;
    if let Some(last) = bytes.last_mut() {
        *last ^= 1;
    }
    fails_with(&verdict(&guest(bytes))?, "bad-results")
}

fn garbage() -> Result<(), Box<dyn Error>> {
    fails_with(&verdict(&guest(b"HTTP/1.1 200 OK\r\n\r\n".to_vec()))?, "bad-results")
}

fn traversal() -> Result<(), Box<dyn Error>> {
    let mut sender = Sender::new(Vec::new())?;
    sender.section("../../../etc/passwd", 1, &b"x"[..])?;
    fails_with(&verdict(&guest(sender.finish()?))?, "bad-results")
}
