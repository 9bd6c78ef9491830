//! The charge windows of a scheme, as its goals' measurements mark them.
//!
//! `damos_adjust_quota` measures every goal of a scheme when a window starts, and tells the quota
//! right after. Nothing else marks a window, so only schemes with a traced goal have visible ones.

use super::view::node_goals;
use crate::check::finding::Violation;
use crate::trace::{Event, Line};
use damonlab_protocol::damon::Scheme;
use damonlab_protocol::units::Nanos;

/// The windows of one scheme.
#[derive(Default)]
pub(crate) struct ChargeWindows<'a> {
    /// In order, up to the first break.
    pub(crate) windows: Vec<Window<'a>>,
    /// Where the events stop making sense; what follows is not judged by windows.
    pub(crate) broken: Option<Violation>,
}

/// One charge window.
pub(crate) struct Window<'a> {
    /// Its place among the events of the kdamond.
    pub(crate) at: usize,
    /// When the kdamond's event before the first measurement happened: the window cannot have started
    /// earlier. (It starts before the measurement, which itself can take a second.)
    pub(crate) after: Option<Nanos>,
    /// One measurement a goal.
    pub(crate) goals: Vec<&'a Line>,
    /// The `damos_esz` that follows.
    pub(crate) esz: Option<&'a Line>,
    /// Whether anything follows: else `damos_esz` may be cut off.
    pub(crate) followed: bool,
}

impl<'a> Window<'a> {
    /// When the first goal had been measured.
    pub(crate) fn time(&self) -> Nanos {
        self.goals.first().map(|line| line.time).unwrap_or_default()
    }

    /// The lines that make it, for findings.
    pub(crate) fn lines(&self) -> impl Iterator<Item = &'a Line> {
        self.goals.iter().copied().chain(self.esz)
    }
}

struct Reader<'a> {
    /// How many measurements make a window, one entry a scheme.
    goals: Vec<usize>,
    charge_windows: Vec<ChargeWindows<'a>>,
    /// A window that lacks measurements, and its scheme.
    open: Option<(usize, Window<'a>)>,
    /// The scheme whose measurements are complete, while its `damos_esz` may follow.
    complete: Option<usize>,
}

/// Reads the windows of every scheme from a kdamond's events, of which the last one `before` them is told too.
pub(crate) fn charge_windows<'a>(
    lines: &[&'a Line],
    before: Option<Nanos>,
    schemes: &[Scheme],
    goals_told: bool,
) -> Vec<ChargeWindows<'a>> {
    let goals = schemes.iter().map(|scheme| if goals_told { node_goals(scheme).len() } else { 0 }).collect();
    let charge_windows = schemes.iter().map(|_| ChargeWindows::default()).collect();
    let mut reader = Reader { goals, charge_windows, open: None, complete: None };
    let mut after = before;
    for (at, line) in lines.iter().enumerate() {
        reader.take(at, after, line);
        after = Some(line.time);
    }
    reader.charge_windows
}

impl<'a> Reader<'a> {
    fn take(&mut self, at: usize, after: Option<Nanos>, line: &'a Line) {
        let scheme = match &line.event {
            Event::NodeEligible(event) => Some(event.scheme_idx as usize),
            _ => None,
        };
        if let Some((open, window)) = self.open.take_if(|(open, _)| Some(*open) != scheme) {
            self.interrupted(open, &window, line);
        }
        if let Some(complete) = self.complete.take() {
            self.follow(complete, line);
        } else if let Event::Esz(event) = &line.event {
            self.lone_esz(event.scheme_idx as usize, line);
        }
        if let Some(scheme) = scheme.filter(|scheme| self.goals.get(*scheme).is_some_and(|goals| *goals > 0))
        {
            self.measured(scheme, at, after, line);
        }
    }

    fn measured(&mut self, scheme: usize, at: usize, after: Option<Nanos>, line: &'a Line) {
        let (_, window) = self.open.get_or_insert_with(|| {
            (scheme, Window { at, after, goals: Vec::new(), esz: None, followed: false })
        });
        window.goals.push(line);
        if window.goals.len() == self.goals[scheme]
            && let Some((_, window)) = self.open.take()
        {
            if self.charge_windows[scheme].broken.is_none() {
                self.charge_windows[scheme].windows.push(window);
            }
            self.complete = Some(scheme);
        }
    }

    /// The event right after a scheme's last measurement.
    fn follow(&mut self, complete: usize, line: &'a Line) {
        let charge = &mut self.charge_windows[complete];
        let window = charge.windows.last_mut().filter(|_| charge.broken.is_none());
        match &line.event {
            Event::Esz(event) if event.scheme_idx as usize == complete => {
                if let Some(window) = window {
                    window.followed = true;
                    window.esz = Some(line);
                }
            }
            other => {
                if let Some(window) = window {
                    window.followed = true;
                }
                if let Event::Esz(event) = other {
                    self.lone_esz(event.scheme_idx as usize, line);
                }
            }
        }
    }

    fn interrupted(&mut self, scheme: usize, window: &Window<'a>, by: &'a Line) {
        let expected = format!("{} measured goals of scheme {scheme} in a row", self.goals[scheme]);
        let seen = format!("{} and then {}", window.goals.len(), by.event.name());
        let finding = Violation::new(expected, seen).at(window.goals.iter().copied()).at([by]);
        self.charge_windows[scheme].broken.get_or_insert(finding);
    }

    fn lone_esz(&mut self, scheme: usize, line: &'a Line) {
        if self.goals.get(scheme).is_none_or(|goals| *goals == 0) {
            return;
        }
        let expected = format!("damos_esz of scheme {scheme} right after its goals were measured");
        let finding = Violation::new(expected, "one without a measurement before it").at([line]);
        self.charge_windows[scheme].broken.get_or_insert(finding);
    }
}
