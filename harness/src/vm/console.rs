//! The guest's console: the boot handshake, and the kernel's last messages.
//!
//! rexpect reads it. Between the socket and rexpect is [`Tee`], which writes every byte to the recording's `console.txt` and
//! stops a guest that prints without end, because rexpect stores all that it has read. After an error rexpect 0.7.1 reads
//! on forever, so the tee reports the end of the stream instead.

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

/// The most console text that is read; a full boot with `loglevel=7` prints 40 KB.
const CONSOLE_LIMIT: usize = 8 << 20;

/// How long the console may take to end after QEMU has.
const END_PATIENCE: Duration = Duration::from_secs(5);

/// An event on the console.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConsoleEvent {
    /// The agent is up and about to read the plan.
    Ready,
    /// The measured part is over.
    Draining,
    /// The reason after `Kernel panic - not syncing: `.
    Panic(String),
    /// QEMU closed the console.
    End,
    /// The guest printed more than the limit.
    TooMuchOutput,
    /// The log could not be written.
    NotLogged,
}

/// Reads the console until it ends, in its own threads, and sends what happens to `events`. The log begins with `before`.
/// The caller's clocks limit how long it may be silent, and the threads end with QEMU.
pub fn listen(
    stream: UnixStream,
    log: &Path,
    before: &[u8],
    events: Sender<ConsoleEvent>,
) -> Result<Logged, VmError> {
    let mut file = fs::File::create(log)?;
    file.write_all(before)?;
    listen_to(stream, file, CONSOLE_LIMIT, events)
}

fn listen_to(
    stream: UnixStream,
    log: fs::File,
    size: usize,
    events: Sender<ConsoleEvent>,
) -> Result<Logged, VmError> {
    let answers = stream.try_clone().map_err(|cause| VmError::Socket { name: "console", cause })?;
    let too_much = Arc::new(AtomicBool::new(false));
    let not_logged = Arc::new(AtomicBool::new(false));
    let (open, logged) = mpsc::channel();
    let tee = Tee {
        stream,
        log,
        left: size,
        too_much: Arc::clone(&too_much),
        not_logged: Arc::clone(&not_logged),
        _open: open,
    };
    let panic = Regex::new("Kernel panic - not syncing: [^\r\n]*[\r\n]").map_err(io::Error::other)?;
    std::thread::spawn(move || {
        let options = rexpect::reader::Options::new().timeout_ms(None);
        let mut session = rexpect::session::StreamSession::new(tee, answers, options);
        loop {
            // Whole lines: in the middle of other lines the kernel may repeat a mark.
            let marks = [READY_MARK, DRAIN_MARK].map(|mark| ReadUntil::String(format!("{mark}\r\n")));
            let mut needles = Vec::from(marks);
            // No EOF needle: it would win over a mark that arrives together with the end.
            needles.push(ReadUntil::Regex(panic.clone()));
            let mut event = understand(session.exp_any(needles));
            if event == ConsoleEvent::End && too_much.load(Ordering::SeqCst) {
                event = ConsoleEvent::TooMuchOutput;
            } else if event == ConsoleEvent::End && not_logged.load(Ordering::SeqCst) {
                event = ConsoleEvent::NotLogged;
            }
            let last =
                matches!(event, ConsoleEvent::End | ConsoleEvent::TooMuchOutput | ConsoleEvent::NotLogged);
            if events.send(event).is_err() || last {
                return;
            }
        }
    });
    Ok(Logged(logged))
}

/// A log that is being written.
pub struct Logged(Receiver<()>);

impl Logged {
    /// Waits until the console has ended and all of it is in the log. (rexpect's polling thread may take another tenth of a
    /// second to notice; there is no need to wait for it.)
    pub fn wait(self) {
        // The channel ends with the reader; nothing is ever sent.
        let _ = self.0.recv_timeout(END_PATIENCE);
    }
}

/// rexpect returns the text that matched. Its error is the end of the console.
fn understand(found: Result<(String, String), ConsoleError>) -> ConsoleEvent {
    match found {
        Ok((_, needle)) if needle.starts_with(READY_MARK) => ConsoleEvent::Ready,
        Ok((_, needle)) if needle.starts_with(DRAIN_MARK) => ConsoleEvent::Draining,
        Ok((_, needle)) => {
            let reason = needle.trim_end().trim_start_matches("Kernel panic - not syncing: ");
            ConsoleEvent::Panic(crate::host::text::quote(reason).to_string())
        }
        Err(_) => ConsoleEvent::End,
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
        let used = read.min(self.left);
        if used < read {
            self.too_much.store(true, Ordering::SeqCst);
        }
        self.left -= used;
        match self.log.write_all(&buffer[..used]) {
            Ok(()) => Ok(used),
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

    /// The events of a console that prints `text` and closes, and its log.
    fn events_of(text: &[u8], size: usize) -> (Vec<ConsoleEvent>, String) {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("console.txt");
        let (host, mut guest) = UnixStream::pair().unwrap();
        let (sender, receiver) = mpsc::channel();
        let file = fs::File::create(&log).unwrap();
        let logged = listen_to(host, file, size, sender).unwrap();
        guest.write_all(text).unwrap();
        drop(guest);
        let all = receiver.iter().collect();
        logged.wait();
        (all, fs::read_to_string(log).unwrap())
    }

    #[test]
    fn a_successful_run_is_ready_drains_and_ends() {
        let text = b"[    0.1] boot\r\ndamonlab-guest: ready\r\ndamonlab-guest: draining\r\n[ 9.9] reboot: Power down\r\n";
        let (all, log) = events_of(text, CONSOLE_LIMIT);
        assert_eq!(all, [ConsoleEvent::Ready, ConsoleEvent::Draining, ConsoleEvent::End]);
        assert_eq!(log.as_bytes(), text);
    }

    #[test]
    fn a_panic_is_an_event_with_its_reason() {
        let text = b"[ 1.0] Kernel panic - not syncing: VFS: Unable to mount root fs\r\n[ 1.0] CPU: 0\r\n";
        let (all, _) = events_of(text, CONSOLE_LIMIT);
        assert_eq!(all, [ConsoleEvent::Panic("VFS: Unable to mount root fs".into()), ConsoleEvent::End]);
    }

    #[test]
    fn a_guest_that_prints_without_end_is_cut_off() {
        let (all, log) = events_of(&[b'x'; 5000], 1000);
        assert_eq!(all, [ConsoleEvent::TooMuchOutput]);
        assert!(log.len() <= 1000, "{} bytes in the log", log.len());
    }
}
