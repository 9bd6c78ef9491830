//! How much memory was migrated, by cause.

use crate::figure::{Lines, Plot, Section, Series, Shape, Unit};
use crate::host::text::excerpt;
use crate::subject::damon::events::MIGRATE_PAGES;
use crate::subject::damon::rules::migration::migrations;
use crate::subject::damon::view::{PAGE, View};
use std::collections::BTreeMap;

pub(super) fn plot(view: &View<'_>) -> Option<Plot> {
    let mut moved: BTreeMap<String, Series> = BTreeMap::new();
    let mut failed: BTreeMap<String, Series> = BTreeMap::new();
    for one in migrations(view).ok()? {
        let reason = excerpt(one.reason);
        let add = |all: &mut BTreeMap<String, Series>, pages: u64, what: &str| {
            if pages == 0 {
                return;
            }
            let name = format!("{what}{reason}");
            let series = all.entry(reason.clone()).or_insert_with(|| Series::new(name, Shape::Steps));
            let before = series.points.last().map_or(0.0, |(_, bytes)| *bytes);
            series.points.push((one.line.time, before + (pages.saturating_mul(PAGE)) as f64));
        };
        add(&mut moved, one.succeeded, "");
        add(&mut failed, one.failed, "failed: ");
    }
    let series: Vec<Series> = moved.into_values().chain(failed.into_values()).collect();
    let about = format!(
        "The bytes that migrate_pages has moved until then, by the cause that it reports ({MIGRATE_PAGES})."
    );
    let lines = Lines { unit: Unit::Bytes, series, levels: Vec::new() };
    (!lines.series.is_empty())
        .then(|| Plot::lines(Section::Placement, "Migrated bytes by cause", about, lines))
}
