//! The guest's report as one line of the console, for a guest that has no results port.
//!
//! A probe guest answers one question (which features does the kernel have, which node did the region become)
//! and has only a console. A plan that sets [`crate::plan::Plan::prints_report`] makes the guest print
//! `damonlab-guest: report: LENGTH JSON` before [`crate::plan::DRAIN_MARK`]. The length finds a line into which the
//! kernel printed, or which lost its end. Pure.

use crate::record::GuestReport;

/// What the line begins with.
pub const REPORT_MARK: &str = "damonlab-guest: report: ";

/// The longest JSON that a line carries, in bytes.
pub const LIMIT: usize = 64 << 10;

/// Why a report cannot be printed or read.
#[derive(Debug, thiserror::Error)]
pub enum ReportLineError {
    /// It does not fit into one line.
    #[error("the report has {0} bytes, and a line of the console carries {LIMIT}")]
    TooLong(usize),
    /// The length at the beginning is missing, or it is not that of the rest.
    #[error("the report line is damaged: it has {found} bytes and gives its length as '{given}'")]
    Damaged {
        /// As the line gives it.
        given: String,
        /// Without the mark and the length.
        found: usize,
    },
    /// The length is right, and the rest is no report.
    #[error("the report line is not a report: {0}")]
    Json(#[from] serde_json::Error),
}

/// The line for `report`, without a newline.
///
/// # Errors
/// The report is longer than [`LIMIT`].
pub fn encode(report: &GuestReport) -> Result<String, ReportLineError> {
    let json = serde_json::to_string(report)?;
    if json.len() > LIMIT {
        return Err(ReportLineError::TooLong(json.len()));
    }
    Ok(format!("{REPORT_MARK}{} {json}", json.len()))
}

/// The report in `line`; none where the line is another one. A carriage return at the end is left out.
///
/// # Errors
/// The line begins as a report does, and is damaged or too long.
pub fn decode(line: &str) -> Result<Option<GuestReport>, ReportLineError> {
    let Some(rest) = line.trim_end_matches(['\r', '\n']).strip_prefix(REPORT_MARK) else { return Ok(None) };
    let (given, json) = rest.split_once(' ').unwrap_or((rest, ""));
    if json.len() > LIMIT {
        return Err(ReportLineError::TooLong(json.len()));
    }
    if given.parse() != Ok(json.len()) {
        let given = given.chars().filter(|c| !c.is_control()).take(20).collect();
        return Err(ReportLineError::Damaged { given, found: json.len() });
    }
    Ok(Some(serde_json::from_str(json)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel_feature::KernelFeature;
    use crate::missing_feature::MissingFeature;
    use proptest::prelude::*;

    fn report() -> GuestReport {
        let missing =
            KernelFeature::parse("goal.active_mem_bp").map(|need| MissingFeature::Needs(vec![need]));
        GuestReport {
            kernel: "7.3.0".into(),
            errors: vec!["a\nb \u{1b}".into()],
            missing,
            ..GuestReport::default()
        }
    }

    #[test]
    fn a_report_is_read_back_from_its_line() {
        let line = encode(&report()).unwrap();
        assert!(!line.contains(['\n', '\u{1b}']), "{line}");
        assert_eq!(decode(&format!("{line}\r")).unwrap(), Some(report()));
    }

    #[test]
    fn any_other_line_carries_no_report() {
        for line in ["", "damonlab-guest: ready", "[    1.0] damonlab-guest: report: 2 {}"] {
            assert_eq!(decode(line).unwrap(), None, "{line}");
        }
    }

    #[test]
    fn a_report_that_is_too_long_is_neither_printed_nor_read() {
        let long = GuestReport { kernel: "x".repeat(LIMIT), ..GuestReport::default() };
        assert!(matches!(encode(&long), Err(ReportLineError::TooLong(_))));
        let json = serde_json::to_string(&long).unwrap();
        let line = format!("{REPORT_MARK}{} {json}", json.len());
        assert!(matches!(decode(&line), Err(ReportLineError::TooLong(_))));
    }

    #[test]
    fn a_field_that_no_report_has_is_an_error() {
        assert!(matches!(decode(&format!("{REPORT_MARK}7 {{\"a\":1}}")), Err(ReportLineError::Json(_))));
    }

    proptest! {
        #[test]
        fn text_of_the_kernel_inside_a_line_is_found(at: prop::sample::Index, text in "[ -~]{1,80}") {
            let mut line = encode(&report()).unwrap();
            let at = REPORT_MARK.len() + at.index(line.len() - REPORT_MARK.len());
            line.insert_str(at, &text);
            prop_assert!(!matches!(decode(&line), Ok(Some(found)) if found != report()));
        }

        #[test]
        fn a_line_that_lost_its_end_is_found(lost in 1usize..200) {
            let line = encode(&report()).unwrap();
            let keep = line.len().saturating_sub(lost).max(REPORT_MARK.len());
            prop_assert!(decode(&line[..keep]).is_err());
        }
    }
}
