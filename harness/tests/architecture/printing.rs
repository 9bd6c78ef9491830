//! What reaches a terminal: only through `host/terminal.rs`, and nobody else's text as it is.

use super::rules::Violation;
use std::collections::BTreeMap;

/// What goes around the writers of `terminal`, or shows foreign text as it is: the text, and what to write instead.
const RAW: [(&str, &str); 7] = [
    (".display()", "write host::text::shown(path): the name of a file is somebody else's text"),
    ("io::stdout", "write to host::terminal::stdout"),
    ("io::stderr", "write to host::terminal::stderr"),
    ("AutoStream", "write to host::terminal::stdout or stderr"),
    ("println!", "write to host::terminal::stdout, or report it"),
    ("print!(", "write to host::terminal::stdout, or report it"),
    ("eprint", "write to host::terminal::stderr, or say it with Progress::say"),
];

/// Places outside of the file `terminal` that print raw text. Comments and tests are left out.
pub fn raw_text(texts: &BTreeMap<String, String>, terminal: &str) -> Vec<Violation> {
    let mut found = Vec::new();
    for (file, text) in texts.iter().filter(|(file, _)| *file != terminal && !is_test(file)) {
        let lines = code(text).filter(|(_, line)| !line.trim_start().starts_with("//"));
        for (number, line) in lines {
            if let Some((what, fix)) = RAW.iter().find(|(what, _)| line.contains(what)) {
                found.push(violation(file, number, format!("`{what}` prints raw text"), fix));
            }
        }
        found.extend(raw_paths(file, text));
    }
    found
}

/// Error messages that show a path through thiserror's own `Display` for paths, which escapes nothing.
fn raw_paths(file: &str, text: &str) -> Vec<Violation> {
    let lines: Vec<(usize, &str)> = code(text).collect();
    let mut found = Vec::new();
    let mut message = (0, String::new());
    let mut open = false;
    for (number, line) in lines {
        if line.trim_start().starts_with("#[error(") {
            (message, open) = ((number, String::new()), true);
        }
        if open {
            message.1.push_str(line);
            open = !line.trim_end().ends_with(")]");
            continue;
        }
        let Some((name, kind)) = field(line) else { continue };
        let shows = message.1.contains(&format!("{{{name}}}")) || message.1.contains(&format!("{{{name}:"));
        if shows && !message.1.contains(&format!("{name} = ")) && ["PathBuf", "OsString"].contains(&kind) {
            let wrong = format!("the message shows `{name}`, a path, as it is");
            found.push(violation(file, message.0, wrong, "write `{}` and host::text::shown"));
        }
    }
    found
}

/// `path: PathBuf,`, or the field of `NotATree(PathBuf),`.
fn field(line: &str) -> Option<(&str, &str)> {
    let line = line.trim().trim_start_matches("pub ").trim_end_matches(',');
    match line.split_once(": ") {
        Some(field) => Some(field),
        None => Some(("0", line.split_once('(')?.1.strip_suffix(')')?)),
    }
}

/// The numbered lines before the tests.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines().enumerate().map(|(at, line)| (at + 1, line)).take_while(|(_, line)| *line != "mod tests {")
}

fn is_test(file: &str) -> bool {
    file.ends_with("/tests.rs")
        || file.contains("/tests/")
        || file.contains("/testing")
        || file.contains("testkit")
}

fn violation(file: &str, line: usize, wrong: String, fix: &str) -> Violation {
    Violation { file: file.to_owned(), line, wrong, fix: fix.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<usize> {
        let texts = [("src/a.rs", text), ("src/terminal.rs", text)];
        let texts = texts.map(|(file, text)| (file.to_owned(), text.to_owned())).into();
        raw_text(&texts, "src/terminal.rs").iter().map(|one| one.line).collect()
    }

    #[test]
    fn a_raw_path_and_a_writer_of_its_own_are_found_and_comments_and_tests_are_not() {
        let text = "// println!\nfn f() { path.display(); }\nfn g() { std::io::stderr(); }\nmod tests {\nprintln!()\n}";
        assert_eq!(found(text), [2, 3]);
    }

    #[test]
    fn a_message_that_shows_a_path_without_escaping_it_is_found() {
        let named = "#[error(\n  \"cannot read {path}\")]\nA {\n  path: PathBuf,\n}";
        assert_eq!(found(named), [1]);
        assert_eq!(found("#[error(\"no {0}\")]\nNotThere(PathBuf),"), [1]);
        assert_eq!(found("#[error(\"no {path}\", path = shown(.path))]\nA {\n path: PathBuf }"), []);
        assert_eq!(found("#[error(\"no {name}\")]\nA {\n name: String,\n path: PathBuf,\n}"), []);
    }
}
