//! Takes the state of a guest that hangs, over QEMU's monitor, the guest's memory and its console.

use super::activity::Moment;
use super::memory::{Memory, PAGE, Physical};
use super::registers::{self, Cpu};
use super::state::Taken;
use super::symbols::Symbols;
use super::sysrq::{self, Console};
use super::{page, stack};
use crate::host::regular_file;
use crate::vm::log_files::{CONSOLE_LOG, GUEST_STATE};
use crate::vm::qmp::Qmp;
use crate::vm::save;
use damonlab_protocol::units::Bytes;
use fs_err as fs;
use serde_json::json;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How often the CPUs are looked at, and how long the guest runs in between.
const SAMPLES: usize = 16;
const BETWEEN: Duration = Duration::from_millis(20);

/// All samples take this long at most, and all answers of the kernel.
const SAMPLING: Duration = Duration::from_secs(5);
const ANSWERS: Duration = Duration::from_secs(8);

/// The console's text reaches its log within this time.
const ON_ITS_WAY: Duration = Duration::from_millis(50);

/// A `System.map` has 2 MB, one of a distribution's kernel 10.
const MAP_LIMIT: Bytes = Bytes(64 << 20);

/// `struct task_struct` may be this large.
const TASK_SIZE: usize = 4 * PAGE as usize;
/// `TASK_COMM_LEN`.
const NAME: usize = 16;

/// What a guest can be asked through, should it hang.
pub(in crate::vm) struct Hung {
    /// The folder of its results, with the log of the console.
    pub results: PathBuf,
    /// A folder for a page of its memory.
    pub scratch: PathBuf,
    /// The symbols of its kernel.
    pub system_map: Option<PathBuf>,
}

/// Takes the state of a guest. What fails is noted in it: the run has its verdict already. The guest may be running
/// afterwards.
pub(in crate::vm) fn take(qmp: &mut Qmp, hung: &Hung, runs: bool) -> Taken {
    let log = hung.results.join(CONSOLE_LOG);
    let console = Console(&log);
    let mut taken = Taken::without(Symbols::default());
    match hung.system_map.as_deref().map(|path| regular_file::text(path, MAP_LIMIT)) {
        Some(Ok(map)) => taken.symbols = Symbols::parse(&map),
        Some(Err(error)) => taken.missing.push(format!("no symbols: {error}")),
        None => taken.missing.push("no symbols: damonlab did not build this kernel".to_owned()),
    }
    if let Err(cause) = sample(qmp, hung, runs, &mut taken) {
        taken.missing.push(format!("not all of the CPUs: {cause}"));
        // A monitor that does not answer would take its time again.
        if cause.kind() == io::ErrorKind::TimedOut {
            return taken;
        }
    }
    std::thread::sleep(ON_ITS_WAY);
    taken.own_words = console.length();
    if !runs {
        taken.missing.push("no tasks: QEMU has stopped the guest".to_owned());
    } else if let Err(cause) = ask(qmp, &console, &mut taken) {
        taken.missing.push(format!("not all of the tasks: {cause}"));
    }
    taken
}

/// Stops the guest again and again, and looks at its CPUs. It is stopped afterwards.
fn sample(qmp: &mut Qmp, hung: &Hung, runs: bool, taken: &mut Taken) -> io::Result<()> {
    let until = Instant::now() + SAMPLING;
    for number in 0..if runs { SAMPLES } else { 1 } {
        if number > 0 {
            if Instant::now() > until {
                break;
            }
            save::go_on(qmp)?;
            std::thread::sleep(BETWEEN);
        }
        if runs {
            qmp.execute("stop", json!({}))?;
        }
        let answer = qmp.monitor("info registers -a")?;
        let mut physical = GuestMemory { qmp, file: hung.scratch.join("page"), until };
        for cpu in registers::parse(&answer) {
            let moment = moment(&mut physical, &taken.symbols, &cpu);
            match taken.cpus.iter_mut().find(|(known, _)| known.number == cpu.number) {
                Some((last, moments)) => {
                    *last = cpu;
                    moments.push(moment);
                }
                None => taken.cpus.push((cpu, vec![moment])),
            }
        }
    }
    Ok(())
}

fn moment(physical: &mut GuestMemory<'_>, symbols: &Symbols, cpu: &Cpu) -> Moment {
    let mut moment = Moment { idle: cpu.halted, user: cpu.is_in_user_mode(), ..Moment::default() };
    let Some(top) = symbols.address("init_top_pgt") else { return moment };
    let mut memory = Memory::new(physical, top, cpu.levels);
    moment.task = task(&mut memory, symbols, cpu.number);
    if !moment.user {
        moment.frames = stack::walk(&mut memory, symbols, cpu.rip, cpu.rsp, cpu.rbp);
    }
    // The idle task, on its way to the halt or back.
    moment.idle |= moment.task.as_deref().is_some_and(|name| name.starts_with("swapper/"));
    moment
}

/// The name of the task on a CPU. Where a task has its name is where `init_task` has "swapper/0".
fn task(memory: &mut Memory<'_>, symbols: &Symbols, cpu: usize) -> Option<String> {
    let offsets = symbols.address("__per_cpu_offset")?;
    let data = memory.word(offsets + 8 * cpu as u64)?;
    let current = memory.word(data.wrapping_add(symbols.address("current_task")?))?;
    let init = memory.bytes(symbols.address("init_task")?, TASK_SIZE)?;
    let place = init.windows(8).position(|bytes| bytes == b"swapper/")?;
    let name = memory.bytes(current.wrapping_add(place as u64), NAME)?;
    let end = name.iter().position(|byte| *byte == 0)?;
    Some(String::from_utf8_lossy(&name[..end]).into_owned())
}

/// Has the kernel print its tasks, and its locks if it knows them.
fn ask(qmp: &mut Qmp, console: &Console<'_>, taken: &mut Taken) -> io::Result<()> {
    let until = Instant::now() + ANSWERS;
    if !sysrq::press(qmp, console, sysrq::ALL_MESSAGES, until)? {
        return Err(io::Error::other("the kernel takes no interrupt from its console"));
    }
    // Other kernels answer with a list of the letters that they know.
    let of = |function: &str, letter: u8| taken.symbols.address(function).map(|_| letter);
    let locks = of("debug_show_all_locks", sysrq::LOCKS);
    let log = of("sysrq_handle_replay_logs", sysrq::LOG);
    for letter in locks.into_iter().chain([sysrq::TASKS]).chain(log) {
        qmp.execute("stop", json!({}))?;
        if !sysrq::press(qmp, console, letter, until)? {
            return Err(io::Error::other("the kernel did not answer in time"));
        }
        if letter == sysrq::TASKS {
            taken.tasks_end = console.length();
        }
    }
    Ok(())
}

/// The memory of a stopped guest, a page at a time. After `until` there is none.
struct GuestMemory<'a> {
    qmp: &'a mut Qmp,
    file: PathBuf,
    until: Instant,
}

impl Physical for GuestMemory<'_> {
    fn page(&mut self, address: u64) -> Option<Vec<u8>> {
        if Instant::now() > self.until {
            return None;
        }
        let arguments = json!({"val": address, "size": PAGE, "filename": self.file});
        if let Err(cause) = self.qmp.execute("pmemsave", arguments) {
            if cause.kind() == io::ErrorKind::TimedOut {
                self.until = Instant::now();
            }
            return None;
        }
        let page = fs::read(&self.file).ok()?;
        (page.len() as u64 == PAGE).then_some(page)
    }
}

/// Removes the state of an earlier guest with these results: one that was booted for a checkpoint.
pub(in crate::vm) fn discard(results: &Path) -> io::Result<()> {
    match fs::remove_file(results.join(GUEST_STATE)) {
        Err(cause) if cause.kind() != io::ErrorKind::NotFound => Err(cause),
        _ => Ok(()),
    }
}

impl Taken {
    /// Stores the state beside the results, after the console has ended. What the kernel printed because it was asked moves
    /// from the console's log into the state: the log has what the guest printed by itself.
    pub(in crate::vm) fn store(&self, results: &Path) -> io::Result<()> {
        let console = results.join(CONSOLE_LOG);
        let bytes = fs::read(&console)?;
        let place = |length: u64| usize::try_from(length).unwrap_or(usize::MAX).min(bytes.len());
        let (own, tasks_end) = (place(self.own_words), place(self.tasks_end.max(self.own_words)));
        let [tasks, log] = [&bytes[own..tasks_end], &bytes[tasks_end..]].map(String::from_utf8_lossy);
        let mut file = fs::File::create(results.join(GUEST_STATE))?;
        file.write_all(page::text(self, &tasks, &log).as_bytes())?;
        fs::OpenOptions::new().write(true).open(&console)?.set_len(own as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::super::registers::tests::TWO;
    use super::*;
    use std::io::{BufRead, BufReader};
    use std::os::unix::net::UnixStream;
    use std::thread::JoinHandle;

    /// A QEMU that answers what `answer` makes of each command, and is silent where that is none. Returns all commands.
    fn qemu(answer: fn(&str) -> Option<serde_json::Value>) -> (Qmp, JoinHandle<Vec<String>>) {
        let (own, mut stream) = UnixStream::pair().unwrap();
        let server = std::thread::spawn(move || {
            let mut commands = Vec::new();
            stream.write_all(b"{\"QMP\": {}}\n").unwrap();
            for line in BufReader::new(stream.try_clone().unwrap()).lines() {
                let command: serde_json::Value = serde_json::from_str(&line.unwrap()).unwrap();
                let name = command["execute"].as_str().unwrap().to_owned();
                if let Some(value) = answer(&name) {
                    stream.write_all(format!("{}\n", json!({"return": value})).as_bytes()).unwrap();
                }
                commands.push(name);
            }
            commands
        });
        (Qmp::over(own).unwrap(), server)
    }

    /// What is stored of a guest of which the console had one line.
    fn stored(answer: fn(&str) -> Option<serde_json::Value>, runs: bool) -> (String, Vec<String>) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().to_owned();
        fs::write(path.join(CONSOLE_LOG), "its own words\n").unwrap();
        let (mut qmp, server) = qemu(answer);
        let hung = Hung { results: path.clone(), scratch: path.clone(), system_map: None };
        let taken = take(&mut qmp, &hung, runs);
        drop(qmp);
        taken.store(&path).unwrap();
        assert_eq!(fs::read_to_string(path.join(CONSOLE_LOG)).unwrap(), "its own words\n");
        let state = fs::read_to_string(path.join(GUEST_STATE)).unwrap();
        discard(&path).unwrap();
        discard(&path).unwrap();
        assert!(!path.join(GUEST_STATE).exists());
        (state, server.join().unwrap())
    }

    #[test]
    fn a_monitor_that_does_not_answer_costs_seconds_and_is_named() {
        let started = Instant::now();
        let (state, _) = stored(|name| (name == "qmp_capabilities").then(|| json!({})), true);
        assert!(started.elapsed() < Duration::from_secs(8));
        assert!(state.starts_with("unknown: no CPU could be read\n"), "{state}");
        assert!(state.contains("not known: not all of the CPUs: no answer within 5 s"), "{state}");
    }

    #[test]
    fn a_guest_that_qemu_has_stopped_is_looked_at_once_and_asked_nothing() {
        let answer = |name: &str| Some(if name == "human-monitor-command" { json!(TWO) } else { json!({}) });
        let (state, commands) = stored(answer, false);
        assert_eq!(commands, ["qmp_capabilities", "human-monitor-command"]);
        assert!(state.contains("CPU 0: an unknown task runs in the kernel in 1 of 1 samples\n"), "{state}");
        assert!(state.contains("not known: no symbols: damonlab did not build this kernel\n"), "{state}");
        assert!(state.contains("RIP=ffffffff81001234"), "{state}");
    }
}
