//! The patches that damonlab ships read like the kernel's own: `checkpatch --strict` finds nothing in them. One trial
//! for each file. The script comes from a kernel source in the cache; without one, or without perl, the trial is ignored.

use super::common;
use damonlab::host::{command, paths};
use damonlab::kernel::{Origins, VersionRequest};
use damonlab::series;
use damonlab::setup::Env;
use fs_err as fs;
use libtest_mimic::{Completion, Failed, Trial};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

/// # Errors
/// A folder of patches cannot be listed.
pub fn trials() -> io::Result<Vec<Trial>> {
    let mut trials = vec![Trial::test("the comment of damos_quota_score() stays above it", comment_stays)];
    for file in shipped()? {
        let name = file.strip_prefix(damonlab::bundled::home()).unwrap_or(&file).display().to_string();
        trials.push(Trial::ignorable_test(format!("{name} passes checkpatch"), move || passes(&name, &file)));
    }
    Ok(trials)
}

/// The patches and series below `patches/` and `examples/`.
fn shipped() -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for parent in ["patches", "examples"] {
        for folder in fs::read_dir(damonlab::bundled::home().join(parent))? {
            let folder = folder?.path();
            let entries = if folder.is_dir() { Some(fs::read_dir(folder)?) } else { None };
            for entry in entries.into_iter().flatten() {
                files.push(entry?.path());
            }
        }
    }
    files.retain(|file| file.extension().is_some_and(|ending| ending == "patch" || ending == "mbox"));
    files.sort();
    Ok(files)
}

/// damonlab's own function goes between damos_quota_score() and the one before, and once parted it from its comment.
fn comment_stays() -> Result<(), Failed> {
    let of_a_release = |file: &PathBuf| {
        let folder = file.parent().and_then(Path::file_name).unwrap_or_default();
        folder.to_string_lossy().starts_with(|c: char| c.is_ascii_digit())
    };
    for file in shipped()?.into_iter().filter(of_a_release) {
        let diff = series::read_patches(std::slice::from_ref(&file))?[0].diff()?;
        let mut hunks = diff.files.iter().flat_map(|file| &file.hunks);
        let stays = hunks.any(|hunk| {
            hunk.after().windows(2).any(|lines| {
                lines[0].ends_with(b"*/") && lines[1].starts_with(b"static unsigned long damos_quota_score(")
            })
        });
        if !stays {
            return Err(format!("{}: damos_quota_score() has no comment above it", file.display()).into());
        }
    }
    Ok(())
}

fn passes(name: &str, file: &Path) -> Result<Completion, Failed> {
    let env = Env::machine()?;
    let perl = paths::find_program(&env.path, "perl");
    let script =
        Origins::of(env).newest(&VersionRequest::default()).map(|it| it.dir.join("scripts/checkpatch.pl"));
    let (Some(perl), Some(script)) = (perl, script.filter(|script| script.is_file())) else {
        return common::ignored(
            "checkpatch needs perl, and a kernel source in the cache; `damonlab kernel build` fetches it"
                .to_owned(),
        );
    };
    let text = fs::read_to_string(file)?;
    let mails = mails(&text);
    if mails.is_empty() {
        return Err(format!("{name}: it has no diff").into());
    }
    let mut findings = Vec::new();
    for mail in &mails {
        findings.extend(checkpatch(&perl, &script, mail)?);
    }
    match findings.is_empty() {
        true => Ok(Completion::Completed),
        false => Err(findings.iter().map(|what| format!("\n{name}:{what}")).collect::<String>().into()),
    }
}

/// A patch as a mail.
struct Mail<'a> {
    /// The number of lines of the file before it.
    before: usize,
    lines: Vec<&'a str>,
}

/// The mails of `text` that have a diff. The keys of a mutant, which are comments above its mail, are left out.
fn mails(text: &str) -> Vec<Mail<'_>> {
    let mut mails: Vec<Mail<'_>> = Vec::new();
    for (before, line) in text.lines().enumerate() {
        let border = line.starts_with("From ") && line.ends_with(" 00:00:00 2001");
        match mails.last_mut() {
            Some(mail) if !border => mail.lines.push(line),
            None if line.starts_with('#') => {}
            _ => mails.push(Mail { before, lines: vec![line] }),
        }
    }
    mails.retain(|mail| mail.lines.iter().any(|line| line.starts_with("diff ")));
    mails
}

/// What checkpatch finds in `mail`, one finding a line. The patches have no author, so nobody signed them off.
fn checkpatch(perl: &Path, script: &Path, mail: &Mail<'_>) -> Result<Vec<String>, Failed> {
    // A copy, since checkpatch reads a file that git tracks as source code, and sees no patch in it.
    let copy = tempfile::NamedTempFile::new()?;
    fs::write(copy.path(), mail.lines.join("\n") + "\n")?;
    let mut checkpatch = Command::new(perl);
    checkpatch.arg(script).args(["--strict", "--no-tree", "--no-signoff"]);
    // The kernel's own TP_printk() formats are split, and a line of one can only be replaced by another.
    checkpatch.args(["--ignore", "SPLIT_STRING"]);
    checkpatch.args(["--terse", "--no-summary", "--show-types"]).arg(copy.path());
    let output = command::capture(&mut checkpatch, command::Limits::LOCAL)?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    if text.is_empty() && !output.status.success() {
        return Err(format!("checkpatch failed ({}): {}", output.status, output.stderr).into());
    }
    let prefix = format!("{}:", copy.path().display());
    Ok(text.lines().filter_map(|line| finding(line.strip_prefix(&prefix).unwrap_or(line), mail)).collect())
}

/// `12: CHECK:TYPE: what is wrong` with the number of the line in the file.
fn finding(text: &str, mail: &Mail<'_>) -> Option<String> {
    let parts = text.split_once(": ").and_then(|(number, what)| Some((number.parse::<usize>().ok()?, what)));
    let Some((number, what)) = parts else { return Some(format!(" {text}")) };
    let line = number.checked_sub(1).and_then(|at| mail.lines.get(at)).copied().unwrap_or_default();
    let found = format!("{}: {what}: {line}", mail.before + number);
    (!is_layout_of_trace_event(what, line)).then_some(found)
}

/// No tracepoint of the kernel can do without these: an empty line below `TRACE_EVENT(name,`, and macros that open a list
/// or a block at the end of their line.
fn is_layout_of_trace_event(what: &str, line: &str) -> bool {
    match what.split(": ").next() {
        Some("CHECK:PARENTHESIS_ALIGNMENT") => line == "+",
        Some("CHECK:OPEN_ENDED_LINE") => matches!(line, "+\tTP_STRUCT__entry(" | "+\tTP_fast_assign("),
        _ => false,
    }
}
