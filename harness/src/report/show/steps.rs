//! The steps.

use super::super::plot::table;
use super::section::{Contents, ShowArgs};
use crate::host::text::excerpt;

pub(super) fn section(contents: &Contents<'_>, arguments: &ShowArgs) -> String {
    let recording = contents.recording;
    let steps = recording.plan.steps.iter().zip(&recording.report.steps);
    let rows: Vec<Vec<String>> = steps
        .enumerate()
        .map(|(number, (step, record))| {
            let took = record.end.0.saturating_sub(record.begin.0) as f64 / 1e9;
            let refused = record.refused.as_ref();
            let refused = refused.map(|one| format!("{}: {}", excerpt(&one.errno), excerpt(&one.file)));
            let begin = record.begin.seconds();
            vec![
                number.to_string(),
                step.word().to_owned(),
                begin,
                format!("{took:.3}"),
                refused.unwrap_or_default(),
            ]
        })
        .collect();
    format!("steps\n{}", table(&["step", "word", "begin s", "took s", "refused"], &rows, arguments.rows))
}
