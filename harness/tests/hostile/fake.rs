//! A program in the place of virtme-ng and QEMU: it has QEMU's sockets, plays a guest that a test describes, and ends as the
//! test wants. It is the test program itself, started again by a script.

use damonlab::kernel::{Image, Lease};
use damonlab::run::RunEnv;
use damonlab::setup::Tools;
use nix::sys::signal::{Signal, raise};
use serde::{Deserialize, Serialize};
use std::error::Error;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;

/// The first argument of the fake.
pub const FAKE: &str = "fake-qemu";

/// How long the host may take to connect to the monitor.
const PATIENCE: Duration = Duration::from_secs(10);

/// What the fake does, in this order.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Act {
    /// Its guest prints these lines.
    pub console: Vec<String>,
    /// Its guest sends this.
    pub results: Vec<u8>,
    /// It prints this itself.
    pub words: String,
    /// It announces its end with this `reason`, and whether it is the guest's.
    pub announces: Option<(bool, String)>,
    /// The state of the machine.
    pub status: String,
    /// Its monitor answers nothing after the connection is made.
    pub mute: bool,
    pub end: End,
}

/// How the fake ends.
#[derive(Debug, Default, Serialize, Deserialize)]
pub enum End {
    #[default]
    Success,
    Error,
    Killed,
    /// It is stopped, goes on when it is continued, and prints and sends only then.
    StoppedFirst,
    /// It does nothing more.
    Hangs,
}

/// An environment in which `act` is the guest of every run, with everything in `folder`.
pub fn env(folder: &Path, act: &Act) -> Result<RunEnv, Box<dyn Error>> {
    let (script, kernel, file) = (folder.join("vng"), folder.join("bzImage"), folder.join("act.json"));
    std::fs::write(&file, serde_json::to_vec(act)?)?;
    std::fs::write(&kernel, "")?;
    // The exit status is virtme-ng's: the low byte of the wait status of QEMU.
    let program = std::env::current_exe()?;
    // Asked what QEMU can do, it can do nothing that a machine needs.
    let query = "case \" $* \" in *' -machine none '*) echo '{\"QMP\": {}}'; while read -r line; do echo '{\"return\": []}'; done; exit 0;; esac";
    let text = format!(
        "#!/bin/sh\n{query}\n'{}' {FAKE} '{}'\nstatus=$?\n[ $status -gt 128 ] && exit $((status - 128))\nexit 0\n",
        program.display(),
        file.display()
    );
    std::fs::write(&script, text)?;
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755))?;
    let path = std::env::var_os("PATH").unwrap_or_default();
    let tools = Tools {
        qemu: script.clone(),
        qemu_version: "QEMU emulator version 10.0.2".into(),
        vng: script,
        path,
        home: folder.join("home"),
    };
    let image = Image {
        bzimage: kernel,
        vmlinux: None,
        config: None,
        key: damonlab::host::names::Key::new("fake").expect("a key"),
        describe: "a fake".into(),
        release: None,
        facts: damonlab::kernel::SourceFacts::default(),
        cached: true,
        lease: Lease::default(),
    };
    Ok(RunEnv { tools, image, agent: b"", out: folder.join("results"), checkpoints: None })
}

/// A stored recording of the project.
pub fn stored(name: &str) -> std::path::PathBuf {
    damonlab::bundled::home().join("harness/tests/recordings").join(name)
}

/// Plays the act in the file; the current folder is the run's.
pub fn play(file: &Path) -> Result<(), Box<dyn Error>> {
    let act: Act = serde_json::from_slice(&std::fs::read(file)?)?;
    let monitor = UnixListener::bind("qmp.sock")?;
    let results = UnixListener::bind("results.sock")?;
    let console = UnixListener::bind("console.sock")?;
    let (mut results, mut console) = (results.accept()?.0, console.accept()?.0);
    let (connected, monitors) = mpsc::channel();
    let (status, mute) = (act.status.clone(), act.mute);
    std::thread::spawn(move || {
        let answered = monitor.accept().map(|(stream, _)| answer(stream, &status, mute, &connected));
        drop(answered);
    });
    let mut connection = None;
    if matches!(act.end, End::StoppedFirst) {
        connection = Some(monitors.recv_timeout(PATIENCE)?);
        raise(Signal::SIGSTOP)?;
    }
    act.console.iter().try_for_each(|line| write!(console, "{line}\r\n"))?;
    results.write_all(&act.results)?;
    if !act.results.is_empty() {
        // The acknowledgement; a host that refuses the results sends none.
        results.set_read_timeout(Some(Duration::from_secs(2)))?;
        let _ = results.read_exact(&mut [0; 8]);
    }
    eprint!("{}", act.words);
    if let Some((guest, reason)) = &act.announces {
        let connection = connection.map_or_else(|| monitors.recv_timeout(PATIENCE), Ok)?;
        announce(connection, *guest, reason)?;
    }
    match act.end {
        End::Success | End::StoppedFirst => std::process::exit(0),
        End::Error => std::process::exit(1),
        End::Killed => Ok(raise(Signal::SIGKILL)?),
        End::Hangs => loop {
            std::thread::sleep(Duration::from_secs(60));
        },
    }
}

/// Answers every command of the monitor, or the first alone.
fn answer(
    mut stream: UnixStream,
    status: &str,
    mute: bool,
    connected: &mpsc::Sender<UnixStream>,
) -> std::io::Result<()> {
    stream.write_all(b"{\"QMP\": {}}\n")?;
    let reader = BufReader::new(stream.try_clone()?);
    for (number, line) in reader.lines().enumerate() {
        line?;
        if mute && number > 0 {
            continue;
        }
        stream.write_all(format!("{{\"return\": {{\"status\": \"{status}\"}}}}\n").as_bytes())?;
        if number == 0 {
            let _ = connected.send(stream.try_clone()?);
        }
    }
    Ok(())
}

fn announce(mut monitor: UnixStream, guest: bool, reason: &str) -> Result<(), Box<dyn Error>> {
    let event =
        format!("{{\"event\": \"SHUTDOWN\", \"data\": {{\"guest\": {guest}, \"reason\": \"{reason}\"}}}}\n");
    Ok(monitor.write_all(event.as_bytes())?)
}
