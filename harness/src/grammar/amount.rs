//! Amounts as people and damo write them: `512M`, `25ms`, `4.000 KiB`, `1 m 30 s`, `10 %`, `1,000`.
//!
//! Text in, whole numbers out, no floating point: `1.5G` is exactly 1610612736. A fraction of the
//! smallest unit is cut off, as damo does.

const SIZES: &[(&str, u64)] = &[
    ("B", 1),
    ("K", 1 << 10),
    ("KB", 1 << 10),
    ("KiB", 1 << 10),
    ("M", 1 << 20),
    ("MB", 1 << 20),
    ("MiB", 1 << 20),
    ("G", 1 << 30),
    ("GB", 1 << 30),
    ("GiB", 1 << 30),
    ("T", 1 << 40),
    ("TB", 1 << 40),
    ("TiB", 1 << 40),
    ("P", 1 << 50),
    ("PB", 1 << 50),
    ("PiB", 1 << 50),
    ("E", 1 << 60),
    ("EB", 1 << 60),
    ("EiB", 1 << 60),
];

const TIMES: &[(&str, u64)] = &[
    ("ns", 1),
    ("us", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
    ("d", 86_400_000_000_000),
];

/// A decimal number of no unit: `digits / 10^scale`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Decimal {
    digits: u128,
    scale: u32,
}

impl Decimal {
    /// Reads `1,234.5`: digits, commas between them, at most one point.
    pub(crate) fn parse(text: &str) -> Option<Decimal> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let plain = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
        let whole = whole.replace(',', "");
        if whole.is_empty() || !plain(&whole) || !plain(fraction) || text.starts_with(',') {
            return None;
        }
        let fraction = &fraction[..fraction.len().min(9)];
        let digits = format!("{whole}{fraction}").parse().ok()?;
        Some(Decimal { digits, scale: u32::try_from(fraction.len()).ok()? })
    }

    /// `self * numerator / denominator`, rounded down; `None` beyond 64 bits.
    pub(crate) fn scaled(self, numerator: u64, denominator: u64) -> Option<u64> {
        let product = self.digits.checked_mul(u128::from(numerator))?;
        let divisor = 10u128.pow(self.scale) * u128::from(denominator);
        u64::try_from(product / divisor).ok()
    }

    /// The number itself, if it is whole.
    pub(crate) fn whole(self) -> Option<u64> {
        self.digits.is_multiple_of(10u128.pow(self.scale)).then(|| self.scaled(1, 1)).flatten()
    }
}

/// The number and the unit of `5 ms` or `5ms`; the unit is empty where there is none.
fn split_unit(text: &str) -> (&str, &str) {
    let text = text.trim();
    let end = text.find(|c: char| !(c.is_ascii_digit() || c == '.' || c == ',')).unwrap_or(text.len());
    (&text[..end], text[end..].trim())
}

fn factor(table: &[(&str, u64)], unit: &str) -> Option<u64> {
    table.iter().find(|(name, _)| *name == unit).map(|(_, factor)| *factor)
}

/// A size with a unit, in bytes.
pub(crate) fn size(text: &str) -> Option<u64> {
    let (number, unit) = split_unit(text);
    Decimal::parse(number)?.scaled(factor(SIZES, unit)?, 1)
}

/// A time with units, in nanoseconds; `1 m 30 s` is a sum.
pub(crate) fn time(text: &str) -> Option<u64> {
    let mut total = 0u64;
    let mut rest = text.trim();
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let (number, tail) = split_unit(rest);
        let end = tail.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(tail.len());
        let part = Decimal::parse(number)?.scaled(factor(TIMES, &tail[..end])?, 1)?;
        total = total.checked_add(part)?;
        rest = tail[end..].trim_start();
    }
    Some(total)
}

/// A percentage (`30 %`, `0.5%`) in parts of `whole`.
pub(crate) fn percent(text: &str, whole: u64) -> Option<u64> {
    let number = text.trim().strip_suffix('%')?;
    Decimal::parse(number.trim_end())?.scaled(whole, 100)
}

/// As [`percent`]; what does not fit into 64 bits is the most that does.
pub(crate) fn percent_or_max(text: &str, whole: u64) -> Option<u64> {
    let number = text.trim().strip_suffix('%')?;
    Some(Decimal::parse(number.trim_end())?.scaled(whole, 100).unwrap_or(u64::MAX))
}

/// A plain number without its fraction; what does not fit into 64 bits is the most that does.
pub(crate) fn cut_off(text: &str) -> Option<u64> {
    Some(Decimal::parse(text.trim())?.scaled(1, 1).unwrap_or(u64::MAX))
}

/// A number with six decimals, as damo prints shares with --raw, without them; what does not fit into 64 bits is the most
/// that does.
pub(crate) fn six_decimals(text: &str) -> Option<u64> {
    text.split_once('.').filter(|(_, fraction)| fraction.len() == 6).and_then(|_| cut_off(text))
}

/// A plain whole number, with or without commas.
pub(crate) fn number(text: &str) -> Option<u64> {
    let text = text.trim();
    if let Some(hex) = text.strip_prefix("0x") {
        return u64::from_str_radix(hex, 16).ok();
    }
    Decimal::parse(text)?.whole()
}

/// A number and its unit: `5 samples`.
pub(crate) fn counted(text: &str) -> Option<(u64, &str)> {
    let (number, unit) = split_unit(text);
    Some((Decimal::parse(number)?.whole()?, unit))
}

/// A decimal number, as a regular expression.
const DECIMAL: &str = r"[0-9][0-9,]*(\.[0-9]*)?";

/// The texts of [`number`], apart from those that fit into no 64 bits.
pub(crate) fn number_form() -> String {
    r"\s*(0x[0-9a-fA-F]+|[0-9][0-9,]*(\.0*)?)\s*".to_owned()
}

fn names(table: &[(&str, u64)]) -> String {
    let names: Vec<&str> = table.iter().map(|(name, _)| *name).collect();
    format!("({})", names.join("|"))
}

/// Those of [`size`].
pub(crate) fn size_form() -> String {
    format!(r"\s*{DECIMAL}\s*{}\s*", names(SIZES))
}

/// Those of [`time`].
pub(crate) fn time_form() -> String {
    format!(r"\s*({DECIMAL}\s*{}\s*)+", names(TIMES))
}

/// Those of [`percent`].
pub(crate) fn percent_form() -> String {
    format!(r"\s*{DECIMAL}\s*%\s*")
}

/// A share with its unit: a percentage, or basis points.
pub(crate) fn share_form() -> String {
    format!(r"({}|{}bp\s*)", percent_form(), number_form())
}

/// A percentage, or a bare number: a whole one, or with six decimals.
pub(crate) fn bare_share_form() -> String {
    format!(r"({}|{}|\s*[0-9][0-9,]*\.[0-9]{{6}}\s*)", percent_form(), number_form())
}

/// A number of which a fraction is cut off.
pub(crate) fn cut_off_form() -> String {
    format!(r"\s*(0x[0-9a-fA-F]+|{DECIMAL})\s*")
}

/// Those of [`counted`] with one of these units.
pub(crate) fn counted_form(units: &[&str]) -> String {
    format!(r"\s*[0-9][0-9,]*(\.0*)?\s*({})\s*", units.join("|"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_binary_whatever_the_spelling() {
        for text in ["512M", "512MB", "512MiB", "512 MiB", "0.5G", "524,288 K", "512.000 MiB"] {
            assert_eq!(size(text), Some(512 << 20), "{text}");
        }
        assert_eq!(size("4.000 KiB"), Some(4096));
        assert_eq!(size("1.5G"), Some(3 << 29));
    }

    #[test]
    fn a_size_without_a_unit_or_with_a_wrong_one_is_none() {
        for text in ["512", "", "M", "512m", "512 MM", "-1M", "1.2.3M", "1e3M", "16E9E", ",M", "32E"] {
            assert_eq!(size(text), None, "{text}");
        }
    }

    #[test]
    fn times_add_up() {
        assert_eq!(time("300ns"), Some(300));
        assert_eq!(time("5 ms"), Some(5_000_000));
        assert_eq!(time("1 m 30 s"), Some(90_000_000_000));
        assert_eq!(time("1m30s"), Some(90_000_000_000));
        assert_eq!(time("1.500 s"), Some(1_500_000_000));
        for text in ["", "5", "ms", "5 ms 3", "5 sec", "99999999999d"] {
            assert_eq!(time(text), None, "{text}");
        }
    }

    #[test]
    fn percentages_are_parts_of_what_the_caller_says() {
        assert_eq!(percent("30%", 10_000), Some(3_000));
        assert_eq!(percent("0.5 %", 1_000), Some(5));
        assert_eq!(percent("30", 10_000), None);
    }

    #[test]
    fn numbers_take_commas_and_hex() {
        assert_eq!(number("4,294,967,296"), Some(1 << 32));
        assert_eq!(number("0x100"), Some(256));
        assert_eq!(number("1.5"), None);
        assert_eq!(number("1.0"), Some(1));
        assert_eq!((cut_off("1.5"), cut_off("1.5 s")), (Some(1), None));
        assert_eq!(six_decimals("18446744073709551616.000000"), Some(u64::MAX));
        assert_eq!((six_decimals("4.500000"), six_decimals("4.5")), (Some(4), None));
        assert_eq!(percent_or_max("184,467,440,737,095,520 %", 10_000), Some(u64::MAX));
        assert_eq!(counted("5 samples"), Some((5, "samples")));
    }
}
