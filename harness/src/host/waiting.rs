//! What this process waits for, reported once to whoever watches, if it takes long.

use super::{progress, terminal};
use std::io::Write;
use std::time::{Duration, Instant};

/// A wait that is shorter is not worth a line.
const SHORT: Duration = Duration::from_secs(2);

/// A wait that is under way.
#[derive(Debug)]
pub(super) struct Waiting {
    begun: Instant,
    reported: bool,
}

impl Waiting {
    pub(super) fn begin() -> Waiting {
        Waiting { begun: Instant::now(), reported: false }
    }

    /// The wait goes on, for `what`. It has to be called again and again.
    pub(super) fn still(&mut self, what: impl FnOnce() -> String) {
        self.still_unless_known(|| Some(what()));
    }

    /// The same, where `what` has nothing to say if its reason was reported already.
    pub(super) fn still_unless_known(&mut self, what: impl FnOnce() -> Option<String>) {
        if let Some(line) = self.line_at(Instant::now(), what) {
            // A closed standard error changes nothing.
            progress::suspend(|| drop(writeln!(terminal::stderr(), "{line}")));
        }
    }

    fn line_at(&mut self, now: Instant, what: impl FnOnce() -> Option<String>) -> Option<String> {
        let is_due = !self.reported && now.duration_since(self.begun) >= SHORT;
        self.reported |= is_due;
        let what = if is_due { what() } else { None };
        what.map(|what| format!("waiting for {what}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_reported_once_and_after_two_seconds() {
        let mut waiting = Waiting::begin();
        let begun = waiting.begun;
        let mut after = |milliseconds| {
            waiting.line_at(begun + Duration::from_millis(milliseconds), || Some("a lock".to_owned()))
        };
        assert_eq!([after(100), after(1900)], [None, None]);
        assert_eq!(after(2100).unwrap(), "waiting for a lock");
        assert_eq!([after(2200), after(9000)], [None, None]);
    }
}
