//! The page about a guest's state: first what it comes to, up to an empty line, then everything that was found. Pure.

use super::activity::{self, Activity, Moment};
use super::registers::Cpu;
use super::stack::Frame;
use super::state::Taken;
use super::symbols::Symbols;
use super::task_dump::{self, Task};
use crate::host::text::{foreign, printable};
use std::fmt::Write;

/// So many functions of a stack are in the summary, and so many tasks.
const SHORT: usize = 8;
const TASKS: usize = 8;

/// No more of what the kernel printed is kept.
const PRINTED: usize = 2 << 20;

/// The functions in which every task sleeps.
const SLEEP: &[&str] =
    &["__schedule", "schedule", "schedule_timeout", "schedule_hrtimeout_range", "context_switch"];

/// The page, with what the kernel `printed` about its tasks, and its `log`.
pub(super) fn text(taken: &Taken, printed: &str, log: &str) -> String {
    let tasks = task_dump::parse(printed);
    let mut page = String::new();
    for line in summary(taken, &tasks) {
        let _ = writeln!(page, "{line}");
    }
    for (cpu, moments) in &taken.cpus {
        add_cpu(&mut page, &taken.symbols, cpu, moments);
    }
    for (what, text) in [("its tasks (sysrq-t)", printed), ("its log (sysrq-R)", log)] {
        if !text.is_empty() {
            let end = text.char_indices().nth(PRINTED).map_or(text.len(), |(end, _)| end);
            let _ = write!(
                page,
                "\nWhat the kernel printed when it was asked for {what}\n\n{}",
                printable(&text[..end])
            );
        }
    }
    page
}

/// What the report shows.
fn summary(taken: &Taken, tasks: &[Task]) -> Vec<String> {
    let activities: Vec<Activity> =
        taken.cpus.iter().map(|(_, moments)| Activity::of(moments, &taken.symbols)).collect();
    let mut lines = vec![activity::verdict(&activities).to_owned()];
    for ((cpu, moments), activity) in taken.cpus.iter().zip(&activities) {
        let activity = activity.to_string();
        let off = if cpu.interrupts || cpu.halted { "" } else { ", interrupts off" };
        lines.push(format!("CPU {}: {}{off}", cpu.number, foreign(&activity)));
        let last = moments.last().filter(|moment| !moment.idle && !moment.frames.is_empty());
        lines
            .extend(last.map(|moment| format!("  stack: {}", chain(&shown(&moment.frames, &taken.symbols)))));
    }
    let is_kdamond = |task: &&Task| task.name.starts_with("kdamond.");
    let told: Vec<&Task> = tasks.iter().filter(|task| is_kdamond(task) || task.is_blocked()).collect();
    for task in told.iter().take(TASKS) {
        lines.push(format!("{} (pid {}): {}", foreign(&task.name), foreign(&task.pid), state(&task.state)));
        let stack: Vec<String> =
            task.stack.iter().filter(|line| is_sure(line) && !sleeps(line)).cloned().collect();
        if !stack.is_empty() {
            lines.push(format!("  stack: {}", chain(&stack)));
        }
    }
    if told.len() > TASKS {
        lines.push(format!("and {} more tasks that wait and cannot be interrupted", told.len() - TASKS));
    }
    if !tasks.is_empty() && !tasks.iter().any(|task| is_kdamond(&task)) {
        lines.push("there is no kdamond".to_owned());
    }
    lines.extend(taken.missing.iter().map(|line| format!("not known: {}", foreign(line))));
    lines
}

/// Whether the kernel knows that the function has not returned.
fn is_sure(line: &str) -> bool {
    !line.starts_with('?')
}

fn sleeps(line: &str) -> bool {
    let name = line.split('+').next().unwrap_or_default();
    SLEEP.contains(&name)
}

fn state(letter: &str) -> String {
    match letter {
        "R" => "runs, or is ready to".to_owned(),
        "S" => "sleeps".to_owned(),
        "D" => "waits, and cannot be interrupted".to_owned(),
        other => format!("in state {}", foreign(other)),
    }
}

/// The innermost functions in one line.
fn chain(functions: &[String]) -> String {
    let sure: Vec<String> = functions.iter().take(SHORT).map(|name| foreign(name).to_string()).collect();
    let more = if functions.len() > SHORT { " < ..." } else { "" };
    format!("{}{more}", sure.join(" < "))
}

fn shown(frames: &[Frame], symbols: &Symbols) -> Vec<String> {
    let shown =
        |frame: &Frame| format!("{}{}", if frame.guessed { "? " } else { "" }, symbols.shown(frame.address));
    frames.iter().map(shown).collect()
}

fn add_cpu(page: &mut String, symbols: &Symbols, cpu: &Cpu, moments: &[Moment]) {
    let _ = write!(page, "\nCPU {} in {} samples, some milliseconds apart\n\n", cpu.number, moments.len());
    for (number, moment) in (1..).zip(moments) {
        let task = moment.task.as_deref().unwrap_or("?");
        let mode = match moment {
            Moment { idle: true, .. } => "idle",
            Moment { user: true, .. } => "in the program",
            _ => "in the kernel",
        };
        let stack = shown(&moment.frames, symbols);
        let _ = writeln!(
            page,
            "{number:3}  {} {mode}  {}",
            foreign(task),
            stack.first().map_or("", String::as_str)
        );
    }
    if let Some(last) = moments.last() {
        let _ = write!(page, "\nCPU {} in the last sample\n\n", cpu.number);
        for line in shown(&last.frames, symbols) {
            let _ = writeln!(page, "  {line}");
        }
        let _ = writeln!(page, "{}", printable(&cpu.text));
    }
}

#[cfg(test)]
mod tests {
    use super::super::registers::{self, tests::TWO};
    use super::super::symbols::tests::small;
    use super::*;

    fn taken() -> Taken {
        let cpus = registers::parse(TWO).into_iter().map(|cpu| {
            let frames = vec![Frame { address: 0xffff_ffff_8100_1010, guessed: false }];
            let busy = Moment { task: Some("kdamond.0".to_owned()), frames, ..Moment::default() };
            let moment = if cpu.halted { Moment { idle: true, ..Moment::default() } } else { busy };
            (cpu, vec![moment])
        });
        let mut taken = Taken::without(small());
        taken.cpus = cpus.collect();
        taken
    }

    #[test]
    fn the_summary_has_the_cpus_the_kdamond_and_what_waits() {
        let printed = "task:init            state:D stack:0     pid:1     tgid:1\nCall Trace:\n <TASK>\n \
            ? old+0x1/0x2\n __schedule+0x1/0x2\n damon_call+0x97/0x110\n </TASK>\n\
            task:kthreadd        state:S stack:0     pid:2     tgid:2\n\
            task:kdamond.0       state:S stack:0     pid:38    tgid:38\n";
        let page = text(&taken(), printed, "its log\n");
        let (summary, rest) = page.split_once("\n\n").unwrap();
        assert_eq!(
            summary.lines().collect::<Vec<_>>(),
            [
                "livelock: the kernel is busy with one task",
                "CPU 0: kdamond.0 runs in the kernel in 1 of 1 samples, always inside damos_apply_scheme",
                "  stack: damos_apply_scheme+0x10/0x400",
                "CPU 1: idle",
                "init (pid 1): waits, and cannot be interrupted",
                "  stack: damon_call+0x97/0x110",
                "kdamond.0 (pid 38): sleeps",
            ]
        );
        assert!(rest.contains("RIP=ffffffff81001234") && rest.contains("(sysrq-R)\n\nits log\n"), "{rest}");
    }

    #[test]
    fn nothing_that_a_guest_prints_reaches_a_terminal() {
        let mut taken = taken();
        taken.cpus[0].1[0].task = Some("\u{1b}[31mred".to_owned());
        let printed =
            "task:kdamond.\u{1b}]0;x\u{7} state:\u{1b} stack:0 pid:\u{1b}\nCall Trace:\n \u{1b}+0x1/0x2\n";
        let page = text(&taken, printed, "\u{1b}[2J");
        assert!(page.contains("kdamond.") && !page.contains(['\u{1b}', '\u{7}']), "{page:?}");
    }
}
