//! `damonlab show --follow`: a run under way on the real clock, until its recording is complete.
//!
//! A guest sends its results when the run is over, so that nothing disturbs what is measured. Until then there is its console.

use super::error::CliError;
use crate::host::interrupt;
use crate::host::text::excerpt;
use crate::host::{progress, regular_file, terminal};
use crate::recording::{CONSOLE_LOG, DIGESTS, META, PLAN, RecordingError};
use crate::vm::QEMU_ARGV;
use damonlab_protocol::units::Bytes;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::thread;
use std::time::Duration;

/// How often it looks.
const EVERY: Duration = Duration::from_millis(200);

/// How often it looks for the seal of a recording that is complete but for it.
const SEAL_TRIES: u32 = 25;

/// No command line of QEMU is longer.
const ARGV_LIMIT: Bytes = Bytes(1 << 20);

/// So much of the console is shown at most at once.
const PIECE: u64 = 64 << 10;

/// Waits for the end of the run, and shows on standard error what its guest prints meanwhile.
///
/// # Errors
/// It is no run under way, or one on virtual time; or Ctrl-C, which does not end the run.
pub(super) fn follow(dir: &Path) -> Result<(), CliError> {
    let (mut shown_bytes, mut was_under_way) = (0, false);
    while dir.join(META).symlink_metadata().is_err() {
        if dir.join(PLAN).symlink_metadata().is_err() {
            return Err(RecordingError::Incomplete(dir.to_owned()).into());
        }
        if is_virtual(dir)? {
            return Err(CliError::NothingToFollow(dir.to_owned()));
        }
        let text = console_since(&dir.join(CONSOLE_LOG), &mut shown_bytes);
        // A closed standard error changes nothing.
        progress::suspend(|| {
            text.lines().for_each(|line| drop(writeln!(terminal::stderr(), "{}", excerpt(line))));
        });
        was_under_way = true;
        interrupt::check()?;
        thread::sleep(EVERY);
    }
    // The seal comes last.
    for _ in 0..SEAL_TRIES {
        if !was_under_way || dir.join(DIGESTS).symlink_metadata().is_ok() {
            break;
        }
        thread::sleep(EVERY);
    }
    Ok(())
}

/// Whether instructions make time pass, as QEMU's command line says; not while that is not there yet.
fn is_virtual(dir: &Path) -> Result<bool, CliError> {
    match regular_file::text(&dir.join(QEMU_ARGV), ARGV_LIMIT) {
        Err(error) if error.is_not_found() => Ok(false),
        text => Ok(text.map_err(RecordingError::from)?.lines().any(|argument| argument == "-icount")),
    }
}

/// The complete lines of the console that were not shown yet; none where it cannot be read.
fn console_since(path: &Path, shown_bytes: &mut u64) -> String {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|mut file| {
        file.seek(SeekFrom::Start(*shown_bytes))?;
        file.take(PIECE).read_to_end(&mut bytes)
    });
    let lines = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    if read.is_err() || lines == 0 {
        return String::new();
    }
    *shown_bytes += lines as u64;
    String::from_utf8_lossy(&bytes[..lines]).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recording::testing::copy;
    use std::fs;

    #[test]
    fn a_run_on_virtual_time_has_nothing_to_follow() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(PLAN), "{}").unwrap();
        fs::write(dir.path().join(QEMU_ARGV), "qemu\n-icount\nshift=3\n").unwrap();
        let error = follow(dir.path()).unwrap_err();
        assert_eq!(error.exit_status(), 2);
        assert!(error.to_string().contains("virtual time"), "{error}");
    }

    #[test]
    fn a_folder_without_a_run_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let error = follow(dir.path()).unwrap_err().to_string();
        assert!(error.contains("is not a complete recording"), "{error}");
    }

    #[test]
    fn it_ends_when_the_recording_is_complete_and_at_once_when_it_is_already() {
        let dir = tempfile::tempdir().unwrap();
        copy("consist", dir.path());
        follow(dir.path()).unwrap();
        let (meta, digests) = (dir.path().join(META), dir.path().join(DIGESTS));
        let hidden = dir.path().join("hidden");
        fs::rename(&meta, &hidden).unwrap();
        let waits = thread::scope(|scope| {
            let waits = scope.spawn(|| follow(dir.path()));
            thread::sleep(Duration::from_millis(50));
            let is_waiting = !waits.is_finished();
            fs::rename(&hidden, &meta).unwrap();
            fs::write(&digests, "{}").unwrap();
            waits.join().unwrap().unwrap();
            is_waiting
        });
        assert!(waits);
    }

    #[test]
    fn each_line_of_the_console_is_shown_once_and_only_when_it_is_complete() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(CONSOLE_LOG);
        let mut at = 0;
        assert_eq!(console_since(&path, &mut at), "");
        fs::write(&path, "one\ntw").unwrap();
        assert_eq!(console_since(&path, &mut at), "one\n");
        assert_eq!(console_since(&path, &mut at), "");
        fs::write(&path, "one\ntwo\n").unwrap();
        assert_eq!(console_since(&path, &mut at), "two\n");
    }
}
