//! Which quantity an expectation names.

use crate::grammar::{At, Scalar};
use crate::scenario::expect::Statistic;
use crate::scenario::raw::RawExpectation;

/// What an expectation can be about, for messages.
pub(super) const QUANTITIES: &[&str] = &[
    "mean",
    "min",
    "max",
    "final",
    "percentiles (p1, p5, p10, p25, p50, p75, p90, p95, p99)",
    "count",
    "ordered",
    "resident and vmstat",
];

/// A quantity, and what stands after its key.
#[derive(Clone, Copy)]
pub(super) enum Named<'a> {
    Mean(&'a At<Scalar>),
    Statistic(&'static str, Statistic, &'a At<Scalar>),
    Ordered(&'a At<Vec<At<Scalar>>>),
    Count(&'a At<Scalar>),
    Resident(&'a At<Scalar>),
    Vmstat(&'a At<Scalar>),
}

/// The quantities that a line names: one, if it is sound.
pub(super) fn named(line: &RawExpectation) -> Vec<Named<'_>> {
    let percentile = Statistic::Percentile;
    let statistics = [
        ("min", Statistic::Min, &line.min),
        ("max", Statistic::Max, &line.max),
        ("final", Statistic::Final, &line.final_value),
        ("p1", percentile(1), &line.p1),
        ("p5", percentile(5), &line.p5),
        ("p10", percentile(10), &line.p10),
        ("p25", percentile(25), &line.p25),
        ("p50", percentile(50), &line.p50),
        ("p75", percentile(75), &line.p75),
        ("p90", percentile(90), &line.p90),
        ("p95", percentile(95), &line.p95),
        ("p99", percentile(99), &line.p99),
    ];
    let statistics = statistics
        .into_iter()
        .filter_map(|(key, statistic, field)| Some(Named::Statistic(key, statistic, field.as_ref()?)));
    let others = [
        line.mean.as_ref().map(Named::Mean),
        line.ordered.as_ref().map(Named::Ordered),
        line.count.as_ref().map(Named::Count),
        line.resident.as_ref().map(Named::Resident),
        line.vmstat.as_ref().map(Named::Vmstat),
    ];
    statistics.chain(others.into_iter().flatten()).collect()
}
