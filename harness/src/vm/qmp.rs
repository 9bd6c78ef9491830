//! A client of QEMU's monitor protocol: line-delimited JSON over a Unix socket, in which replies are mixed with events
//! (`qmp-spec.rst`).

use crate::host::text;
use serde_json::{Value, json};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

/// The longest line that is read; a reply has a few hundred bytes.
const LINE_LIMIT: u64 = 1 << 20;

/// How long QEMU may take to answer. A busy main loop answers within milliseconds.
const PATIENCE: Duration = Duration::from_secs(5);

/// A connection past the greeting.
#[derive(Debug)]
pub struct Qmp {
    reader: BufReader<UnixStream>,
    shutdown: Option<Shutdown>,
}

/// Why QEMU ends, as it announces it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shutdown {
    /// Whether the guest ended it.
    pub guest: bool,
    /// The reason: `guest-reset`, `guest-shutdown`, `host-signal`.
    pub reason: String,
}

impl Qmp {
    /// Connects and leaves negotiation mode.
    pub fn connect(socket: &Path) -> io::Result<Qmp> {
        Qmp::over(UnixStream::connect(socket)?)
    }

    /// Uses an existing connection.
    pub fn over(stream: UnixStream) -> io::Result<Qmp> {
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        let mut qmp = Qmp { reader: BufReader::new(stream), shutdown: None };
        let greeting = qmp.line()?;
        if greeting.get("QMP").is_none() {
            return Err(io::Error::other("the monitor socket sends no QMP greeting"));
        }
        qmp.execute("qmp_capabilities", json!({}))?;
        Ok(qmp)
    }

    /// Runs a command and returns its `return`.
    pub fn execute(&mut self, command: &str, arguments: Value) -> io::Result<Value> {
        let line = json!({"execute": command, "arguments": arguments}).to_string() + "\n";
        self.reader.get_mut().write_all(line.as_bytes())?;
        // Events without end are no answer.
        let until = Instant::now() + PATIENCE;
        while Instant::now() < until {
            let mut answer = self.line()?;
            if let Some(error) = answer.get("error") {
                return Err(io::Error::other(format!("QEMU refuses {command}: {error}")));
            }
            if let Some(value) = answer.get_mut("return") {
                return Ok(value.take());
            }
            self.note(&answer);
        }
        Err(late())
    }

    /// Runs a command of the monitor for people and returns what it prints.
    pub fn monitor(&mut self, line: &str) -> io::Result<String> {
        let output = self.execute("human-monitor-command", json!({"command-line": line}))?;
        Ok(output.as_str().unwrap_or_default().to_owned())
    }

    /// The state of the machine: `running`, `paused`, `guest-panicked`, `shutdown`.
    pub fn status(&mut self) -> io::Result<String> {
        let answer = self.execute("query-status", json!({}))?;
        Ok(answer["status"].as_str().unwrap_or("unknown").to_owned())
    }

    /// Why QEMU ended, if it announced it. Reads until QEMU has closed the connection, and for [`PATIENCE`] at most if it
    /// does not.
    pub fn shutdown(&mut self) -> Option<Shutdown> {
        while let Ok(event) = self.line() {
            self.note(&event);
        }
        self.shutdown.clone()
    }

    /// Remembers the one event that matters; a run learns the rest from the console and the process.
    fn note(&mut self, event: &Value) {
        if event["event"] == "SHUTDOWN" {
            let reason = event["data"]["reason"].as_str().unwrap_or("unknown");
            let guest = event["data"]["guest"] == true;
            self.shutdown = Some(Shutdown { guest, reason: text::foreign(reason).to_string() });
        }
    }

    fn line(&mut self) -> io::Result<Value> {
        let mut line = String::new();
        let read = (&mut self.reader).take(LINE_LIMIT).read_line(&mut line);
        if read.map_err(timeout)? == 0 {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "QEMU has closed it"));
        }
        serde_json::from_str(&line).map_err(io::Error::other)
    }
}

/// The system's message for a timeout is "temporarily unavailable".
fn timeout(cause: io::Error) -> io::Error {
    match cause.kind() {
        io::ErrorKind::WouldBlock => late(),
        _ => cause,
    }
}

fn late() -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, format!("no answer within {} s", PATIENCE.as_secs()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::UnixListener;

    #[test]
    fn events_without_end_are_no_answer() {
        let (own, mut qemu) = UnixStream::pair().unwrap();
        let server = std::thread::spawn(move || {
            qemu.write_all(b"{\"QMP\": {}}\n{\"return\": {}}\n").unwrap();
            // It ends when the other end is closed.
            while qemu.write_all(b"{\"event\": \"RTC_CHANGE\"}\n").is_ok() {}
        });
        let mut qmp = Qmp::over(own).unwrap();
        assert_eq!(qmp.status().unwrap_err().kind(), io::ErrorKind::TimedOut);
        drop(qmp);
        server.join().unwrap();
    }

    #[test]
    fn an_event_between_command_and_reply_is_skipped() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("qmp.sock");
        let listener = UnixListener::bind(&path).unwrap();
        let server = std::thread::spawn(move || {
            let mut stream = listener.accept().unwrap().0;
            let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
            stream.write_all(b"{\"QMP\": {\"version\": {}}}\n").unwrap();
            lines.next().unwrap().unwrap();
            stream.write_all(b"{\"return\": {}}\n").unwrap();
            lines.next().unwrap().unwrap();
            stream.write_all(b"{\"event\": \"STOP\"}\n{\"return\": {\"status\": \"paused\"}}\n").unwrap();
        });
        assert_eq!(Qmp::connect(&path).unwrap().status().unwrap(), "paused");
        server.join().unwrap();
    }

    #[test]
    fn the_announced_end_is_remembered_wherever_it_stands() {
        let end = "{\"event\": \"SHUTDOWN\", \"data\": {\"guest\": true, \"reason\": \"guest-reset\"}}\n";
        for (before, after) in [(end, ""), ("", end)] {
            let (host, mut qemu) = UnixStream::pair().unwrap();
            let text = format!("{{\"QMP\": {{}}}}\n{before}{{\"return\": {{}}}}\n{after}");
            qemu.write_all(text.as_bytes()).unwrap();
            // Only writing ends: what the host sends must find a reader.
            qemu.shutdown(std::net::Shutdown::Write).unwrap();
            let end = Qmp::over(host).unwrap().shutdown();
            assert_eq!(end, Some(Shutdown { guest: true, reason: "guest-reset".to_owned() }));
        }
    }
}
