//! Fewer points of the same look: a million of them would be drawn into a hundred columns.

/// At most four points for each of `columns` equal parts of the time: the first, the lowest, the highest and the last one. The
/// points are in the order of time.
pub(super) fn thin(points: &[(f64, f64)], columns: usize) -> Vec<(f64, f64)> {
    let (Some(first), Some(last)) = (points.first(), points.last()) else { return Vec::new() };
    if points.len() <= 4 * columns {
        return points.to_vec();
    }
    let width = (last.0 - first.0) / columns as f64;
    let column = |point: &(f64, f64)| ((point.0 - first.0) / width).floor();
    let mut thinned = Vec::new();
    for part in points.chunk_by(|one, next| column(one) == column(next)) {
        let by_value = |one: &&(f64, f64), other: &&(f64, f64)| one.1.total_cmp(&other.1);
        let extremes =
            [part.first(), part.iter().min_by(by_value), part.iter().max_by(by_value), part.last()];
        let mut kept: Vec<(f64, f64)> = extremes.into_iter().flatten().copied().collect();
        kept.sort_by(|one, other| one.0.total_cmp(&other.0));
        kept.dedup();
        thinned.extend(kept);
    }
    thinned
}

#[cfg(test)]
mod tests {
    use super::thin;

    #[test]
    fn a_million_points_keep_their_extremes() {
        let point = |at: u32| (f64::from(at), if at == 777_777 { 9.0 } else { f64::from(at % 3) });
        let points: Vec<_> = (0..1_000_000).map(point).collect();
        let thinned = thin(&points, 100);
        assert!(thinned.len() <= 400, "{}", thinned.len());
        assert!(thinned.contains(&(777_777.0, 9.0)));
        assert!(thinned.windows(2).all(|pair| pair[0].0 <= pair[1].0));
        assert_eq!(thin(&points[..300], 100), points[..300]);
        assert_eq!(thin(&[], 100), []);
    }
}
