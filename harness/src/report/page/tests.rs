//! Pages of stored recordings: what is drawn, and that nothing of a recording becomes markup.

use super::super::testing::run_of;
use super::super::{Format, Item, RunView};
use crate::check::{Verdict, kernel_log};
use crate::judge;
use crate::recording::Recording;
use crate::recording::testing::{all, copy, stored};
use fs_err as fs;
use serde_json::Value;
use std::fmt::Write;
use std::path::Path;

/// The item of a recording, its verdict replaced if there is one.
fn item(dir: &Path, seed: u64, verdict: Option<Verdict>) -> Item {
    let scenario = Recording::load(dir).unwrap().scenario;
    let mut report = judge::rejudge(dir).unwrap();
    report.verdict = verdict.unwrap_or(report.verdict);
    RunView { scenario: Some(&scenario), seed: Some(seed), ..RunView::of(&report) }.item()
}

fn page_of(name: &str) -> String {
    run_of(Format::Html, &[item(&stored(name), 0, None)])
}

/// What the script of a page reads.
fn data(page: &str) -> Value {
    let begin = "<script type=\"application/json\" id=\"data\">";
    let (_, rest) = page.split_once(begin).expect("a page has data");
    serde_json::from_str(rest.split_once("</script>").expect("the data ends").0).expect("the data is JSON")
}

/// What is drawn, a line each.
fn drawn(page: &str) -> String {
    let mut out = String::new();
    for run in data(page)["runs"].as_array().unwrap() {
        let steps: Vec<&str> =
            run["steps"].as_array().unwrap().iter().map(|step| step["name"].as_str().unwrap()).collect();
        writeln!(out, "{} us: {}", run["span"][1], steps.join(", ")).unwrap();
        for plot in run["plots"].as_array().unwrap() {
            let id = plot["id"].as_str().unwrap();
            let (_, title) = page.split_once(&format!("id=\"{id}\"")).expect("every plot has its place");
            let title = title.split_once("<figcaption>").unwrap().1.split_once('<').unwrap().0;
            writeln!(out, "{} {title}", plot["kind"].as_str().unwrap()).unwrap();
            for series in plot["series"].as_array().into_iter().flatten() {
                let values: Vec<f64> =
                    series["v"].as_array().unwrap().iter().filter_map(Value::as_f64).collect();
                let name = series["name"].as_str().unwrap();
                let (low, high) = values
                    .iter()
                    .fold((f64::MAX, f64::MIN), |(low, high), one| (low.min(*one), high.max(*one)));
                assert!(!values.is_empty(), "{title}: {name} has no point");
                writeln!(out, "    {name}: {} points from {low} to {high}", values.len()).unwrap();
            }
            if plot["kind"] == "heat" {
                writeln!(out, "    {} x {} cells, at most {}", plot["columns"], plot["rows"], plot["most"])
                    .unwrap();
            }
        }
    }
    out
}

#[test]
fn what_is_drawn_of_a_run_is_what_was_recorded() {
    insta::assert_snapshot!(drawn(&page_of("pull-push-short")));
}

#[test]
fn every_stored_recording_has_a_page_without_a_bug() {
    for name in all() {
        let page = page_of(&name);
        assert!(page.starts_with("<!DOCTYPE html>") && page.ends_with("</html>"), "{name}: {page}");
        assert!(!page.contains("A bug of damonlab"), "{name}: {page}");
        assert_eq!(data(&page)["runs"].as_array().unwrap().len(), 1, "{name}");
        assert!(page.len() < 1 << 20, "{name}: {} bytes", page.len());
    }
}

#[test]
fn a_finding_stands_before_the_plots_with_its_lines_and_the_page_of_its_rule() {
    let dir = stored("cxl");
    let log = Recording::load(&dir).unwrap().dmesg;
    let line = log.lines().nth(9).unwrap();
    let number = 10;
    let mut findings = kernel_log::scan("dmesg.txt", "4,9;WARNING: at mm/damon/core.c:1 damon_test+0x1/0x2");
    findings[0].evidence = vec![crate::check::Evidence::new("dmesg.txt", number, line)];
    let page = run_of(Format::Html, &[item(&dir, 0, Some(Verdict::Fail(findings)))]);
    let place = |text: &str| page.find(text).unwrap_or_else(|| panic!("{text} is not in\n{page}"));
    let about = judge::rule("K1").unwrap();
    let order = [
        place("<span class=\"badge failed\">FAIL</span>"),
        place(&format!("<h4>{} (K1)", about.name)),
        place("<span class=\"near\"><i>9</i>"),
        place("<span class=\"hit\"><i>10</i>"),
        place("The rule, and why it holds"),
        place("damonlab replay "),
        place("<figure id=\"run-0-0-plot-0\""),
    ];
    assert!(order.is_sorted(), "{order:?}");
}

#[test]
fn nothing_of_a_recording_becomes_markup() {
    const NAME: &str = "</script><script>alert(\"1\")</script>'<img src=x onerror=alert(2)>";
    let dir = tempfile::tempdir().unwrap();
    copy("pull-push-short", dir.path());
    let samples = dir.path().join("samples.jsonl");
    let text = fs::read_to_string(&samples).unwrap();
    let name = serde_json::to_string(NAME).unwrap();
    let workload = text.split_once("\"workloads\":{").unwrap().1.split_once(':').unwrap().0.to_owned();
    assert!(workload.starts_with('"') && text.matches(&workload).count() > 1, "{workload}");
    fs::write(&samples, text.replace(&workload, &name)).unwrap();
    let findings = kernel_log::scan("dmesg.txt", &format!("4,9;WARNING: at mm/damon/core.c:1 {NAME}"));
    let mut one = item(dir.path(), 0, Some(Verdict::Fail(findings)));
    one.name = NAME.to_owned();
    one.headline = vec![NAME.to_owned()];
    one.properties.push(("kernel", NAME.to_owned()));
    let page = run_of(Format::Html, &[one]);
    let (tags, harmless) = (page.matches('<').count(), page.replace("alert", ""));
    assert_eq!(page.matches("<script").count(), 2, "the data and the script");
    assert!(!page.contains("<img") && !page.contains("<script>alert"), "{page}");
    assert!(harmless.contains("&lt;script&gt;("), "it is shown as text");
    assert_eq!(tags, page.matches('>').count() - page_arrows(), "every < ends");
}

/// How many `>` the script and the style have that end no tag, less those `<` that begin none.
fn page_arrows() -> usize {
    let text = [include_str!("page.js"), include_str!("page.css")].concat();
    text.matches('>').count() - text.matches('<').count()
}

#[test]
fn seeds_share_a_plot_of_each_goal_and_a_table_shows_which_fail() {
    let dir = stored("truth");
    let part = |seed, verdict| Item { part: true, ..item(&dir, seed, verdict) };
    let findings = kernel_log::scan("dmesg.txt", "4,9;WARNING: at mm/damon/core.c:1 damon_test+0x1/0x2");
    let all = Item { seed: None, checks: Vec::new(), ..item(&dir, 0, None) };
    let page =
        run_of(Format::Html, &[part(0, None), part(1, Some(Verdict::Fail(findings))), part(2, None), all]);
    assert_eq!(page.matches("class=\"seed passed\"").count(), 2);
    assert_eq!(page.matches("class=\"seed failed\"").count(), 1);
    let data = data(&page);
    let bands: Vec<&Value> = data["runs"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|run| run["plots"].as_array().unwrap())
        .filter(|plot| plot["kind"] == "band")
        .collect();
    assert!(!bands.is_empty());
    for band in bands {
        assert_eq!(band["seeds"].as_array().unwrap().len(), 1, "the line of the seed that fails");
        assert_eq!(band["low"], band["high"], "the seeds are the same recording");
    }
}

#[test]
fn a_run_whose_recording_is_gone_says_so_and_keeps_its_verdict() {
    let dir = tempfile::tempdir().unwrap();
    copy("steady", dir.path());
    let one = item(dir.path(), 0, None);
    drop(dir);
    let page = run_of(Format::Html, &[one]);
    assert!(page.contains("The recording cannot be drawn: "), "{page}");
    assert!(page.contains("<span class=\"badge passed\">PASS</span>"), "{page}");
}
