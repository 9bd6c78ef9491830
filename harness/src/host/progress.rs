//! What a long step is doing, for the person who waits: one line that moves on a terminal, a line
//! every fifteen seconds elsewhere.
//!
//! Everything goes to standard error; standard output belongs to results.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

const EVERY: Duration = Duration::from_secs(15);

/// Where progress is told.
#[derive(Debug)]
pub struct Progress {
    sink: Sink,
}

#[derive(Debug)]
enum Sink {
    Terminal,
    Lines,
    Silent,
}

impl Progress {
    /// A moving line if standard error is a terminal, plain lines otherwise.
    pub fn stderr() -> Progress {
        Progress { sink: if std::io::stderr().is_terminal() { Sink::Terminal } else { Sink::Lines } }
    }

    /// Says nothing.
    pub fn silent() -> Progress {
        Progress { sink: Sink::Silent }
    }

    /// Says one line that stays.
    pub fn say(&self, line: &str) {
        match &self.sink {
            // A closed standard error is no reason to stop a build.
            Sink::Terminal | Sink::Lines => drop(writeln!(std::io::stderr(), "{line}")),
            Sink::Silent => {}
        }
    }

    /// Begins a step that counts `unit`s, of which `expected` are to come where that is known.
    pub fn task(&self, name: &str, unit: &'static str, expected: Option<u64>) -> Task<'_> {
        let bar = match self.sink {
            Sink::Terminal => moving_line(),
            _ => ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden()),
        };
        let now = Instant::now();
        Task { progress: self, bar, name: name.to_owned(), unit, expected, done: 0, begun: now, told: now }
    }
}

fn moving_line() -> ProgressBar {
    let bar = ProgressBar::new_spinner();
    // The template is a constant; indicatif's own default stands in should it ever not parse.
    if let Ok(style) = ProgressStyle::with_template("{spinner} {wide_msg}") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

/// A step that is under way. Dropping it clears the moving line.
#[derive(Debug)]
pub struct Task<'a> {
    progress: &'a Progress,
    bar: ProgressBar,
    name: String,
    unit: &'static str,
    expected: Option<u64>,
    done: u64,
    begun: Instant,
    told: Instant,
}

impl Task<'_> {
    /// Units already done before this step began, as when a build goes on where it was stopped.
    pub fn resume_at(&mut self, done: u64) {
        self.done = done;
    }

    /// One more unit is done: `item`.
    pub fn advance(&mut self, item: &str) {
        self.done += 1;
        self.show(item);
    }

    /// Shows `item` without counting it.
    pub fn show(&mut self, item: &str) {
        let line = self.line(item);
        if self.told.elapsed() >= EVERY {
            self.told = Instant::now();
            if matches!(self.progress.sink, Sink::Lines) {
                self.progress.say(&line);
            }
        }
        self.bar.set_message(line);
    }

    /// Units done.
    pub fn done(&self) -> u64 {
        self.done
    }

    /// How long the step has taken.
    pub fn elapsed(&self) -> Duration {
        self.begun.elapsed()
    }

    fn line(&self, item: &str) -> String {
        let count = match (self.done, self.expected) {
            (0, _) => String::new(),
            (done, Some(expected)) if done <= expected => {
                format!("{done} of about {expected} {}, ", self.unit)
            }
            (done, _) => format!("{done} {}, ", self.unit),
        };
        format!("{}: {count}{}, {item}", self.name, clock(self.elapsed()))
    }
}

impl Drop for Task<'_> {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// `2:05` for 125 seconds.
pub fn clock(time: Duration) -> String {
    format!("{}:{:02}", time.as_secs() / 60, time.as_secs() % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_counts_up_to_what_was_expected_and_beyond() {
        let progress = Progress::silent();
        let mut task = progress.task("kernel", "objects", Some(2));
        assert_eq!(task.line("configuring"), "kernel: 0:00, configuring");
        task.advance("a.o");
        assert_eq!(task.line("a.o"), "kernel: 1 of about 2 objects, 0:00, a.o");
        task.resume_at(3);
        assert_eq!(task.line("b.o"), "kernel: 3 objects, 0:00, b.o");
    }

    #[test]
    fn minutes_and_seconds_read_as_on_a_clock() {
        assert_eq!(clock(Duration::from_secs(605)), "10:05");
    }
}
