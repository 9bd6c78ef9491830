//! `damonlab report`, from stored recordings to a page that a real browser draws.
//!
//! The trials that need a browser need Chromium (`chromium` in `PATH`): without it they are ignored, with
//! `DAMONLAB_SETUP=1` it is installed first (`damonlab setup --with chromium`), and with `DAMONLAB_REQUIRE=vm` it is a failure that it is
//! missing.

#[path = "common/failing_recording.rs"]
mod failing_recording;
#[path = "../benches/damonlab/long.rs"]
mod long;

use damonlab::host::command::{Limits, Output, capture, command_for};
use damonlab::host::progress::Progress;
use damonlab::host::{paths, variables};
use damonlab::setup::{self, Env, Extra};
use libtest_mimic::{Arguments, Completion, Failed, Trial};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

fn main() -> ExitCode {
    let browser = |name, test: fn(&Browser) -> Result<(), Failed>| {
        Trial::ignorable_test(name, move || with_browser(test))
    };
    let trials = vec![
        Trial::test("a_report_of_a_recording_that_fails_is_written_with_status_0", a_failing_recording),
        Trial::test("a_report_without_a_recording_that_can_be_read_has_status_2", an_unreadable_recording),
        Trial::test("a_mail_goes_to_standard_output", a_mail),
        Trial::test("a_long_recording_gives_a_small_page", a_long_recording),
        browser("a_browser_draws_every_plot_without_an_error_in_both_themes_and_widths", both_themes),
        browser("a_browser_draws_the_seeds_of_a_scenario_over_each_other", seeds),
        browser("a_browser_runs_nothing_of_a_recording", hostile),
    ];
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

/// A stored recording.
fn stored(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recordings").join(name)
}

/// The recordings that the pages are about: each has another kind of plot.
const NAMES: [&str; 4] = ["steady", "tuned", "pull-push-short", "cxl"];

fn damonlab(folder: &Path, arguments: &[&str]) -> Result<Output, Failed> {
    let mut damonlab = command_for(env!("CARGO_BIN_EXE_damonlab"));
    Ok(capture(damonlab.arg("report").args(arguments).current_dir(folder), Limits::LOCAL)?)
}

/// The page about these recordings, in `folder`.
fn page(folder: &Path, recordings: &[&Path]) -> Result<PathBuf, Failed> {
    let dirs: Vec<&str> = recordings.iter().filter_map(|dir| dir.to_str()).collect();
    let output = damonlab(folder, &dirs)?;
    if !output.status.success() {
        return Err(format!("{}: {}", output.status, output.stderr).into());
    }
    Ok(folder.join("report.html"))
}

fn text_of(page: &Path) -> Result<String, Failed> {
    Ok(std::fs::read_to_string(page)?)
}

fn holds(what: bool, why: impl Into<String>) -> Result<(), Failed> {
    if what { Ok(()) } else { Err(why.into().into()) }
}

fn a_failing_recording() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let dir = folder.path().join("fails");
    failing_recording::copy(&stored("steady"), &dir);
    let text = text_of(&page(folder.path(), &[&dir])?)?;
    holds(text.contains("<span class=\"badge failed\">FAIL</span>"), "the verdict is not shown")?;
    holds(text.contains("the count of damos_esz to be at least 1000000"), "the finding is not shown")
}

fn an_unreadable_recording() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let output = damonlab(folder.path(), &["nothing-there"])?;
    holds(output.status.code() == Some(2), format!("{}: {}", output.status, output.stderr))?;
    let text = text_of(&folder.path().join("report.html"))?;
    holds(text.contains("nothing-there is not a complete recording"), text)
}

fn a_mail() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let dir = stored("truth");
    let output = damonlab(folder.path(), &[&dir.to_string_lossy(), "--format", "mail"])?;
    let text = String::from_utf8(output.stdout)?;
    holds(text.starts_with("damonlab report: 1 passed\n"), &*text)?;
    holds(text.contains("\nConvergence ") && text.contains("\nNot covered\n"), &*text)?;
    holds(text.lines().all(|line| line.chars().count() <= 72), &*text)?;
    holds(std::fs::read_dir(folder.path())?.next().is_none(), "a mail leaves no file")
}

fn a_long_recording() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let dir = folder.path().join("long");
    std::fs::create_dir(&dir)?;
    let events = long::write(&dir, 60_000)?;
    let size = page(folder.path(), &[&dir])?.metadata()?.len();
    holds(size < 3 << 20, format!("{size} bytes for {events} events"))
}

/// Chromium.
struct Browser(PathBuf);

fn with_browser(test: fn(&Browser) -> Result<(), Failed>) -> Result<Completion, Failed> {
    let env = Env::machine().map_err(|error| Failed::from(error.to_string()))?;
    if variables::is(variables::SETUP, "1") {
        setup::install_extras(&env, &[Extra::Chromium], &Progress::stderr())
            .map_err(|error| Failed::from(error.to_string()))?;
    }
    match paths::find_program(&env.path, "chromium") {
        Some(chromium) => test(&Browser(chromium)).map(|()| Completion::Completed),
        None => {
            let why = "no Chromium: `damonlab setup --with chromium` installs it".to_owned();
            if variables::is(variables::REQUIRE, "vm") {
                Err(why.into())
            } else {
                Ok(Completion::ignored_with(why))
            }
        }
    }
}

impl Browser {
    /// The page as its script left it, at this width, and what the browser's console said.
    fn open(&self, page: &Path, width: u32, dark: bool, script: &str) -> Result<(String, String), Failed> {
        let folder = page.parent().ok_or("a page lies in a folder")?;
        // A page of ours allows no other script: what looks at it frames it.
        let probe = folder.join(format!("probe-{width}-{dark}.html"));
        std::fs::write(&probe, PROBE.replace("WIDTH", &width.to_string()).replace("SCRIPT", script))?;
        let profile = tempfile::tempdir()?;
        let mut chromium = command_for(&self.0);
        chromium.args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--allow-file-access-from-files",
            "--dump-dom",
        ]);
        chromium.args(["--enable-logging=stderr", "--virtual-time-budget=5000", "--window-size=1500,2000"]);
        chromium.arg(format!("--blink-settings=preferredColorScheme={}", if dark { 0 } else { 1 }));
        chromium.arg(format!("--user-data-dir={}", profile.path().display()));
        chromium.arg(format!("file://{}", probe.display())).env("HOME", profile.path());
        let output = capture(&mut chromium, Limits::LOCAL)?;
        let dom = String::from_utf8_lossy(&output.stdout).into_owned();
        let console: Vec<&str> = output.stderr.lines().filter(|line| line.contains("CONSOLE")).collect();
        Ok((dom, console.join("\n")))
    }

    /// What `script` says of the page, an object of JSON.
    fn look(&self, page: &Path, width: u32, dark: bool, script: &str) -> Result<serde_json::Value, Failed> {
        let (dom, console) = self.open(page, width, dark, script)?;
        holds(console.is_empty(), format!("{width} px, dark {dark}: the console says\n{console}"))?;
        let said = dom.split_once("<pre id=\"said\">").and_then(|(_, rest)| rest.split_once("</pre>"));
        let (said, _) = said.ok_or_else(|| format!("the probe said nothing\n{dom}"))?;
        let said = said.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
        serde_json::from_str(&said).map_err(|error| format!("{error}: {said}").into())
    }
}

/// Frames a page at a width, runs a script on its document `page`, and shows what that returns.
const PROBE: &str = r#"<!DOCTYPE html><meta charset="utf-8"><iframe id="frame" src="report.html" width="WIDTH" height="1800"></iframe>
<pre id="said"></pre><script>
onload = () => setTimeout(() => {
  const window_ = document.getElementById("frame").contentWindow, page = window_.document;
  let said;
  try { said = (() => { SCRIPT })(); } catch (error) { said = {error: String(error)}; }
  document.getElementById("said").textContent = JSON.stringify(said);
}, 500);
</script>"#;

/// What a person would see: how many plots there are, which of them are empty, and whether the page is wider than its window.
const INK: &str = r#"
  const empty = [], plots = [...page.querySelectorAll("figure.drawing")];
  for (const plot of plots) {
    const lines = [...plot.querySelectorAll("path.line, path.wide")].filter((path) => path.getTotalLength() > 5);
    const heat = [...plot.querySelectorAll("image.heat")].filter((image) => window_.getComputedStyle(image).display !== "none");
    const drawn = heat.some((image) => image.getAttribute("href").length > 200 && image.getBBox().width > 50);
    if (!lines.length && !drawn) empty.push(plot.querySelector("figcaption").textContent);
  }
  const svg = plots[0].querySelector("svg"), box = svg.getBoundingClientRect();
  svg.dispatchEvent(new window_.PointerEvent("pointermove", {clientX: box.left + box.width / 2, clientY: box.top + 60, bubbles: true}));
  return {
    plots: plots.length, empty,
    values: [...page.querySelectorAll(".legend b")].filter((value) => value.textContent).length,
    cursors: [...page.querySelectorAll("line.cursor")].filter((line) => line.getAttribute("visibility") === "visible").length,
    clock: page.getElementById("clock").textContent,
    steps: page.querySelectorAll("figure.drawing:first-of-type line.step").length,
    paper: window_.getComputedStyle(page.body).backgroundColor,
    ink: window_.getComputedStyle(page.body).color,
    overflow: page.documentElement.scrollWidth - page.documentElement.clientWidth,
    alerts: window_.alerted || page.querySelectorAll("img").length,
  };
"#;

fn both_themes(browser: &Browser) -> Result<(), Failed> {
    for name in NAMES {
        let folder = tempfile::tempdir()?;
        let page = page(folder.path(), &[&stored(name)])?;
        for (width, dark) in [(360, false), (1440, true)] {
            let seen = browser.look(&page, width, dark, INK)?;
            let wrong = |what: &str| format!("{name}, {width} px, dark {dark}: {what}: {seen}");
            let number = |key: &str| seen[key].as_i64().unwrap_or(-1);
            holds(number("plots") > 3, wrong("plots are missing"))?;
            holds(seen["empty"] == serde_json::json!([]), wrong("plots without ink"))?;
            holds(number("cursors") == number("plots"), wrong("the cursor is not over all plots"))?;
            holds(number("values") >= 3, wrong("no values under the cursor"))?;
            holds(
                seen["clock"].as_str().is_some_and(|clock| clock.contains(" s")),
                wrong("no time at the cursor"),
            )?;
            holds(number("steps") > 0, wrong("no step is marked"))?;
            holds(number("overflow") == 0, wrong("the page is wider than its window"))?;
            let light = seen["paper"] == "rgb(255, 255, 255)";
            holds(light != dark && seen["paper"] != seen["ink"], wrong("the wrong theme"))?;
        }
    }
    Ok(())
}

fn seeds(browser: &Browser) -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let dirs: Vec<PathBuf> = (0..4).map(|seed| folder.path().join(format!("{seed}"))).collect();
    for (seed, dir) in dirs.iter().enumerate() {
        failing_recording::copy_of(&stored("truth"), dir);
        let meta = dir.join("recording.json");
        let text = std::fs::read_to_string(&meta)?.replace("\"seed\": 0", &format!("\"seed\": {seed}"));
        std::fs::write(meta, text)?;
    }
    let page = page(folder.path(), &dirs.iter().map(PathBuf::as_path).collect::<Vec<_>>())?;
    let script = r#"return {
      seeds: page.querySelectorAll("a.seed").length,
      bands: [...page.querySelectorAll("path.wide")].filter((path) => path.getTotalLength() > 50).length,
      overflow: page.documentElement.scrollWidth - page.documentElement.clientWidth,
    };"#;
    let seen = browser.look(&page, 360, true, script)?;
    holds(seen["seeds"] == 4 && seen["overflow"] == 0, format!("{seen}"))?;
    holds(seen["bands"].as_i64() >= Some(1), format!("no band is drawn: {seen}"))
}

fn hostile(browser: &Browser) -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let dir = folder.path().join("hostile");
    failing_recording::copy(&stored("steady"), &dir);
    let script = "</script><script>window.alerted=1</script>'\\\"<img src=x onerror='window.alerted=1'>";
    for (file, name) in [("samples.jsonl", "\"hot\""), ("samples.jsonl", "\"numa_hit\"")] {
        let path = dir.join(file);
        let text = std::fs::read_to_string(&path)?;
        holds(text.contains(name), format!("{file} has no {name}"))?;
        std::fs::write(&path, text.replace(name, &format!("\"{script}\"")))?;
    }
    let log = dir.join("dmesg.txt");
    let text = std::fs::read_to_string(&log)?
        + &format!("4,9999,99999999,-;WARNING: at mm/damon/core.c:1 {script}\n");
    std::fs::write(log, text)?;
    let page = page(folder.path(), &[&dir])?;
    let seen = browser.look(&page, 1440, false, INK)?;
    holds(seen["alerts"] == 0 && seen["empty"] == serde_json::json!([]), format!("{seen}"))?;
    let script =
        r#"return {shown: page.body.textContent.split("window.alerted=1<" + "/script>").length - 1};"#;
    let seen = browser.look(&page, 1440, false, script)?;
    holds(seen["shown"].as_i64() >= Some(2), format!("it is not shown as text: {seen}"))
}
