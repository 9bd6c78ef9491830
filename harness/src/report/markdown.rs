//! Markdown, for a job's summary or a comment: one line with the counts, a table of what ended, and the whole story of what
//! did not pass, folded.

use super::document::{ENDED_EARLY, End, Suite, Whole, full_name};
use super::event::{Item, ItemResult};
use super::human;
use crate::host::text::quote;

/// GitHub shows no summary of more than 1 MiB.
const LIMIT: usize = 900_000;

/// How long a cell may be, in characters.
const CELL: usize = 300;

/// The document.
pub(super) fn render(whole: &Whole) -> String {
    let Whole { command, kernel, suites, end, .. } = whole;
    let counts = match end {
        Some(End { counts, seconds, .. }) => format!("{} in {seconds:.1} s", escaped(counts)),
        None => ENDED_EARLY.to_owned(),
    };
    let mut out = format!("### damonlab {command}: {counts}\n\n");
    if let Some(kernel) = kernel {
        out.push_str(&format!("Kernel: {}\n\n", cell(kernel)));
    }
    for line in end.iter().flat_map(|end| end.answer.iter().chain(&end.notes)) {
        out.push_str(&fenced(line));
    }
    if !suites.is_empty() {
        out.push_str("| result | name | time | |\n|---|---|--:|---|\n");
        suites.iter().for_each(|suite| out.push_str(&rows(suite)));
        out.push('\n');
    }
    let mut omitted = 0;
    for (suite, case) in whole.bad_cases() {
        let story = story(suite, case);
        if out.len() + story.len() <= LIMIT {
            out.push_str(&story);
        } else {
            omitted += 1;
        }
    }
    if omitted > 0 {
        out.push_str(&format!("The stories of {omitted} more are left out.\n"));
    }
    out
}

/// A row for the suite, and one for each seed that did not pass.
fn rows(suite: &Suite) -> String {
    let row = |word: &str, name: &str, seconds: Option<f64>, rest: &str| {
        let time = seconds.map(|seconds| format!("{seconds:.1} s")).unwrap_or_default();
        format!("| {word} | {} | {time} | {} |\n", cell(name), cell(rest))
    };
    let mut out = match &suite.together {
        Some(all) => row(all.status.word, &suite.name, all.seconds, &all.headline.join(", ")),
        None => row("", &suite.name, None, "ended early"),
    };
    if let ([_], Some(_)) = (suite.cases.as_slice(), &suite.together) {
        return out;
    }
    for case in suite.cases.iter().filter(|case| case.status.outcome != ItemResult::Passed) {
        out.push_str(&row(
            case.status.word,
            &full_name(suite, case),
            case.seconds,
            &case.headline.join(", "),
        ));
    }
    out
}

fn story(suite: &Suite, case: &Item) -> String {
    let (word, name, text) = (case.status.word, full_name(suite, case), human::item_text(case));
    format!("<details><summary>{word}: {}</summary>\n\n{}</details>\n\n", cell(&name), fenced(&text))
}

/// Text as it is: the fence is longer than any in the text.
fn fenced(text: &str) -> String {
    let text = crate::host::text::block_up_to(text, 30_000);
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(3.max(longest + 1));
    format!("{fence}text\n{}\n{fence}\n\n", text.trim_end())
}

/// Text within a line, or within a cell of a table.
fn cell(text: &str) -> String {
    let text = quote(text).to_string();
    let (text, more) = crate::host::text::cut(&text, CELL);
    escaped(text) + if more > 0 { "..." } else { "" }
}

/// Whatever Markdown, HTML or GitHub gives a meaning to is written as a character reference.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            c if c.is_ascii_alphanumeric() || " ,./()+=%-;?'".contains(c) || !c.is_ascii() => out.push(c),
            c => out.push_str(&format!("&#{};", u32::from(c))),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::Format;
    use super::super::testing::{FAIL, PASS, run, run_of, sweep};
    use super::*;

    #[test]
    fn a_row_has_the_result_and_what_failed_is_shown_by_seed_with_its_story() {
        let [first, second, whole] = sweep();
        let text = run_of(Format::Markdown, &[run("pull-push", 0, PASS), first, second, whole]);
        let wanted = "### damonlab run: 1 failed, 1 passed in 12.3 s

Kernel: linux 7.3.4

```text
note: a note
```

| result | name | time | |
|---|---|--:|---|
| PASS | pull-push | 6.0 s | what it came to |
| FAIL | idle | 6.0 s | what it came to |
| FAIL | idle seed 1 | 6.0 s | what it came to |

<details><summary>FAIL: idle seed 1</summary>

```text
FAIL  idle seed 1     6.0 s  what it came to
  seen            trace.txt:7: damos&#95;esz
```

</details>

";
        assert_eq!(text, wanted.replace("&#95;", "_"));
    }

    #[test]
    fn nothing_in_a_cell_is_markup_and_no_text_ends_its_fence() {
        let headline = vec!["a|b <img> `c` @d\n| e".to_owned()];
        let mut item = Item { headline, ..run("x|*y*", 0, FAIL) };
        item.details[0].text = "```\n````\n<b>".to_owned();
        let text = run_of(Format::Markdown, &[item]);
        let row =
            "| FAIL | x&#124;&#42;y&#42; | 6.0 s | a&#124;b &#60;img&#62; &#96;c&#96; &#64;d&#92;n&#124; e |";
        assert!(text.lines().any(|line| line == row), "{text}");
        assert!(text.contains("\n`````text\n"), "{text}");
    }
}
