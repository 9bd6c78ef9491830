//! What would come of a series, as `damonlab series show` prints it.

use super::event::Listing;
use crate::host::text::{block, quote};
use crate::kernel::{Patch, PatchResult, Trial};
use crate::series::Series;
use serde_json::{Value, json};
use std::fmt::Write;

/// A series, and what comes of it.
pub fn series(series: &Series, trial: &Trial) -> Listing {
    let count = series.patches.len();
    let mut text = format!("{}: {} on {}\n", quote(&series.name()), patches(count), quote(&trial.base));
    for note in &series.notes {
        let _ = writeln!(text, "  note  {}", quote(note));
    }
    let mut rows = Vec::new();
    for (at, (patch, result)) in trial.patches.iter().enumerate() {
        let (status, hunks) = parts(result);
        let _ = writeln!(text, "{}/{count}  {status:15}  {}", at + 1, quote(&patch.title()));
        for file in files(patch) {
            let _ = writeln!(text, "        {}", quote(&file));
        }
        for hunk in &hunks {
            let _ = writeln!(text, "        - {}", block(hunk).replace('\n', "\n          "));
        }
        rows.push(row(patch, status, &hunks));
    }
    for (at, patch) in trial.untried.iter().enumerate() {
        let number = trial.patches.len() + at + 1;
        let _ = writeln!(text, "{number}/{count}  {:15}  {}", "not tried", quote(&patch.title()));
        rows.push(row(patch, "not tried", &[]));
    }
    text.push_str(&sum(trial, count));
    let data = json!({"series": series.name(), "kernel": trial.base, "notes": series.notes, "patches": rows});
    Listing { command: "series show", text, data }
}

fn patches(count: usize) -> String {
    if count == 1 { "1 patch".to_owned() } else { format!("{count} patches") }
}

/// The status of a patch, and the hunks or the reason to go with it.
fn parts(result: &PatchResult) -> (&'static str, Vec<String>) {
    match result {
        PatchResult::Applies(moved) if moved.is_empty() => ("applies", Vec::new()),
        PatchResult::Applies(moved) => ("applies, moved", moved.clone()),
        PatchResult::Inexact { moved, inexact } => ("inexact", [inexact.clone(), moved.clone()].concat()),
        PatchResult::AlreadyApplied => ("already applied", Vec::new()),
        PatchResult::Refused(why) => ("does not apply", vec![why.clone()]),
    }
}

fn files(patch: &Patch) -> Vec<String> {
    patch.diff().map(|diff| diff.paths().into_iter().collect()).unwrap_or_default()
}

fn row(patch: &Patch, status: &str, hunks: &[String]) -> Value {
    json!({"title": patch.title(), "status": status, "files": files(patch), "hunks": hunks})
}

fn sum(trial: &Trial, count: usize) -> String {
    let of = |wanted: &str| trial.patches.iter().filter(|(_, result)| parts(result).0 == wanted).count();
    let already = of("already applied");
    if already == count {
        return format!("the kernel has the whole series already ({})\n", patches(count));
    }
    let kinds = ["applies", "applies, moved", "inexact", "already applied", "does not apply"];
    let mut sums: Vec<String> = kinds
        .iter()
        .map(|kind| (of(kind), kind))
        .filter(|(n, _)| *n > 0)
        .map(|(n, kind)| format!("{n} {kind}"))
        .collect();
    if !trial.untried.is_empty() {
        sums.push(format!("{} not tried", trial.untried.len()));
    }
    let help = if already > 0 { "; --skip-applied passes over what is in already" } else { "" };
    format!("{}{help}\n", sums.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patch(title: &str) -> Patch {
        let bytes = b"--- a/mm/x.c\n+++ b/mm/x.c\n@@ -1 +1,2 @@\n one\n+two\n".to_vec();
        Patch { path: "p".into(), subject: Some(title.into()), bytes }
    }

    fn shown(results: Vec<PatchResult>, untried: usize) -> Listing {
        let tried: Vec<_> = results.into_iter().map(|result| (patch("mm: add two"), result)).collect();
        let untried = vec![patch("mm: more"); untried];
        let all = tried.iter().map(|(patch, _)| patch.clone()).chain(untried.clone()).collect();
        let whole = Series { title: Some("two".into()), patches: all, notes: vec!["a note".into()] };
        series(&whole, &Trial { base: "linux 7.3.4".into(), patches: tried, untried })
    }

    #[test]
    fn each_patch_has_its_status_its_files_and_what_moved() {
        let hunk = "mm/x.c: hunk 1 at line 3, moved by 2 lines".to_owned();
        let results = vec![
            PatchResult::Applies(Vec::new()),
            PatchResult::Applies(vec![hunk]),
            PatchResult::AlreadyApplied,
            PatchResult::Refused("no such place".into()),
        ];
        let Listing { text, data, .. } = shown(results, 1);
        let wanted = "two: 5 patches on linux 7.3.4\n  note  a note\n\
                      1/5  applies          mm: add two\n        mm/x.c\n\
                      2/5  applies, moved   mm: add two\n        mm/x.c\n        - mm/x.c: hunk 1 at line 3, moved by 2 lines\n\
                      3/5  already applied  mm: add two\n        mm/x.c\n\
                      4/5  does not apply   mm: add two\n        mm/x.c\n        - no such place\n\
                      5/5  not tried        mm: more\n\
                      1 applies; 1 applies, moved; 1 already applied; 1 does not apply; 1 not tried; --skip-applied passes over \
                      what is in already\n";
        assert_eq!(text, wanted);
        assert_eq!(data["patches"][3]["hunks"], json!(["no such place"]));
    }

    #[test]
    fn a_series_that_is_in_as_a_whole_is_said_so() {
        let text = shown(vec![PatchResult::AlreadyApplied; 2], 0).text;
        assert!(text.ends_with("the kernel has the whole series already (2 patches)\n"), "{text}");
    }

    #[test]
    fn titles_of_strangers_are_escaped() {
        let evil = (patch("a\u{1b}[31mb"), PatchResult::Refused("x\u{1b}[0m".into()));
        let whole = Series { patches: vec![evil.0.clone()], ..Series::default() };
        let text = series(&whole, &Trial { base: "b".into(), patches: vec![evil], untried: Vec::new() }).text;
        assert!(!text.contains('\u{1b}'), "{text}");
    }
}
