//! A heat map of ranges over time, of a bounded number of cells: each has the highest count that was seen in it.
//!
//! Addresses that nothing ever covered are left out, since the ranges of a process lie terabytes apart.

use super::plot::{HeatMap, Span, Stretch};
use damonlab_protocol::units::Nanos;
use std::collections::BTreeMap;
use std::ops::Range;

/// So many columns there are at most, and so many rows.
const COLUMNS: usize = 360;
const ROWS: usize = 96;

/// More stretches of addresses than this are too thin to be seen: the rest is left out.
const STRETCHES: usize = 24;

/// The addresses are looked at in about so many parts: whether anything was ever counted there.
const PARTS: u64 = 64;

/// A part where nothing was ever counted has this share of the rows of another.
const COLD: u128 = 10;

/// A snapshot counts for the time since the one before, unless that is so many times the usual distance: then nothing was
/// seen in between.
const GAP: u64 = 3;

/// Addresses that were covered, and the name of what lies there.
type Piece = (u64, u64, Option<String>);

/// A part of a piece.
struct Part {
    start: u64,
    end: u64,
    name: Option<String>,
    is_cold: bool,
}

/// A range that was counted.
#[derive(Debug, Clone, Copy)]
struct Region {
    start: u64,
    end: u64,
    count: u32,
}

/// Collects snapshots of ranges.
#[derive(Debug, Default)]
pub struct Grid {
    /// The time of each snapshot, and where its regions begin.
    snapshots: Vec<(Nanos, usize)>,
    regions: Vec<Region>,
    /// What any region covered: start to end, apart from each other.
    covered: BTreeMap<u64, u64>,
}

impl Grid {
    /// Takes a range of a snapshot with its count. Within a snapshot, ranges come in the order of their addresses; one
    /// that does not begins another snapshot.
    pub fn add(&mut self, time: Nanos, start: u64, end: u64, count: u32) {
        if end <= start {
            return;
        }
        let continues = self.regions.last().is_some_and(|last| last.end <= start);
        if !continues || self.snapshots.is_empty() {
            self.snapshots.push((time, self.regions.len()));
        }
        self.regions.push(Region { start, end, count });
        self.cover(start, end);
    }

    fn cover(&mut self, mut start: u64, mut end: u64) {
        if self.covered.range(..=start).next_back().is_some_and(|(_, known)| *known >= end) {
            return;
        }
        let near = |(from, to): (&u64, &u64)| (*from, *to);
        if let Some((from, to)) =
            self.covered.range(..start).next_back().map(near).filter(|(_, to)| *to >= start)
        {
            (start, end) = (from, end.max(to));
        }
        while let Some((from, to)) = self.covered.range(start..=end).next().map(near) {
            self.covered.remove(&from);
            end = end.max(to);
        }
        self.covered.insert(start, end);
    }

    /// The map. `borders` are addresses with the name of what begins there, in order: a stretch never reaches over one.
    pub fn map(&self, borders: &[(u64, String)], counts: &'static str) -> Option<HeatMap> {
        let (stretches, rows) = self.stretches(borders);
        let (first, last) = (self.snapshots.first()?.0, self.snapshots.last()?.0);
        let usual = self.usual_distance();
        let begin = Nanos(first.0.saturating_sub(usual));
        let columns = self.snapshots.len().clamp(1, COLUMNS);
        let time = Span { begin, end: last };
        let mut map = HeatMap { stretches, time, columns, rows, cells: vec![None; columns * rows], counts };
        let mut before = begin;
        for (nth, (time, at)) in self.snapshots.iter().enumerate() {
            let end = self.snapshots.get(nth + 1).map_or(self.regions.len(), |(_, next)| *next);
            let since = if time.0.saturating_sub(before.0) > usual.saturating_mul(GAP) {
                Nanos(time.0.saturating_sub(usual))
            } else {
                before
            };
            let columns = columns_of(&map, since, *time);
            for region in &self.regions[*at..end] {
                paint(&mut map, &columns, region);
            }
            before = *time;
        }
        Some(map)
    }

    /// The median of the distances between snapshots.
    fn usual_distance(&self) -> u64 {
        let mut all: Vec<u64> =
            self.snapshots.windows(2).map(|pair| pair[1].0.0.saturating_sub(pair[0].0.0)).collect();
        let middle = all.len() / 2;
        if all.is_empty() { 1 } else { (*all.select_nth_unstable(middle).1).max(1) }
    }

    /// The stretches from the lowest address on, and how many rows they have.
    fn stretches(&self, borders: &[(u64, String)]) -> (Vec<Stretch>, usize) {
        let mut pieces: Vec<Piece> = Vec::new();
        for (start, end) in &self.covered {
            let mut start = *start;
            let first = borders.partition_point(|(border, _)| *border <= start);
            for (border, _) in borders[first..].iter().take_while(|(border, _)| border < end) {
                pieces.push((start, *border, name_of(borders, start)));
                start = *border;
            }
            pieces.push((start, *end, name_of(borders, start)));
        }
        // The largest are what one looks at.
        if pieces.len() > STRETCHES {
            pieces.sort_by_key(|(start, end, _)| std::cmp::Reverse(end - start));
            pieces.truncate(STRETCHES);
            pieces.sort_by_key(|(start, ..)| *start);
        }
        let parts = self.parts(&pieces);
        let weight = |part: &Part| u128::from(part.end - part.start) * if part.is_cold { 1 } else { COLD };
        let whole: u128 = parts.iter().map(weight).sum();
        let mut row = 0;
        let stretches = parts.into_iter().map(|part| {
            let share = (weight(&part) * ROWS as u128).div_ceil(whole.max(1));
            let rows = row..row + usize::try_from(share).unwrap_or(1).clamp(1, ROWS);
            row = rows.end;
            let Part { start, end, name, is_cold } = part;
            Stretch { start, end, name, rows, is_cold }
        });
        (stretches.collect(), row)
    }

    /// The pieces in parts where something was counted, and parts where nothing ever was.
    fn parts(&self, pieces: &[Piece]) -> Vec<Part> {
        let whole: u64 = pieces.iter().map(|(start, end, _)| end - start).fold(0, u64::saturating_add);
        let size = whole.div_ceil(PARTS).max(1);
        let mut parts: Vec<Part> = Vec::new();
        for (start, end, name) in pieces {
            let starts = (0..)
                .map_while(|nth: u64| start.checked_add(nth.checked_mul(size)?))
                .take_while(|at| at < end);
            parts.extend(starts.map(|at| Part {
                start: at,
                end: at.saturating_add(size).min(*end),
                name: name.clone(),
                is_cold: true,
            }));
        }
        for region in self.regions.iter().filter(|region| region.count > 0) {
            let first = parts.partition_point(|part| part.end <= region.start);
            parts[first..]
                .iter_mut()
                .take_while(|part| part.start < region.end)
                .for_each(|part| part.is_cold = false);
        }
        let mut joined: Vec<Part> = Vec::new();
        for part in parts {
            match joined.last_mut() {
                Some(last)
                    if last.end == part.start && last.is_cold == part.is_cold && last.name == part.name =>
                {
                    last.end = part.end;
                }
                _ => joined.push(part),
            }
        }
        joined
    }
}

/// The name of what begins at or before an address.
fn name_of(borders: &[(u64, String)], address: u64) -> Option<String> {
    borders.iter().rev().find(|(border, _)| *border <= address).map(|(_, name)| name.clone())
}

/// The columns after `begin` up to `end`: at least one.
fn columns_of(map: &HeatMap, begin: Nanos, end: Nanos) -> Range<usize> {
    let whole = u128::from(map.time.end.0.saturating_sub(map.time.begin.0)).max(1);
    let place = |time: Nanos| u128::from(time.0.saturating_sub(map.time.begin.0)) * map.columns as u128;
    let from = usize::try_from(place(begin) / whole).unwrap_or(0).min(map.columns - 1);
    let to = usize::try_from(place(end).div_ceil(whole)).unwrap_or(0).min(map.columns);
    from..to.max(from + 1)
}

fn paint(map: &mut HeatMap, columns: &Range<usize>, region: &Region) {
    let rows = map.rows;
    let part = |stretch: &Stretch| {
        let (start, end) = (region.start.max(stretch.start), region.end.min(stretch.end));
        let (count, length) = (stretch.rows.len() as u128, u128::from(stretch.end - stretch.start));
        (start < end).then(|| {
            let row = |address: u64| u128::from(address - stretch.start) * count;
            let first = usize::try_from(row(start) / length).unwrap_or(0);
            let last = usize::try_from(row(end).div_ceil(length)).unwrap_or(0);
            stretch.rows.start + first..stretch.rows.start + last
        })
    };
    let first = map.stretches.partition_point(|stretch| stretch.end <= region.start);
    let near = map.stretches[first..].iter().take_while(|stretch| stretch.start < region.end);
    let painted: Vec<Range<usize>> = near.filter_map(part).collect();
    for column in columns.clone() {
        for row in painted.iter().cloned().flatten() {
            let cell = &mut map.cells[column * rows + row];
            *cell = Some(cell.map_or(region.count, |known| known.max(region.count)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    fn at(second: u64) -> Nanos {
        Nanos(second * 1_000_000_000)
    }

    #[test]
    fn a_region_that_is_hot_once_is_hot_at_its_place_and_nowhere_else() {
        let mut grid = Grid::default();
        for second in 1..=10 {
            grid.add(at(second), 0, MIB, 2);
            grid.add(at(second), MIB, 2 * MIB, if second == 4 { 20 } else { 1 });
        }
        let map = grid.map(&[], "accesses").unwrap();
        assert_eq!((map.columns, map.rows, map.stretches.len()), (10, ROWS, 1));
        let hot: Vec<usize> = (0..map.cells.len()).filter(|cell| map.cells[*cell] == Some(20)).collect();
        let wanted: Vec<usize> = (3 * ROWS + ROWS / 2..4 * ROWS).collect();
        assert_eq!(hot, wanted);
        assert!(map.cells.iter().all(Option::is_some));
    }

    #[test]
    fn a_pause_is_a_hole() {
        let mut grid = Grid::default();
        for second in (1..=10).chain(20..=30) {
            grid.add(at(second), 0, MIB, 3);
        }
        let map = grid.map(&[], "accesses").unwrap();
        let column = |second: usize| map.cells[second * map.columns / 30 * map.rows];
        assert_eq!((column(5), column(15), column(25)), (Some(3), None, Some(3)));
    }

    #[test]
    fn what_nothing_covers_is_left_out_and_borders_part_stretches() {
        let mut grid = Grid::default();
        grid.add(at(1), 0, 4 * MIB, 1);
        grid.add(at(1), 1 << 40, (1 << 40) + 4 * MIB, 2);
        let borders = [(0, "node 0".to_owned()), (2 * MIB, "node 1".to_owned())];
        let map = grid.map(&borders, "accesses").unwrap();
        let stretches: Vec<_> =
            map.stretches.iter().map(|one| (one.start, one.end, one.rows.len())).collect();
        let far = 1 << 40;
        assert_eq!(stretches, [(0, 2 * MIB, 24), (2 * MIB, 4 * MIB, 24), (far, far + 4 * MIB, 48)]);
        assert_eq!(map.stretches[1].name.as_deref(), Some("node 1"));
    }

    #[test]
    fn where_nothing_was_ever_counted_is_drawn_narrower() {
        let mut grid = Grid::default();
        for second in 1..=10 {
            grid.add(at(second), 0, 60 * MIB, 0);
            grid.add(at(second), 60 * MIB, 64 * MIB, 7);
        }
        let map = grid.map(&[], "accesses").unwrap();
        let [cold, hot] = map.stretches.as_slice() else { panic!("{:?}", map.stretches) };
        assert!(cold.is_cold && !hot.is_cold);
        assert_eq!((cold.end, hot.start), (60 * MIB, 60 * MIB));
        assert_eq!((cold.rows.len(), hot.rows.len()), (58, 39), "60 / 10 to 4");
    }

    #[test]
    fn a_million_regions_make_a_bounded_map_that_keeps_the_hottest() {
        let mut grid = Grid::default();
        for snapshot in 0..10_000 {
            for region in 0..100 {
                let count = if (snapshot, region) == (7_777, 55) { 99 } else { 1 };
                grid.add(Nanos(snapshot * 100_000_000), region * MIB, (region + 1) * MIB, count);
            }
        }
        let map = grid.map(&[], "accesses").unwrap();
        assert_eq!((map.columns, map.rows), (COLUMNS, ROWS));
        assert!(map.cells.contains(&Some(99)));
    }

    #[test]
    fn hostile_ranges_do_no_harm() {
        let mut grid = Grid::default();
        for (start, end) in [(0, u64::MAX), (5, 5), (9, 3), (u64::MAX - 1, u64::MAX), (0, 1)] {
            grid.add(Nanos(u64::MAX), start, end, u32::MAX);
        }
        for nth in 0..1000 {
            grid.add(Nanos(nth), nth * 10, nth * 10 + 1, 1);
        }
        assert!(grid.map(&[], "accesses").is_some_and(|map| map.rows <= 2 * ROWS));
        assert_eq!(Grid::default().map(&[], "accesses"), None);
    }
}
