//! Curves over guest time, with axes.

use super::cells::{PlotStyle, lines};
use super::thin::thin;
use ratatui_core::buffer::Buffer;
use ratatui_core::layout::Rect;
use ratatui_core::style::{Color, Style};
use ratatui_core::symbols::Marker;
use ratatui_core::widgets::Widget;
use ratatui_widgets::chart::{Axis, Chart as Widgets, Dataset, GraphType};

/// How a curve is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::report) enum Look {
    /// Points by themselves.
    Dots,
    /// Points joined by lines.
    Line,
    /// A value holds until the next point.
    Steps,
}

/// A curve.
#[derive(Debug, Clone)]
pub(in crate::report) struct Curve {
    /// What it is, for the legend.
    pub(in crate::report) name: String,
    /// Seconds and values, in the order of time.
    pub(in crate::report) points: Vec<(f64, f64)>,
    pub(in crate::report) look: Look,
}

/// Curves in one frame.
#[derive(Debug, Clone)]
pub(in crate::report) struct Chart {
    pub(in crate::report) curves: Vec<Curve>,
    /// The range of the values, and its labels from below.
    pub(in crate::report) values: (f64, f64),
    pub(in crate::report) labels: Vec<String>,
    /// The lines that it takes with its axes.
    pub(in crate::report) height: u16,
}

/// The colours of curves, in their order.
const COLOURS: [Color; 6] =
    [Color::Cyan, Color::Green, Color::Yellow, Color::Magenta, Color::Blue, Color::Red];

impl Chart {
    /// The lines; none without a point. `time` is the range of guest seconds.
    pub(in crate::report) fn draw(&self, time: (f64, f64), style: PlotStyle) -> Vec<String> {
        if self.curves.iter().all(|curve| curve.points.is_empty()) {
            return Vec::new();
        }
        let end = if time.1 > time.0 { time.1 } else { time.0 + 1.0 };
        let columns = usize::from(style.width) * 2;
        let drawn: Vec<(Vec<(f64, f64)>, Look)> =
            self.curves.iter().map(|curve| (curve.drawn(columns, end), curve.look)).collect();
        let marker = if style.unicode { Marker::Braille } else { Marker::Dot };
        let datasets = drawn.iter().zip(COLOURS.iter().cycle()).map(|((points, look), colour)| {
            let graph = if *look == Look::Dots { GraphType::Scatter } else { GraphType::Line };
            let style = Style::new().fg(*colour);
            Dataset::default().marker(marker).graph_type(graph).style(style).data(points)
        });
        let seconds = |value: f64| format!("{value:.1} s");
        let x = Axis::default().bounds([time.0, end]).labels([seconds(time.0), seconds(end)]);
        let y = Axis::default().bounds([self.values.0, self.values.1]).labels(self.labels.clone());
        let area = Rect::new(0, 0, style.width, self.height);
        let mut buffer = Buffer::empty(area);
        Widgets::new(datasets.collect()).x_axis(x).y_axis(y).legend_position(None).render(area, &mut buffer);
        let mut text = lines(&buffer, style);
        text.extend(self.legend(style));
        text
    }

    /// Which colour is which curve, where there are several.
    fn legend(&self, style: PlotStyle) -> Option<String> {
        if self.curves.len() < 2 {
            return None;
        }
        let width = self.curves.iter().map(|curve| curve.name.chars().count() + 4).sum::<usize>();
        let area = Rect::new(0, 0, u16::try_from(width + 2).unwrap_or(u16::MAX), 1);
        let mut buffer = Buffer::empty(area);
        let mut at = 2;
        for (curve, colour) in self.curves.iter().zip(COLOURS.iter().cycle()) {
            let sign = if curve.look == Look::Dots { "•" } else { "─" };
            (at, _) = buffer.set_stringn(at, 0, sign, 1, Style::new().fg(*colour));
            (at, _) = buffer.set_stringn(at + 1, 0, &curve.name, curve.name.len(), Style::new());
            at = at.saturating_add(2);
        }
        lines(&buffer, style).pop()
    }
}

impl Curve {
    /// What is joined by lines.
    fn drawn(&self, columns: usize, end: f64) -> Vec<(f64, f64)> {
        let points = thin(&self.points, columns);
        if self.look != Look::Steps {
            return points;
        }
        let mut corners: Vec<(f64, f64)> = Vec::new();
        for (time, value) in points {
            corners.extend(corners.last().map(|last| (time, last.1)));
            corners.push((time, value));
        }
        corners.extend(corners.last().map(|last| (end, last.1)));
        corners
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(look: Look) -> Chart {
        let points = (0..=10).map(|at| (f64::from(at), f64::from(at % 2) * 10.0)).collect();
        let curve = Curve { name: "one".to_owned(), points, look };
        Chart {
            curves: vec![curve],
            values: (0.0, 10.0),
            labels: vec!["0".to_owned(), "10".to_owned()],
            height: 6,
        }
    }

    fn plain(lines: &[String]) -> String {
        anstream::adapter::strip_str(&lines.join("\n")).to_string()
    }

    #[test]
    fn a_curve_has_ink_axes_and_labels() {
        let style = PlotStyle { width: 40, unicode: true };
        let text = plain(&chart(Look::Line).draw((0.0, 10.0), style));
        assert!(text.chars().filter(|c| ('\u{2801}'..='\u{28ff}').contains(c)).count() > 20, "{text}");
        assert!(text.contains("10  │") && text.contains("0.0 s") && text.contains("10.0 s"), "{text}");
        assert!(text.lines().all(|line| line.chars().count() <= 40), "{text}");
    }

    #[test]
    fn a_terminal_without_braille_gets_ascii() {
        for look in [Look::Dots, Look::Line, Look::Steps] {
            let text = plain(&chart(look).draw((0.0, 10.0), PlotStyle { width: 30, unicode: false }));
            assert!(text.is_ascii() && text.contains('*'), "{text}");
        }
    }

    #[test]
    fn nothing_to_draw_gives_no_frame() {
        let mut empty = chart(Look::Dots);
        empty.curves[0].points.clear();
        assert_eq!(empty.draw((0.0, 1.0), PlotStyle { width: 30, unicode: true }), [""; 0]);
    }

    #[test]
    fn several_curves_have_a_legend() {
        let mut two = chart(Look::Steps);
        let second = Curve { name: "two".to_owned(), ..two.curves[0].clone() };
        two.curves.push(second);
        let text = plain(&two.draw((0.0, 10.0), PlotStyle { width: 40, unicode: true }));
        assert!(text.ends_with("  ─ one  ─ two"), "{text}");
    }
}
