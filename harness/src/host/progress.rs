//! What a long step is doing, for whoever waits: one moving line on a terminal. Elsewhere a step that takes
//! minutes prints a line every fifteen seconds, and a batch of runs prints nothing.
//!
//! Everything goes to standard error; standard output belongs to results. A process has one terminal, so all moving
//! lines are drawn together, and whoever prints a line that stays does it through [`suspend`].

use super::{moving_lines, terminal, text};
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use std::fmt;
use std::io::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

const EVERY: Duration = Duration::from_secs(15);

/// All moving lines of this process. Nothing is drawn where standard error is no terminal.
static LINES: LazyLock<MultiProgress> =
    LazyLock::new(|| MultiProgress::with_draw_target(moving_lines::draw_target()));

/// Takes the moving lines away while `print` writes to the terminal.
pub fn suspend<T>(print: impl FnOnce() -> T) -> T {
    LINES.suspend(print)
}

/// Where progress goes.
#[derive(Debug)]
pub struct Progress {
    sink: Sink,
    quiet: bool,
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
        let sink = if terminal::stderr_is_one() { Sink::Terminal } else { Sink::Lines };
        Progress { sink, quiet: false }
    }

    /// Prints and draws nothing.
    pub fn silent() -> Progress {
        Progress { sink: Sink::Silent, quiet: false }
    }

    /// The same without the lines of [`Progress::say`], if `quiet`.
    pub fn quiet(self, quiet: bool) -> Progress {
        Progress { quiet, ..self }
    }

    /// Prints one line that stays. Where it quotes text of several lines, the others are indented.
    pub fn say(&self, line: &str) {
        match &self.sink {
            // A closed standard error is no reason to stop a build.
            Sink::Terminal | Sink::Lines if !self.quiet => {
                let lines = said(line);
                suspend(|| drop(writeln!(terminal::stderr(), "{lines}")));
            }
            _ => {}
        }
    }

    /// Prints one line that stays, for whoever watches a terminal. It is not worth a line in a log.
    pub fn hint(&self, line: &str) {
        if matches!(self.sink, Sink::Terminal) {
            self.say(line);
        }
    }

    /// Begins a step that counts `unit`s, of which `expected` are to come where that is known.
    pub fn task(&self, name: &str, unit: &'static str, expected: Option<u64>) -> Task<'_> {
        let bar = self.moving_line(None, |style| style);
        let now = Instant::now();
        Task {
            progress: self,
            bar,
            name: name.to_owned(),
            unit,
            expected,
            done: 0,
            begun: now,
            last_line: now,
        }
    }

    /// Begins `total` things that end one by one, several of them at a time. Nothing is printed where there is no
    /// terminal.
    pub fn batch(&self, name: &str, total: usize) -> Batch {
        let last_end = Arc::new(AtomicU64::new(0));
        let shared = Arc::clone(&last_end);
        let time_left = move |state: &ProgressState, out: &mut dyn fmt::Write| {
            let last = Duration::from_millis(shared.load(Ordering::Relaxed));
            let left = left(state.elapsed(), last, state.pos(), state.len().unwrap_or_default());
            // The line is redrawn five times a second; one that fails is not missed.
            let _ = left.map_or(Ok(()), |left| write!(out, ", {} left", clock(left)));
        };
        let bar = self.moving_line(Some(total as u64), |style| style.with_key("left", time_left));
        bar.set_prefix(text::excerpt(name));
        Batch { bar, last_end, state: Mutex::default() }
    }

    fn moving_line(
        &self,
        total: Option<u64>,
        with_keys: impl FnOnce(ProgressStyle) -> ProgressStyle,
    ) -> ProgressBar {
        let Sink::Terminal = self.sink else {
            return ProgressBar::with_draw_target(total, ProgressDrawTarget::hidden());
        };
        let (bar, template) = match total {
            Some(total) => {
                (ProgressBar::new(total), "{spinner} {prefix}: {pos} of {len} done{left}{wide_msg}")
            }
            None => (ProgressBar::new_spinner(), "{spinner} {wide_msg}"),
        };
        let bar = LINES.add(bar);
        // The templates are constants; indicatif's own default stands in should one ever not parse.
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(with_keys(style));
        }
        bar.enable_steady_tick(Duration::from_millis(200));
        bar
    }
}

/// A line as it is printed, with whatever it quotes.
fn said(line: &str) -> String {
    let line = text::block(line.trim_end()).replace('\n', "\n  ");
    text::unlike_a_result(&line).into_owned()
}

/// As long for each thing that is left as the ones before took on average, less what has passed since the last ended.
fn left(elapsed: Duration, last_end: Duration, done: u64, total: u64) -> Option<Duration> {
    let each = last_end.as_secs_f64() / (done > 0).then_some(done as f64)?;
    let rest = each * total.saturating_sub(done) as f64 - elapsed.saturating_sub(last_end).as_secs_f64();
    Some(Duration::from_secs_f64(rest.max(0.0)))
}

/// Things that end one by one. Dropping it clears the moving line.
#[derive(Debug)]
pub struct Batch {
    bar: ProgressBar,
    /// Milliseconds from the beginning to the last end.
    last_end: Arc<AtomicU64>,
    state: Mutex<BatchState>,
}

#[derive(Debug, Default)]
struct BatchState {
    failed: usize,
    running: Vec<String>,
}

impl Batch {
    /// `item` is under way.
    pub fn begin(&self, item: &str) {
        let mut state = self.state();
        state.running.push(item.to_owned());
        self.bar.set_message(state.line());
    }

    /// `item` has ended.
    pub fn end(&self, item: &str, failed: bool) {
        let mut state = self.state();
        if let Some(place) = state.running.iter().position(|running| running == item) {
            state.running.remove(place);
        }
        state.failed += usize::from(failed);
        self.last_end.store(self.bar.elapsed().as_millis() as u64, Ordering::Relaxed);
        self.bar.set_message(state.line());
        self.bar.inc(1);
    }

    fn state(&self) -> MutexGuard<'_, BatchState> {
        // A thread that panicked has left a list that is at most one item too long.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Batch {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
        LINES.remove(&self.bar);
    }
}

impl BatchState {
    fn line(&self) -> String {
        let failed = if self.failed > 0 { format!(", {} failed", self.failed) } else { String::new() };
        let running = if self.running.is_empty() { "" } else { ", running " };
        text::excerpt(&format!("{failed}{running}{}", self.running.join(" ")))
    }
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
    last_line: Instant,
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
        if self.last_line.elapsed() >= EVERY {
            self.last_line = Instant::now();
            if matches!(self.progress.sink, Sink::Lines) {
                self.progress.say(&line);
            }
        }
        self.bar.set_message(text::excerpt(&line));
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
        LINES.remove(&self.bar);
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
    fn a_batch_names_what_is_running_and_counts_what_failed() {
        let batch = Progress::silent().batch("run", 3);
        batch.begin("idle");
        batch.begin("pull-push");
        assert_eq!(batch.state().line(), ", running idle pull-push");
        batch.end("idle", true);
        assert_eq!(batch.state().line(), ", 1 failed, running pull-push");
        batch.end("pull-push", false);
        assert_eq!((batch.state().line().as_str(), batch.bar.position()), (", 1 failed", 2));
    }

    #[test]
    fn a_line_that_quotes_several_lines_can_neither_add_one_nor_look_like_a_result() {
        assert_eq!(said("kernel: no\nPASS  fake\u{1b}[2J"), "kernel: no\n  PASS  fake\\u{1b}[2J");
        assert_eq!(said("PASS  fake"), "  PASS  fake");
    }

    #[test]
    fn the_time_left_is_known_once_something_is_done() {
        let seconds = Duration::from_secs;
        assert_eq!(left(seconds(30), seconds(0), 0, 4), None);
        assert_eq!(left(seconds(30), seconds(30), 1, 4), Some(seconds(90)));
    }

    #[test]
    fn the_time_left_runs_down_until_the_next_thing_ends() {
        let seconds = Duration::from_secs;
        assert_eq!(left(seconds(40), seconds(30), 1, 4), Some(seconds(80)));
        assert_eq!(left(seconds(400), seconds(30), 1, 4), Some(seconds(0)));
    }

    #[test]
    fn minutes_and_seconds_read_as_on_a_clock() {
        assert_eq!(clock(Duration::from_secs(605)), "10:05");
    }
}
