//! How a goal went over the seeds of a scenario: at each moment the lowest, the middle and the highest mean of a run.

use super::embed::{axis, levels, micros, number, times, values};
use super::run::Drawn;
use crate::figure::{Content, Level, Lines, Plot, Point, Section, Series, Shape, Unit, thin};
use damonlab_protocol::units::Nanos;
use serde_json::{Value, json};

/// A band has so many moments.
const MOMENTS: u64 = 200;

/// So many lines of seeds that fail are drawn over it, of so many points.
const LINES: usize = 8;
const POINTS: usize = 200;

/// A run of one seed.
pub(super) struct Seed<'a> {
    pub(super) drawn: &'a Drawn,
    pub(super) failed: bool,
}

/// The plot of a goal that all seeds have.
pub(super) struct Band {
    pub(super) title: String,
    pub(super) about: String,
    levels: Vec<Level>,
    unit: Unit,
    /// The mean of each seed, from the beginning of its first step on, and whether the seed failed.
    seeds: Vec<(Vec<Point>, bool)>,
}

/// The goals of a scenario, over its seeds.
pub(super) fn of(seeds: &[Seed<'_>]) -> Vec<Band> {
    let goals =
        |drawn: &'_ Drawn| -> Vec<String> { goals(drawn).map(|(plot, ..)| plot.title.clone()).collect() };
    let Some(first) = seeds.first() else { return Vec::new() };
    let band = |title: String| {
        let each = seeds.iter().filter_map(|seed| {
            let (plot, lines, mean) = self::goals(seed.drawn).find(|(plot, ..)| plot.title == title)?;
            let zero = seed.drawn.span.begin.0;
            let points = mean.points.iter().map(|(time, value)| (Nanos(time.0.saturating_sub(zero)), *value));
            Some((plot, lines, (points.collect::<Vec<_>>(), seed.failed)))
        });
        let each: Vec<_> = each.collect();
        let (plot, lines, _) = each.first()?;
        let about = format!(
            "{} of {} seeds, each as its mean over several windows. {}",
            each.len(),
            seeds.len(),
            plot.about
        );
        let (levels, unit) = (lines.levels.clone(), lines.unit);
        let seeds = each.into_iter().map(|(.., seed)| seed).collect();
        Some(Band { title, about, levels, unit, seeds })
    };
    goals(first.drawn).into_iter().filter_map(band).collect()
}

/// The goals of a run, each with its lines and its mean.
fn goals(drawn: &Drawn) -> impl Iterator<Item = (&Plot, &Lines, &Series)> {
    drawn.plots.iter().filter(|plot| plot.section == Section::Goals).filter_map(|plot| match &plot.content {
        Content::Lines(lines) => {
            let mean = lines.series.iter().find(|one| one.shape == Shape::Mean && !one.points.is_empty())?;
            Some((plot, lines, mean))
        }
        Content::Heat(_) => None,
    })
}

impl Band {
    /// The plot for the script.
    pub(super) fn embed(&self, id: &str) -> Value {
        let zero = Nanos(0);
        let moments = self.moments();
        let of =
            |rank: fn(&[f64]) -> f64| -> Value { moments.iter().map(|(_, all)| number(rank(all))).collect() };
        let highest = moments.iter().flat_map(|(_, all)| all.iter().copied());
        let failed = self.seeds.iter().filter(|(_, failed)| *failed).take(LINES).map(|(points, _)| {
            let points = thin(points, POINTS);
            json!({"t": times(points.iter().map(|point| micros(point.0, zero))), "v": values(&points)})
        });
        json!({
            "id": id,
            "kind": "band",
            "unit": self.unit,
            "ticks": axis(highest.chain(self.levels.iter().map(|level| level.value)), self.unit),
            "levels": levels(&self.levels),
            "t": times(moments.iter().map(|(time, _)| micros(*time, zero))),
            "low": of(|all| ranked(all, 0, 4)),
            "quarter": of(|all| ranked(all, 1, 4)),
            "median": of(|all| ranked(all, 2, 4)),
            "three": of(|all| ranked(all, 3, 4)),
            "high": of(|all| ranked(all, 4, 4)),
            "seeds": failed.collect::<Vec<_>>(),
        })
    }

    /// The values of all seeds at some moments, the lowest first: from the first at which every seed has one, to the last.
    fn moments(&self) -> Vec<(Nanos, Vec<f64>)> {
        let first = self.seeds.iter().filter_map(|(points, _)| Some(points.first()?.0)).max();
        let last = self.seeds.iter().filter_map(|(points, _)| Some(points.last()?.0)).max();
        let Some((first, last)) = first.zip(last) else { return Vec::new() };
        let step = last.0.saturating_sub(first.0).div_ceil(MOMENTS).max(1);
        let moments =
            (0..=MOMENTS).map(|nth| Nanos(first.0.saturating_add(nth * step).min(last.0.max(first.0))));
        let mut moments: Vec<Nanos> = moments.collect();
        moments.dedup();
        let values = |time: Nanos| {
            let mut all: Vec<f64> = self.seeds.iter().filter_map(|(points, _)| at(points, time)).collect();
            all.sort_by(f64::total_cmp);
            (time, all)
        };
        moments.into_iter().map(values).filter(|(_, all)| !all.is_empty()).collect()
    }
}

/// The last value at or before a time.
fn at(points: &[Point], time: Nanos) -> Option<f64> {
    let after = points.partition_point(|(at, _)| *at <= time);
    Some(points.get(after.checked_sub(1)?)?.1)
}

/// The value of which this part of the others are below; `sorted` is not empty.
fn ranked(sorted: &[f64], part: usize, of: usize) -> f64 {
    sorted[(sorted.len() - 1) * part / of]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(values: &[f64]) -> Vec<Point> {
        (1..).zip(values).map(|(second, value)| (Nanos(second * 1_000_000_000), *value)).collect()
    }

    #[test]
    fn a_band_has_the_lowest_the_middle_and_the_highest_seed_at_each_moment() {
        let seeds = [[10.0, 20.0], [30.0, 40.0], [20.0, 99.0]];
        let seeds = seeds.iter().map(|values| (points(values), values[0] > 25.0)).collect();
        let band = Band {
            title: String::new(),
            about: String::new(),
            levels: Vec::new(),
            unit: Unit::BasisPoints,
            seeds,
        };
        let data = band.embed("x");
        let last = |name: &str| data[name].as_array().and_then(|all| all.last().cloned());
        assert_eq!([last("low"), last("median"), last("high")], [20, 40, 99].map(|value| Some(json!(value))));
        assert_eq!(data["low"][0], 10);
        assert_eq!(data["seeds"], json!([{"t": [1_000_000, 1_000_000], "v": [30, 40]}]));
    }

    #[test]
    fn a_seed_that_ends_early_keeps_its_last_value() {
        assert_eq!(at(&points(&[1.0, 2.0]), Nanos(90_000_000_000)), Some(2.0));
        assert_eq!(at(&points(&[1.0]), Nanos(1)), None);
    }
}
