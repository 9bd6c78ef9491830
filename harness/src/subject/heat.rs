//! The regions of a target as a picture: the accesses of each band of addresses in each aggregation.

use super::series::Aggregation;
use damonlab_protocol::units::Nanos;

/// Accesses by aggregation and band of addresses. The bands divide what the regions cover; a gap between regions takes no
/// room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heat {
    /// What regions cover, without gaps: the parts in the order of their addresses.
    covered: Vec<Part>,
    /// How much that is.
    size: u64,
    bands: usize,
    spans: Vec<(Nanos, Nanos)>,
    /// A row for each aggregation, each with a value for each band: 0 without a region, else one more than the accesses.
    cells: Vec<u32>,
}

/// A part of the addresses that regions cover.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Part {
    start: u64,
    end: u64,
    /// How much the parts before it cover.
    before: u64,
}

impl Heat {
    /// That of one target, whose aggregations are in the order of time; none without regions.
    pub fn of(aggregations: &[&Aggregation], bands: usize) -> Option<Heat> {
        let covered = covered(aggregations);
        let size = covered.last().map_or(0, |last| last.before.saturating_add(last.end - last.start));
        let bands = bands.min(usize::try_from(size).unwrap_or(usize::MAX));
        if bands == 0 {
            return None;
        }
        let mut heat = Heat { covered, size, bands, spans: Vec::new(), cells: Vec::new() };
        let usual = aggregations.windows(2).map(|pair| pair[1].time.0.saturating_sub(pair[0].time.0)).min();
        for aggregation in aggregations {
            let time = aggregation.time;
            let before = Nanos(time.0.saturating_sub(usual.unwrap_or(0)));
            let begin = heat.spans.last().map_or(before, |(_, end)| *end);
            heat.spans.push((begin, time));
            let row = heat.cells.len();
            heat.cells.resize(row + bands, 0);
            for region in &aggregation.regions {
                let (first, last) = (heat.band(region.start), heat.band(region.end.saturating_sub(1)));
                for band in first..=last.max(first) {
                    let cell = &mut heat.cells[row + band];
                    *cell = (*cell).max(region.nr_accesses.saturating_add(1));
                }
            }
        }
        Some(heat)
    }

    /// How many bands there are, the lowest addresses first.
    pub fn bands(&self) -> usize {
        self.bands
    }

    /// How many aggregations there are.
    pub fn times(&self) -> usize {
        self.spans.len()
    }

    /// When an aggregation began and ended.
    pub fn span(&self, row: usize) -> (Nanos, Nanos) {
        self.spans[row]
    }

    /// The most accesses of a region in the band; none where no region is.
    pub fn at(&self, row: usize, band: usize) -> Option<u32> {
        self.cells[row * self.bands + band].checked_sub(1)
    }

    /// The most accesses of all.
    pub fn hottest(&self) -> u32 {
        self.cells.iter().copied().max().unwrap_or(0).saturating_sub(1)
    }

    /// The first address of a band, and one past its last.
    pub fn addresses(&self, band: usize) -> (u64, u64) {
        let edge = |band: usize| {
            u64::try_from(u128::from(self.size) * band as u128 / self.bands as u128).unwrap_or(u64::MAX)
        };
        (self.address(edge(band)), self.address(edge(band + 1).saturating_sub(1)).saturating_add(1))
    }

    /// The address at a distance from the first, gaps left out.
    fn address(&self, distance: u64) -> u64 {
        let next = self.covered.partition_point(|part| part.before <= distance);
        next.checked_sub(1).map_or(0, |at| {
            let part = self.covered[at];
            part.start.saturating_add(distance - part.before).min(part.end)
        })
    }

    fn band(&self, address: u64) -> usize {
        let next = self.covered.partition_point(|part| part.start <= address);
        let before = next.checked_sub(1).map_or(0, |at| {
            let part = self.covered[at];
            part.before.saturating_add(address.min(part.end) - part.start)
        });
        let band = u128::from(before) * self.bands as u128 / u128::from(self.size.max(1));
        usize::try_from(band).unwrap_or(usize::MAX).min(self.bands - 1)
    }
}

/// What all regions cover together.
fn covered(aggregations: &[&Aggregation]) -> Vec<Part> {
    let regions = aggregations.iter().flat_map(|aggregation| &aggregation.regions);
    let mut all: Vec<(u64, u64)> =
        regions.map(|region| (region.start, region.end)).filter(|(start, end)| start < end).collect();
    all.sort_unstable();
    let mut joined: Vec<Part> = Vec::new();
    for (start, end) in all {
        match joined.last_mut() {
            Some(last) if start <= last.end => last.end = last.end.max(end),
            last => {
                let before = last.map_or(0, |last| last.before.saturating_add(last.end - last.start));
                joined.push(Part { start, end, before });
            }
        }
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::super::series::Region;
    use super::*;

    fn aggregation(time: u64, regions: &[(u64, u64, u32)]) -> Aggregation {
        let region =
            |&(start, end, nr_accesses): &(u64, u64, u32)| Region { start, end, nr_accesses, age: 0 };
        Aggregation {
            kdamond: 0,
            target: 0,
            time: Nanos(time),
            regions: regions.iter().map(region).collect(),
        }
    }

    #[test]
    fn gaps_take_no_room_and_the_hottest_region_of_a_band_counts() {
        let (one, two) = (
            aggregation(100, &[(0, 100, 1), (10_000, 10_050, 7), (10_050, 10_100, 2)]),
            aggregation(200, &[(0, 10, 5), (10_000, 10_100, 0)]),
        );
        let heat = Heat::of(&[&one, &two], 4).unwrap();
        let row = |row: usize| (0..4).map(|band| heat.at(row, band)).collect::<Vec<_>>();
        assert_eq!(row(0), [Some(1), Some(1), Some(7), Some(2)]);
        assert_eq!(row(1), [Some(5), None, Some(0), Some(0)]);
        assert_eq!([heat.addresses(0), heat.addresses(3)], [(0, 50), (10_050, 10_100)]);
        assert_eq!([heat.span(0), heat.span(1)], [(Nanos(0), Nanos(100)), (Nanos(100), Nanos(200))]);
        assert_eq!(heat.hottest(), 7);
    }

    #[test]
    fn regions_of_any_address_and_order_make_a_picture_or_none() {
        assert_eq!(Heat::of(&[&aggregation(1, &[(5, 5, 1), (9, 3, 1)])], 8), None);
        let wide = aggregation(u64::MAX, &[(0, u64::MAX, 3), (u64::MAX - 1, u64::MAX, 9), (9, 3, 1)]);
        let heat = Heat::of(&[&wide, &aggregation(0, &[])], 8).unwrap();
        assert_eq!((heat.at(0, 7), heat.at(1, 7)), (Some(9), None));
    }
}
