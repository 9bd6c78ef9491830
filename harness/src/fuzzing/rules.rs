//! The target that reads files of rules: their YAML, the expressions in it, and what comes of them on a stored recording.

use crate::expression::Expression;
use crate::judge;
use crate::recording::Recording;
use crate::scenario::RuleFile;
use std::cell::RefCell;
use std::path::Path;

thread_local! {
    static RECORDING: RefCell<Recording> = RefCell::new(
        Recording::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recordings/pull-push-short"))
            .expect("a stored recording"),
    );
}

/// A file of rules, which is judged, and the same text as one expression.
pub(super) fn rules(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Ok(expression) = Expression::parse(&text) {
        drop(expression.names().map(str::to_owned).collect::<Vec<_>>());
    }
    match RuleFile::of("fuzz.yaml", text.into_owned()) {
        Ok(file) => RECORDING.with_borrow_mut(|recording| {
            recording.scenario.rules = file.rules().to_vec();
            let judged = judge::judge(recording);
            assert!(judged.stated.len() == file.rules().len(), "a rule without a result");
            drop(judged.verdict().to_string());
        }),
        Err(error) => drop(format!("{:?}", miette::Report::new(error))),
    }
}
