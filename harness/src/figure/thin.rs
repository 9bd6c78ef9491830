//! Fewer points with the same picture: of each stretch of time the first, the lowest, the highest and the last point stay
//! (M4; Jugel et al., "M4: A Visualization-Oriented Time Series Data Aggregation", VLDB 2014). Drawn with a pixel a
//! stretch, the line looks as it did with all of its points.

use super::plot::Point;

/// How many points of a stretch stay.
const KEPT: usize = 4;

/// At most `most` points that have the extremes of all `points`, which are in the order of time.
pub fn thin(points: &[Point], most: usize) -> Vec<Point> {
    let most = most.max(KEPT);
    let (Some(first), Some(last), true) = (points.first(), points.last(), points.len() > most) else {
        return points.to_vec();
    };
    let stretches = (most / KEPT) as u64;
    let length = (last.0.0.saturating_sub(first.0.0) / stretches).saturating_add(1);
    let stretch = |point: &Point| point.0.0.saturating_sub(first.0.0) / length;
    points.chunk_by(|one, next| stretch(one) == stretch(next)).flat_map(kept).collect()
}

/// The points of a stretch that stay, in their order.
fn kept(points: &[Point]) -> Vec<Point> {
    let (mut low, mut high) = (0, 0);
    for (place, (_, value)) in points.iter().enumerate() {
        if *value < points[low].1 {
            low = place;
        }
        if *value > points[high].1 {
            high = place;
        }
    }
    let mut places = vec![0, low, high, points.len() - 1];
    places.sort_unstable();
    places.dedup();
    places.into_iter().map(|place| points[place]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use damonlab_protocol::units::Nanos;
    use proptest::prelude::*;

    fn series(values: &[u32]) -> Vec<Point> {
        (0..).zip(values).map(|(at, value)| (Nanos(at * 1000), f64::from(*value))).collect()
    }

    fn range(points: &[Point]) -> (f64, f64) {
        let values = || points.iter().map(|(_, value)| *value);
        (values().fold(f64::MAX, f64::min), values().fold(f64::MIN, f64::max))
    }

    #[test]
    fn a_single_peak_among_a_million_points_stays() {
        let mut values = vec![5; 1_000_000];
        values[777_777] = 9;
        values[123_456] = 1;
        let thinned = thin(&series(&values), 1000);
        assert_eq!(range(&thinned), (1.0, 9.0));
        assert!(thinned.contains(&(Nanos(777_777_000), 9.0)), "the peak stays at its time");
    }

    proptest! {
        #[test]
        fn ends_and_extremes_stay_in_order_and_the_number_is_bounded(
            values in proptest::collection::vec(any::<u32>(), 1..2000), most in 4usize..200
        ) {
            let all = series(&values);
            let thinned = thin(&all, most);
            prop_assert!(thinned.len() <= most.max(4));
            prop_assert_eq!(range(&thinned), range(&all));
            prop_assert_eq!((thinned.first(), thinned.last()), (all.first(), all.last()));
            prop_assert!(thinned.windows(2).all(|pair| pair[0].0 < pair[1].0));
        }
    }
}
