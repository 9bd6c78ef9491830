//! One line of KTAP: the prefix of the kernel log, the indentation, and the content.

/// The content of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Line<'a> {
    /// `KTAP version 1`
    Version,
    /// `1..31`, with the reason after `# SKIP`.
    Plan { count: u32, skip: Option<&'a str> },
    /// `ok 1 name # DIRECTIVE text`
    Result(ResultLine<'a>),
    /// `# Subtest: name`
    Subtest(&'a str),
    /// `Bail out! reason`
    Bail(&'a str),
    /// `# Totals: pass:1 fail:0 skip:0 total:1`: the sums of the results above.
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
    /// The text after the hash sign.
    pub directive: &'a str,
}

/// A line of a kernel log without its prefix: `6,1234567,-;` of kmsg, `[    1.234567] ` or `[  1.23][    T1] ` of a
/// console. The message's own indentation stays.
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

/// The indentation of a line, and its content.
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
    if let Some(text) = text.strip_prefix('#') {
        return comment(text.trim_start());
    }
    if let Some(reason) = text.strip_prefix("Bail out!") {
        return Line::Bail(reason.trim());
    }
    plan(text).or_else(|| result(text)).unwrap_or(Line::Other(text))
}

fn comment(text: &str) -> Line<'_> {
    if let Some(name) = text.strip_prefix("Subtest:") {
        return Line::Subtest(name.trim());
    }
    // KUnit puts the name of the suite before the sums: `# damon: pass:31 fail:0 skip:0 total:31`.
    let sum = text.split_once(": ").map_or("", |(_, sum)| sum);
    let is_count = |field: &str| {
        field
            .split_once(':')
            .is_some_and(|(_, count)| !count.is_empty() && count.bytes().all(|b| b.is_ascii_digit()))
    };
    if sum.starts_with("pass:") && sum.split(' ').all(is_count) {
        return Line::Totals;
    }
    Line::Diagnostic(text)
}

fn plan(text: &str) -> Option<Line<'_>> {
    let rest = text.strip_prefix("1..")?;
    let (count, comment) = rest.split_once('#').unwrap_or((rest, ""));
    let count = count.trim().parse().ok()?;
    Some(Line::Plan { count, skip: after_keyword(comment.trim(), "SKIP") })
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
    // TAP separates the name so.
    let name = name.strip_prefix("- ").unwrap_or(name);
    Some(Line::Result(ResultLine { ok, number, name, directive: directive.trim() }))
}

/// The text after a keyword, which may be in upper or lower case.
pub(super) fn after_keyword<'a>(text: &'a str, keyword: &str) -> Option<&'a str> {
    let head = text.get(..keyword.len())?;
    let rest = &text[keyword.len()..];
    let ends = rest.is_empty() || rest.starts_with([' ', ':']);
    (head.eq_ignore_ascii_case(keyword) && ends).then(|| rest.trim_start_matches([' ', ':']).trim())
}
