//! Numbers as words, in bands so wide that the noise of a run does not cross their borders.

/// A share of a whole. The borders lie at 15, 50 and 85 %: away from the 30 and 70 % that tiering
/// scenarios aim for.
pub(super) fn share(part: u64, whole: u64) -> &'static str {
    let part = u128::from(part) * 100;
    let whole = u128::from(whole);
    match () {
        _ if part == 0 => "nothing",
        _ if part < 15 * whole => "almost nothing",
        _ if part < 50 * whole => "the smaller part",
        _ if part < 85 * whole => "the larger part",
        _ => "almost all",
    }
}

/// A count of things that come by the hundred or not at all.
pub(super) fn many(count: usize) -> &'static str {
    match count {
        0 => "none",
        1..5 => "a few",
        _ => "many",
    }
}

/// Where a mean lies, seen from a target; both in parts of 10000.
pub(super) fn beside(mean: f64, target: u64) -> &'static str {
    const FIVE_POINTS: f64 = 500.0;
    let distance = mean - target as f64;
    if distance.abs() <= FIVE_POINTS {
        "within 5 points of the target"
    } else if distance < 0.0 {
        "below the target"
    } else {
        "above the target"
    }
}

/// Things in a row, `none` where there are none.
pub(super) fn list(items: impl IntoIterator<Item = String>) -> String {
    let items: Vec<String> = items.into_iter().collect();
    if items.is_empty() { "none".to_owned() } else { items.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_have_their_borders_where_no_scenario_aims() {
        let words: Vec<_> = [0, 14, 15, 30, 49, 50, 70, 84, 85, 100].map(|part| share(part, 100)).into();
        assert_eq!(words[0], "nothing");
        assert_eq!(words[1], "almost nothing");
        assert_eq!(words[2..5], ["the smaller part"; 3]);
        assert_eq!(words[5..8], ["the larger part"; 3]);
        assert_eq!(words[8..], ["almost all"; 2]);
        assert_eq!(share(u64::MAX, u64::MAX), "almost all");
    }

    #[test]
    fn a_mean_is_near_its_target_up_to_five_points() {
        assert_eq!(beside(7499.9, 7000), "within 5 points of the target");
        assert_eq!(beside(6400.0, 7000), "below the target");
        assert_eq!(beside(10000.0, 7000), "above the target");
    }
}
