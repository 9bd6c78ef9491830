//! The guest's console: the boot handshake, and what the kernel says when it dies.
//!
//! rexpect reads it. Between the socket and rexpect sits [`Tee`], which writes every byte to the
//! recording's `console.txt` and stops a guest that talks without end: rexpect keeps all it has read.
//! rexpect 0.7.1 goes on reading after an error, for ever, so the tee gives it an end instead.

use super::error::VmError;
use damonlab_protocol::plan::{DRAIN_MARK, READY_MARK};
use fs_err as fs;
use rexpect::error::Error as ConsoleError;
use rexpect::reader::{ReadUntil, Regex};
use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::Duration;

/// More console text than this is a guest gone wild; a full boot with `loglevel=7` is 40 KB.
const CONSOLE_LIMIT: usize = 8 << 20;

/// With QEMU gone the console's end is there.
const END_PATIENCE: Duration = Duration::from_secs(5);

/// What was read on the console.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// The agent is up and about to read the plan.
    Ready,
    /// The measured part is over.
    Draining,
    /// `Kernel panic - not syncing: ...`, without the first words.
    Panic(String),
    /// QEMU closed the console.
    End,
    /// The guest printed more than the limit.
    TooMuch,
    /// The log could not be written.
    NotLogged,
}

/// Listens on the console until it ends, in threads of its own. The log begins with `before`. `limit`
/// bounds the silence between two things heard; the caller's clocks are shorter, so it only keeps the
/// threads from staying.
pub fn listen(
    stream: UnixStream,
    log: &Path,
    before: &[u8],
    limit: Duration,
    heard: Sender<Heard>,
) -> Result<Logged, VmError> {
    let mut file = fs::File::create(log)?;
    file.write_all(before)?;
    listen_to(stream, file, limit, CONSOLE_LIMIT, heard)
}

fn listen_to(
    stream: UnixStream,
    log: fs::File,
    limit: Duration,
    size: usize,
    heard: Sender<Heard>,
) -> Result<Logged, VmError> {
    let answers = stream.try_clone().map_err(|cause| VmError::Socket { name: "console", cause })?;
    let too_much = Arc::new(AtomicBool::new(false));
    let not_logged = Arc::new(AtomicBool::new(false));
    let (open, logged) = mpsc::channel();
    let (too_much_told, not_logged_told) = (Arc::clone(&too_much), Arc::clone(&not_logged));
    let tee =
        Tee { stream, log, left: size, too_much: too_much_told, not_logged: not_logged_told, _open: open };
    let panic = Regex::new("Kernel panic - not syncing: [^\r\n]*[\r\n]").map_err(io::Error::other)?;
    let limit = u64::try_from(limit.as_millis()).unwrap_or(u64::MAX);
    std::thread::spawn(move || {
        let mut session = rexpect::session::StreamSession::new(
            tee,
            answers,
            rexpect::reader::Options::new().timeout_ms(Some(limit)),
        );
        loop {
            // Whole lines: the kernel echoes the marks' words in other lines' middles at most.
            let marks = [READY_MARK, DRAIN_MARK].map(|mark| ReadUntil::String(format!("{mark}\r\n")));
            let mut needles = Vec::from(marks);
            // No EOF needle: it would win over a mark that came with the end in one read.
            needles.push(ReadUntil::Regex(panic.clone()));
            let mut news = understand(session.exp_any(needles));
            if news == Heard::End && too_much.load(Ordering::SeqCst) {
                news = Heard::TooMuch;
            } else if news == Heard::End && not_logged.load(Ordering::SeqCst) {
                news = Heard::NotLogged;
            }
            let last = matches!(news, Heard::End | Heard::TooMuch | Heard::NotLogged);
            if heard.send(news).is_err() || last {
                return;
            }
        }
    });
    Ok(Logged(logged))
}

/// The log in the making.
pub struct Logged(Receiver<()>);

impl Logged {
    /// Waits until the console has ended and all of it is in the log. (The thread that rexpect polls in may
    /// take a tenth of a second more to notice; nobody has to wait for it.)
    pub fn wait(self) {
        // Nothing is ever sent: it ends with the reader.
        let _ = self.0.recv_timeout(END_PATIENCE);
    }
}

/// rexpect gives the needle that it found as text. Its errors are the end of the console, or a silence
/// longer than any clock; the caller's clocks speak first then.
fn understand(found: Result<(String, String), ConsoleError>) -> Heard {
    match found {
        Ok((_, needle)) if needle.starts_with(READY_MARK) => Heard::Ready,
        Ok((_, needle)) if needle.starts_with(DRAIN_MARK) => Heard::Draining,
        Ok((_, needle)) => {
            let reason = needle.trim_end().trim_start_matches("Kernel panic - not syncing: ");
            Heard::Panic(crate::host::text::printable(reason))
        }
        Err(_) => Heard::End,
    }
}

/// A reader that keeps a copy, up to a limit, and ends where the stream fails.
struct Tee {
    stream: UnixStream,
    log: fs::File,
    left: usize,
    too_much: Arc<AtomicBool>,
    not_logged: Arc<AtomicBool>,
    /// Dropped with this reader, at the console's end.
    _open: Sender<()>,
}

impl Read for Tee {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Ok(read) = self.stream.read(buffer) else { return Ok(0) };
        let kept = read.min(self.left);
        if kept < read {
            self.too_much.store(true, Ordering::SeqCst);
        }
        self.left -= kept;
        match self.log.write_all(&buffer[..kept]) {
            Ok(()) => Ok(kept),
            Err(_) => {
                self.not_logged.store(true, Ordering::SeqCst);
                Ok(0)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is heard of a console that says `text` and closes, and the log that remains.
    fn heard_of(text: &[u8], size: usize) -> (Vec<Heard>, String) {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("console.txt");
        let (host, mut guest) = UnixStream::pair().unwrap();
        let (sender, receiver) = mpsc::channel();
        let file = fs::File::create(&log).unwrap();
        let logged = listen_to(host, file, Duration::from_secs(10), size, sender).unwrap();
        guest.write_all(text).unwrap();
        drop(guest);
        let all = receiver.iter().collect();
        logged.wait();
        (all, fs::read_to_string(log).unwrap())
    }

    #[test]
    fn a_run_that_goes_well_is_ready_drains_and_ends() {
        let text = b"[    0.1] boot\r\ndamonlab-guest: ready\r\ndamonlab-guest: draining\r\n[ 9.9] reboot: Power down\r\n";
        let (all, log) = heard_of(text, CONSOLE_LIMIT);
        assert_eq!(all, [Heard::Ready, Heard::Draining, Heard::End]);
        assert_eq!(log.as_bytes(), text);
    }

    #[test]
    fn a_panic_is_heard_with_its_reason() {
        let text = b"[ 1.0] Kernel panic - not syncing: VFS: Unable to mount root fs\r\n[ 1.0] CPU: 0\r\n";
        let (all, _) = heard_of(text, CONSOLE_LIMIT);
        assert_eq!(all, [Heard::Panic("VFS: Unable to mount root fs".into()), Heard::End]);
    }

    #[test]
    fn a_guest_that_talks_without_end_is_cut_off() {
        let (all, log) = heard_of(&[b'x'; 5000], 1000);
        assert_eq!(all, [Heard::TooMuch]);
        assert!(log.len() <= 1000, "{} bytes kept", log.len());
    }
}
