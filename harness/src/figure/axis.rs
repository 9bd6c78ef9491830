//! A value axis: where its marks are, and what they are called.

use super::plot::Unit;

/// A mark on an axis.
#[derive(Debug, Clone, PartialEq)]
pub struct Tick {
    /// Where it is.
    pub value: f64,
    /// What stands beside it.
    pub label: String,
}

/// About how many marks an axis has.
const MARKS: f64 = 4.0;

/// The prefixes of powers of 1024.
const BINARY: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
/// The prefixes of powers of 1000.
const DECIMAL: [&str; 5] = ["", " k", " M", " G", " T"];

/// The marks of an axis from 0 to the first one at or above `highest`. Everything that is drawn counts something, so every
/// axis begins at 0.
pub fn ticks(highest: f64, unit: Unit) -> Vec<Tick> {
    let highest = if highest.is_finite() && highest > 0.0 { highest } else { 1.0 };
    let (base, names) = match unit {
        Unit::Bytes => (1024.0, BINARY),
        Unit::Nanoseconds => (1000.0, [" ns", " µs", " ms", " s", " ks"]),
        _ => (1000.0, DECIMAL),
    };
    let step = step(highest / MARKS, base);
    let (scale, name) = match unit {
        Unit::BasisPoints => (1.0, ""),
        _ => prefix(highest, base, names),
    };
    let decimals = if (step / scale).fract().abs() < 1e-9 { 0 } else { 1 + usize::from(step / scale < 0.1) };
    let space = if unit == Unit::Bytes { " " } else { "" };
    let count = (highest / step - 1e-9).ceil() as u32;
    (0..=count)
        .map(|nth| {
            let value = f64::from(nth) * step;
            let label = match nth {
                0 => "0".to_owned(),
                _ => format!("{:.decimals$}{space}{name}", value / scale),
            };
            Tick { value, label }
        })
        .collect()
}

/// The least round number that is not below `least`: 1, 2 or 5 times a power of 10, of bytes times a power of 1024.
fn step(least: f64, base: f64) -> f64 {
    let mut unit = 1.0;
    while base > 1000.0 && least >= unit * base {
        unit *= base;
    }
    let power = 10f64.powf((least / unit).log10().floor()) * unit;
    let round = [1.0, 2.0, 5.0, 10.0].into_iter().map(|times| times * power);
    // There are no fractions of a byte, an event or a page.
    round.into_iter().find(|round| *round >= least * (1.0 - 1e-9)).unwrap_or(power * 10.0).max(1.0)
}

fn prefix(highest: f64, base: f64, names: [&'static str; 5]) -> (f64, &'static str) {
    let mut scale = 1.0;
    for name in names {
        if highest < scale * base {
            return (scale, name);
        }
        scale *= base;
    }
    (scale / base, names[4])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn labels(highest: f64, unit: Unit) -> Vec<String> {
        ticks(highest, unit).into_iter().map(|tick| tick.label).collect()
    }

    #[test]
    fn marks_are_round_numbers_with_their_unit() {
        assert_eq!(labels(9_600.0, Unit::BasisPoints), ["0", "5000", "10000"]);
        assert_eq!(labels(f64::from(16 << 20), Unit::Bytes), ["0", "5 MiB", "10 MiB", "15 MiB", "20 MiB"]);
        assert_eq!(labels(3.0, Unit::Count), ["0", "1", "2", "3"]);
        assert_eq!(labels(1_234_567.0, Unit::Instructions), ["0", "0.5 M", "1.0 M", "1.5 M"]);
        assert_eq!(labels(0.0, Unit::Count), ["0", "1"]);
        assert_eq!(labels(f64::NAN, Unit::Bytes), ["0", "1 B"]);
    }

    proptest! {
        #[test]
        fn an_axis_has_few_marks_and_holds_its_values(highest in 0.0..1e18_f64) {
            for unit in [Unit::BasisPoints, Unit::Bytes, Unit::Count, Unit::Instructions, Unit::Nanoseconds] {
                let ticks = ticks(highest, unit);
                prop_assert!((2..=9).contains(&ticks.len()), "{ticks:?}");
                prop_assert!(ticks.last().is_some_and(|last| last.value >= highest * (1.0 - 1e-6)), "{ticks:?}");
            }
        }
    }
}
