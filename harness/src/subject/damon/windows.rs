//! The charge windows of a scheme, as the measurements of its goals mark them.
//!
//! `damos_adjust_quota` measures every goal of a scheme when a window starts, and emits the quota right after. Nothing
//! else marks a window, so only schemes with a traced goal have visible ones.

use super::events::{Esz, Measurement, SchemeEvent};
use crate::check::finding::Violation;
use crate::recording::Line;
use crate::trace::TypedEvent;
use damonlab_protocol::damon::Goal;
use damonlab_protocol::units::Nanos;

/// The windows of one scheme.
pub(crate) struct ChargeWindows<'a> {
    /// The goals whose measurements mark a window, in order; without any, no window is visible.
    pub(crate) goals: Vec<&'a Goal>,
    /// In order, up to the first break.
    pub(crate) windows: Vec<Window<'a>>,
    /// Where the events contradict the configuration; what follows is not judged by windows.
    pub(crate) broken: Option<Violation>,
}

/// One charge window.
pub(crate) struct Window<'a> {
    /// Its place among the events of the kdamond.
    pub(crate) at: usize,
    /// The time of the kdamond's event before the first measurement: the window cannot have started earlier. (It
    /// starts before the measurement, which itself can take a second.)
    pub(crate) after: Option<Nanos>,
    /// One measurement per goal.
    pub(crate) goals: Vec<(&'a Line, Measurement)>,
    /// The `damos_esz` that follows.
    pub(crate) esz: Option<(&'a Line, u64)>,
    /// Whether anything follows: otherwise `damos_esz` may be cut off.
    pub(crate) followed: bool,
}

impl<'a> Window<'a> {
    /// The line of the first measurement.
    pub(crate) fn first(&self) -> &'a Line {
        self.goals[0].0
    }

    /// When the first goal had been measured.
    pub(crate) fn time(&self) -> Nanos {
        self.first().time
    }

    /// The effective quota, where it was emitted.
    pub(crate) fn quota(&self) -> Option<u64> {
        self.esz.map(|(_, esz)| esz)
    }

    /// The lines of its events, for findings.
    pub(crate) fn lines(&self) -> impl Iterator<Item = &'a Line> {
        self.goals.iter().map(|(line, _)| *line).chain(self.esz.map(|(line, _)| line))
    }
}

struct Reader<'a> {
    charge_windows: Vec<ChargeWindows<'a>>,
    /// A window with measurements missing, and its scheme.
    open: Option<(usize, Window<'a>)>,
    /// The scheme whose measurements are complete, while its `damos_esz` may follow.
    complete: Option<usize>,
}

/// Reads the windows of every scheme from the events of a kdamond. `before` is the time of the last event before them,
/// and `goals` has the traced goals of each scheme.
pub(crate) fn charge_windows<'a>(
    lines: &[&'a Line],
    before: Option<Nanos>,
    goals: Vec<Vec<&'a Goal>>,
) -> Vec<ChargeWindows<'a>> {
    let none = |goals| ChargeWindows { goals, windows: Vec::new(), broken: None };
    let charge_windows = goals.into_iter().map(none).collect();
    let mut reader = Reader { charge_windows, open: None, complete: None };
    let mut after = before;
    for (at, line) in lines.iter().enumerate() {
        reader.read(at, after, line);
        after = Some(line.time);
    }
    reader.charge_windows
}

impl<'a> Reader<'a> {
    /// How many measurements make a window.
    fn goals_of(&self, scheme: usize) -> usize {
        self.charge_windows.get(scheme).map_or(0, |charge| charge.goals.len())
    }

    fn read(&mut self, at: usize, after: Option<Nanos>, line: &'a Line) {
        let measurement = line.event.measurement();
        let scheme = measurement.map(|measurement| measurement.scheme);
        if let Some((open, window)) = self.open.take_if(|(open, _)| Some(*open) != scheme) {
            self.interrupted(open, &window, line);
        }
        let complete = self.complete.take();
        let esz = Esz::of(&line.event);
        if let Some(complete) = complete {
            let own = esz.filter(|esz| esz.scheme() == complete).map(|esz| (line, esz.esz));
            self.follow(complete, own);
        }
        if let Some(esz) = esz.filter(|esz| complete != Some(esz.scheme())) {
            self.lone_esz(esz.scheme(), line);
        }
        if let Some(measurement) = measurement.filter(|one| self.goals_of(one.scheme) > 0) {
            self.measured(at, after, line, measurement);
        }
    }

    fn measured(&mut self, at: usize, after: Option<Nanos>, line: &'a Line, measurement: Measurement) {
        let scheme = measurement.scheme;
        let wanted = self.goals_of(scheme);
        let (_, window) = self.open.get_or_insert_with(|| {
            (scheme, Window { at, after, goals: Vec::new(), esz: None, followed: false })
        });
        window.goals.push((line, measurement));
        if window.goals.len() == wanted
            && let Some((_, window)) = self.open.take()
        {
            if self.charge_windows[scheme].broken.is_none() {
                self.charge_windows[scheme].windows.push(window);
            }
            self.complete = Some(scheme);
        }
    }

    /// The event right after a scheme's last measurement, with its quota where it is the scheme's `damos_esz`.
    fn follow(&mut self, complete: usize, esz: Option<(&'a Line, u64)>) {
        let charge = &mut self.charge_windows[complete];
        if let Some(window) = charge.windows.last_mut().filter(|_| charge.broken.is_none()) {
            window.followed = true;
            window.esz = esz;
        }
    }

    fn interrupted(&mut self, scheme: usize, window: &Window<'a>, by: &'a Line) {
        let expected = format!("{} measured goals of scheme {scheme} in a row", self.goals_of(scheme));
        let seen = format!("{} and then {}", window.goals.len(), by.name());
        let violation = Violation::new(expected, seen).at(window.lines()).at([by]);
        self.charge_windows[scheme].broken.get_or_insert(violation);
    }

    fn lone_esz(&mut self, scheme: usize, line: &'a Line) {
        if self.goals_of(scheme) == 0 {
            return;
        }
        let expected = format!("{} of scheme {scheme} right after its goals were measured", Esz::NAME);
        let violation = Violation::new(expected, "one without a measurement before it").at([line]);
        self.charge_windows[scheme].broken.get_or_insert(violation);
    }
}
