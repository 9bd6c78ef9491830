//! One line of KTAP: what the kernel's log put in front of it, its indentation, and what it says.

/// What a line says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Line<'a> {
    /// `KTAP version 1`
    Version,
    /// `1..31`, with the reason of a `# SKIP`.
    Plan { count: u32, skip: Option<&'a str> },
    /// `ok 1 name # DIRECTIVE text`
    Result(ResultLine<'a>),
    /// `# Subtest: name`
    Subtest(&'a str),
    /// `Bail out! reason`
    Bail(&'a str),
    /// `# Totals: pass:1 fail:0 skip:0 total:1`: a sum of what stands above.
    Totals,
    /// `# text`
    Diagnostic(&'a str),
    /// Not KTAP.
    Other(&'a str),
}

/// `ok` or `not ok`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ResultLine<'a> {
    pub ok: bool,
    pub number: Option<u32>,
    pub name: &'a str,
    /// What stands behind the hash sign.
    pub directive: &'a str,
}

/// A line of a kernel log without what the log puts in front: `6,1234567,-;` of kmsg, `[    1.234567] ` or
/// `[  1.23][    T1] ` of a console. What the message itself is indented by stays.
pub fn message(line: &str) -> &str {
    if let Some((prefix, message)) = line.split_once(';')
        && !prefix.is_empty()
        && prefix.bytes().all(|b| b.is_ascii_digit() || b == b',' || b == b'-' || b == b'c')
    {
        return message;
    }
    let mut rest = line.trim_start_matches('\r');
    let whole = rest;
    while let Some((stamp, after)) = rest.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        if !stamp.bytes().all(|b| b.is_ascii_digit() || matches!(b, b' ' | b'.' | b'T' | b'C')) {
            break;
        }
        rest = after;
    }
    if rest.len() < whole.len() { rest.strip_prefix(' ').unwrap_or(rest) } else { whole }
}

/// How far a line is indented, and what it says.
pub(super) fn parse(line: &str) -> (usize, Line<'_>) {
    let message = message(line).trim_end();
    let text = message.trim_start_matches(' ');
    (message.len() - text.len(), kind(text))
}

fn kind(text: &str) -> Line<'_> {
    if let Some(version) = text.strip_prefix("KTAP version ").or_else(|| text.strip_prefix("TAP version ")) {
        let number = !version.is_empty() && version.bytes().all(|b| b.is_ascii_digit());
        return if number { Line::Version } else { Line::Other(text) };
    }
    if let Some(said) = text.strip_prefix('#') {
        return comment(said.trim_start());
    }
    if let Some(reason) = text.strip_prefix("Bail out!") {
        return Line::Bail(reason.trim());
    }
    plan(text).or_else(|| result(text)).unwrap_or(Line::Other(text))
}

fn comment(said: &str) -> Line<'_> {
    if let Some(name) = said.strip_prefix("Subtest:") {
        return Line::Subtest(name.trim());
    }
    // KUnit gives a suite's sum its name, `# damon: pass:31 fail:0 skip:0 total:31`.
    let sum = said.split_once(": ").map_or("", |(_, sum)| sum);
    let is_count = |word: &str| {
        word.split_once(':')
            .is_some_and(|(_, count)| !count.is_empty() && count.bytes().all(|b| b.is_ascii_digit()))
    };
    if sum.starts_with("pass:") && sum.split(' ').all(is_count) {
        return Line::Totals;
    }
    Line::Diagnostic(said)
}

fn plan(text: &str) -> Option<Line<'_>> {
    let rest = text.strip_prefix("1..")?;
    let (count, comment) = rest.split_once('#').unwrap_or((rest, ""));
    let count = count.trim().parse().ok()?;
    Some(Line::Plan { count, skip: after_word(comment.trim(), "SKIP") })
}

fn result(text: &str) -> Option<Line<'_>> {
    let (ok, rest) = match text.strip_prefix("not ok") {
        Some(rest) => (false, rest),
        None => (true, text.strip_prefix("ok")?),
    };
    if !rest.is_empty() && !rest.starts_with(' ') {
        return None;
    }
    let (name, directive) = rest.split_once('#').unwrap_or((rest, ""));
    let name = name.trim();
    let (first, after) = name.split_once(' ').unwrap_or((name, ""));
    let number = first.parse().ok();
    let name = if number.is_some() { after.trim() } else { name };
    // TAP's own way to set the name off.
    let name = name.strip_prefix("- ").unwrap_or(name);
    Some(Line::Result(ResultLine { ok, number, name, directive: directive.trim() }))
}

/// What follows a word, in whatever case it is written.
pub(super) fn after_word<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    let head = text.get(..word.len())?;
    let rest = &text[word.len()..];
    let ends = rest.is_empty() || rest.starts_with([' ', ':']);
    (head.eq_ignore_ascii_case(word) && ends).then(|| rest.trim_start_matches([' ', ':']).trim())
}
