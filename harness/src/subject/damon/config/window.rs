//! The charge window: the beat in which quotas, goals and so scenarios are counted.

use damonlab_protocol::damon::{Context, Kdamond, Scheme};
use damonlab_protocol::units::Nanos;

/// The longest charge window of all schemes; where there is none, the longest aggregation interval.
///
/// A window ends at the first apply tick at or after `reset_interval` (`damos_adjust_quota`), so it
/// is a whole number of apply intervals. The kernel counts from when it looked, so a real window is
/// sometimes a tick longer. `None` without a kdamond, or when the window has no end.
pub fn charge_window(kdamonds: &[Kdamond]) -> Option<Nanos> {
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
