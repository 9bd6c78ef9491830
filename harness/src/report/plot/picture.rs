//! The accesses of a target as a picture: time from left to right, addresses from below, a darker block for more accesses.

use super::cells::{PlotStyle, ascii};
use crate::subject::Heat;

/// The shades from no access to the most; a blank is memory that is in no region.
const SHADES: [char; 5] = ['·', '░', '▒', '▓', '█'];

/// The lines of the picture, the highest addresses first, each with the first address of its band. `width` includes them.
pub(in crate::report) fn picture(heat: &Heat, style: PlotStyle) -> Vec<String> {
    let labels: Vec<String> =
        (0..heat.bands()).map(|band| format!("{:#x}", heat.addresses(band).0)).collect();
    let label = labels.iter().map(String::len).max().unwrap_or(0);
    let columns = usize::from(style.width).saturating_sub(label + 3).clamp(1, heat.times().max(1));
    let hottest = heat.hottest().max(1);
    let shade = |accesses: Option<u32>| match accesses {
        None => ' ',
        Some(0) if style.unicode => SHADES[0],
        Some(0) => '-',
        Some(some) => {
            let level = 1 + usize::try_from(u64::from(some - 1) * 4 / u64::from(hottest)).unwrap_or(0);
            let shade = SHADES[level.min(4)];
            if style.unicode { shade } else { ascii(shade) }
        }
    };
    let line = |band: usize| {
        let cell = |column: usize| {
            let (from, to) = (column * heat.times() / columns, (column + 1) * heat.times() / columns);
            shade((from..to.max(from + 1)).filter_map(|row| heat.at(row, band)).max())
        };
        let cells: String = (0..columns).map(cell).collect();
        let border = if style.unicode { '│' } else { '|' };
        format!("{:>label$} {border}{}", labels[band], cells.trim_end())
    };
    (0..heat.bands()).rev().map(line).collect()
}

/// What the shades mean.
pub(in crate::report) fn key(heat: &Heat, style: PlotStyle) -> String {
    let shades: String = SHADES.iter().skip(1).map(|c| if style.unicode { *c } else { ascii(*c) }).collect();
    let none = if style.unicode { SHADES[0] } else { '-' };
    format!("{none} no access, {shades} up to {} accesses in an aggregation", heat.hottest())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::subject::{Aggregation, Region};
    use damonlab_protocol::units::Nanos;

    fn heat() -> Heat {
        let region = |start, end, nr_accesses| Region { start, end, nr_accesses, age: 0 };
        let aggregation = |time, hot| Aggregation {
            kdamond: 0,
            target: 0,
            time: Nanos(time),
            regions: vec![region(0, 100, 0), region(100, 200, hot)],
        };
        let all = [aggregation(10, 1), aggregation(20, 20), aggregation(30, 10)];
        Heat::of(&all.iter().collect::<Vec<_>>(), 2).unwrap()
    }

    #[test]
    fn more_accesses_are_darker_and_higher_addresses_are_above() {
        let lines = picture(&heat(), PlotStyle { width: 40, unicode: true });
        assert_eq!(lines, ["0x64 │░█▒", " 0x0 │···"]);
    }

    #[test]
    fn what_does_not_fit_keeps_the_hottest_and_ascii_has_shades_too() {
        let lines = picture(&heat(), PlotStyle { width: 8, unicode: false });
        assert_eq!(lines, ["0x64 |#", " 0x0 |-"]);
        assert!(key(&heat(), PlotStyle { width: 8, unicode: false }).is_ascii());
    }
}
