use super::*;
use crate::host::fault::{Fault, Faulty};
use damonlab_protocol::units::Bytes;
use std::time::Instant;

fn shell(script: &str) -> Command {
    let mut command = command_for("/bin/sh");
    command.args(["-c", script]);
    command
}

/// Less time than a test may take.
const SHORT: Limits = Limits { time: Duration::from_millis(300), output: Bytes(64 << 10) };

#[test]
fn the_error_of_a_failed_command_has_its_last_lines() {
    let error = succeed(&mut shell("echo out; echo broken >&2; exit 3"), Limits::QUERY).unwrap_err();
    assert_eq!(error.to_string(), "/bin/sh failed (exit status: 3):\n  broken");
}

#[test]
fn of_a_long_output_the_error_has_the_last_lines_of_both_streams() {
    let script = "for i in 1 2 3 4 5 6 7 8 9 10 11 12 13; do echo line $i; done; echo broken >&2; exit 3";
    let error = succeed_showing(&mut shell(script), Limits::QUERY, |_| {}).unwrap_err().to_string();
    assert!(error.starts_with("/bin/sh failed (exit status: 3):\n  line 3\n  line 4\n"), "{error}");
    assert!(error.ends_with("  line 13\n  broken"), "{error}");
}

#[test]
fn a_missing_program_is_named() {
    let error = capture(&mut command_for("/nonexistent/tool"), Limits::QUERY).unwrap_err();
    assert!(error.to_string().starts_with("cannot start /nonexistent/tool: "), "{error}");
}

#[test]
fn followed_lines_come_from_both_streams_in_order() {
    let mut lines = Vec::new();
    let script = shell("echo one; echo two >&2; printf 'three\\r\\nfour'");
    let status = follow(&mut { script }, Limits::QUERY, |line| {
        lines.push(line.to_owned());
        Ok(())
    })
    .unwrap();
    assert!(status.success());
    assert_eq!(lines, ["one", "two", "three", "four"]);
}

#[test]
fn a_line_without_end_is_shown_in_pieces() {
    let mut longest = 0;
    let mut total = 0;
    let mut zeros = shell("head -c 1000000 /dev/zero");
    follow(&mut zeros, Limits::LOCAL, |line| {
        longest = longest.max(line.len());
        total += line.len();
        Ok(())
    })
    .unwrap();
    assert!(total == 1_000_000 && longest <= 2 * LONGEST_LINE, "{total} {longest}");
}

#[test]
fn input_and_output_may_both_be_larger_than_a_pipe() {
    let input = vec![b'x'; 3 << 20];
    let output = answer(&mut command_for("cat"), &input, Limits::LOCAL).unwrap();
    assert!(output.status.success() && output.stdout == input);
}

#[test]
fn a_program_that_does_not_read_its_input_ends_with_its_own_status() {
    let input = vec![b'x'; 1 << 20];
    assert_eq!(answer(&mut shell("exit 4"), &input, Limits::LOCAL).unwrap().status.code(), Some(4));
}

#[test]
fn a_program_that_hangs_is_ended_and_named_with_its_limit() {
    for script in ["exec sleep 600", "exec >/dev/null 2>&1; exec sleep 600", "sleep 600 & wait"] {
        let error = capture(&mut shell(script), SHORT).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!(
                "`/bin/sh -c {script}` did not end within 300ms, so damonlab ended it; run it by hand to see what it \
                 waits for"
            )
        );
        assert_eq!(error.fault(), Fault::Infra);
    }
}

#[test]
fn a_program_that_prints_without_end_is_ended_at_its_limit() {
    for script in ["exec yes", "exec yes >&2", "exec cat /dev/zero", "yes & exec sleep 600"] {
        let error = capture(&mut shell(script), Limits::QUERY).unwrap_err().to_string();
        assert!(error.contains("printed more than 64 KiB"), "{error}");
        let mut shown = 0;
        follow(&mut shell(script), Limits::QUERY, |line| {
            shown += line.len();
            Ok(())
        })
        .unwrap_err();
        assert!(shown <= 2 * LONGEST_LINE, "{script}: {shown}");
    }
}

#[test]
fn a_child_that_outlives_its_leader_does_not_block_us_and_is_an_error() {
    let start = Instant::now();
    for script in ["sleep 600 & echo started", "setsid sleep 600 & echo started"] {
        let error = follow(&mut shell(script), Limits::LOCAL, |_| Ok(())).unwrap_err().to_string();
        assert!(error.contains("ended and left a process behind that has its output open"), "{error}");
    }
    assert!(start.elapsed() < Duration::from_secs(30));
}

#[test]
fn what_the_reader_of_a_line_cannot_do_ends_the_command() {
    let error =
        follow(&mut shell("echo x; exec sleep 600"), Limits::LOCAL, |_| Err(io::Error::other("full")));
    assert_eq!(error.unwrap_err().to_string(), "cannot follow /bin/sh: full");
}

#[test]
fn a_program_that_is_talked_with_is_ended_in_time_and_with_it_the_talk() {
    let (ours, theirs) = std::os::unix::net::UnixStream::pair().unwrap();
    let mut sleep = command_for("sleep");
    sleep.arg("600").stdin(std::process::Stdio::from(std::os::fd::OwnedFd::from(theirs)));
    let error = attend(sleep, SHORT, || io::read_to_string(ours)).unwrap_err();
    assert!(matches!(error, RunError::TimedOut { .. }), "{error}");
}
