//! The recording that `cargo bench` judges: a bench that measures a failing one measures how findings are printed.

#[path = "../benches/damonlab/long.rs"]
mod long;

use damonlab::check::Verdict;

#[test]
fn a_recording_made_longer_passes_at_any_length() {
    for events in [0, 1_500, 6_000] {
        let folder = tempfile::tempdir().unwrap();
        let count = long::write(folder.path(), events).unwrap();
        let report = damonlab::judge::rejudge(folder.path()).unwrap();
        assert!(count >= events, "{count} of {events} events");
        assert!(report.verdict == Verdict::Pass, "{events} events: {}", report.verdict);
    }
}
