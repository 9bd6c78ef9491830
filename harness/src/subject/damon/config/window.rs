//! The charge window: the beat in which quotas, goals and so scenarios are counted.

use damonlab_protocol::damon::{Context, Kdamond, Scheme};
use damonlab_protocol::units::Nanos;

/// The longest charge window of all schemes; where there is none, the longest aggregation interval.
///
/// A window ends at the first apply tick at or after `reset_interval` (`damos_adjust_quota`), so it
/// is a whole number of apply intervals. The kernel counts from when it looked, so a real window is
/// sometimes a tick longer. `None` without a kdamond, or when the window has no end.
pub(super) fn charge_window(kdamonds: &[Kdamond]) -> Option<Nanos> {
    let contexts = || kdamonds.iter().map(|kdamond| &kdamond.context);
    let windows = contexts().flat_map(|context| context.schemes.iter().map(|scheme| window(scheme, context)));
    let longest = windows.collect::<Option<Vec<u64>>>()?.into_iter().max();
    let micros = longest.or_else(|| contexts().map(|context| context.intervals.aggr_us).max())?;
    micros.checked_mul(1_000).map(Nanos)
}

/// One scheme's window in microseconds.
fn window(scheme: &Scheme, context: &Context) -> Option<u64> {
    let apply =
        if scheme.apply_interval_us == 0 { context.intervals.aggr_us } else { scheme.apply_interval_us };
    let reset = scheme.quota.reset_interval_ms.checked_mul(1_000)?;
    reset.div_ceil(apply.max(1)).max(1).checked_mul(apply)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::Scenario;

    #[test]
    fn a_window_is_a_whole_number_of_apply_intervals() {
        let path = crate::bundled::home().join("scenarios/pull-push.yaml");
        let text = std::fs::read_to_string(path).unwrap();
        let window = |reset: &str| {
            let text = text.replace("reset_interval_ms: 400 ms", &format!("reset_interval_ms: {reset}"));
            charge_window(&Scenario::parse("pull-push", &text).unwrap().kdamonds)
        };
        assert_eq!(window("400 ms"), Some(Nanos::from_millis(400)));
        assert_eq!(window("401 ms"), Some(Nanos::from_millis(600)));
        let each_tick = Some(Nanos::from_millis(200));
        assert_eq!(window("0"), each_tick, "without a reset interval a window ends at each apply tick");
    }
}
