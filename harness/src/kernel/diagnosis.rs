//! Finds the first error in the log of a build. Pure.

use crate::host::text;

/// Why a build failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Diagnosis {
    /// The compiler or the linker rejects the source: its message.
    Source(String),
    /// Something else: the end of the log.
    Other(String),
}

/// How many lines of an error are shown.
const LINES: usize = 14;

/// Compiler messages about the machine and not the source.
const MACHINE: [&str; 4] = [
    "No space left on device",
    "internal compiler error",
    "Cannot allocate memory",
    "fatal error: Killed signal",
];

/// Reads `log`, the output of make and its children.
pub fn diagnose(log: &str) -> Diagnosis {
    let lines: Vec<&str> = log.lines().collect();
    let error = lines.iter().position(|line| is_error(line));
    let machine = MACHINE.iter().any(|message| log.contains(message));
    match error.filter(|_| !machine) {
        Some(at) => Diagnosis::Source(indented(&excerpt(&lines, at))),
        None => Diagnosis::Other(indented(&text::last_lines(log, LINES))),
    }
}

/// `mm/damon/core.c:12:3: error: ...`, `ld: mm/damon/core.o: undefined reference to ...`,
/// `*** No rule to make target 'mm/x.o'`, `mm/damon/Kconfig:3: syntax error`.
fn is_error(line: &str) -> bool {
    let at_line = |marker: &str| {
        line.split_once(marker).is_some_and(|(place, _)| {
            place
                .split(':')
                .skip(1)
                .any(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()))
        })
    };
    at_line(": error:")
        || at_line(": fatal error:")
        || at_line(": Error:")
        || at_line(": syntax error")
        || line.contains("undefined reference to")
        || line.contains("No rule to make target")
        || line.contains("multiple definition of")
}

/// The error with the lines before it that lead to it and those after it that show the place.
fn excerpt(lines: &[&str], at: usize) -> Vec<String> {
    let leads = |line: &str| {
        line.starts_with("In file included from")
            || line.trim_start().starts_with("from ")
            || line.contains(": In function")
            || line.contains(": At top level")
    };
    let begin = (0..at).rev().take_while(|index| leads(lines[*index])).last().unwrap_or(at);
    let rest = lines[at + 1..].iter().take_while(|line| !is_step(line) && !line.starts_with("make"));
    let shown = lines[begin..=at].iter().chain(rest).take(LINES);
    shown.map(|line| text::printable(line)).collect()
}

/// The target of a line of kbuild's output: `  CC      mm/damon/core.o`.
pub fn step(line: &str) -> Option<&str> {
    let (command, target) = line.strip_prefix("  ")?.split_once(' ')?;
    let upper = command.len() >= 2
        && command.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_');
    upper.then(|| target.trim_start())
}

fn is_step(line: &str) -> bool {
    step(line).is_some()
}

fn indented(lines: &[String]) -> String {
    lines.iter().map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = "\
  CC      mm/damon/sysfs.o
In file included from ./include/linux/damon.h:11,
                 from mm/damon/core.c:10:
mm/damon/core.c: In function 'damos_esz':
mm/damon/core.c:2345:9: error: 'nonsense' undeclared (first use in this function)
 2345 |         nonsense;
      |         ^~~~~~~~
  CC      mm/damon/vaddr.o
mm/damon/core.c:2400:1: error: another
make[4]: *** [scripts/Makefile.build:287: mm/damon/core.o] Error 1
";

    #[test]
    fn the_first_compiler_error_is_shown_with_its_function_and_its_line() {
        let Diagnosis::Source(text) = diagnose(LOG) else { panic!("a compiler error") };
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        assert!(lines[0].starts_with("In file included from"));
        assert_eq!(
            lines[3],
            "mm/damon/core.c:2345:9: error: 'nonsense' undeclared (first use in this function)"
        );
        assert_eq!(lines.len(), 6);
    }

    #[test]
    fn a_full_disk_is_not_an_error_of_the_source() {
        let log = "x.c:1:1: fatal error: error writing to /tmp/x.s: No space left on device\n";
        assert!(matches!(diagnose(log), Diagnosis::Other(text) if text.contains("No space left")));
    }

    #[test]
    fn a_linker_error_is_an_error_of_the_source() {
        let log = "  LD      vmlinux\nld: vmlinux.o: in function `f':\ncore.c:(.text+0x1): undefined reference to `g'\n";
        assert!(
            matches!(diagnose(log), Diagnosis::Source(text) if text.contains("undefined reference to `g'"))
        );
    }

    #[test]
    fn without_a_known_error_the_end_of_the_log_is_shown() {
        assert_eq!(diagnose("a\nb\n"), Diagnosis::Other("  a\n  b".into()));
    }

    #[test]
    fn lines_of_kbuild_are_steps_and_those_of_a_compiler_are_not() {
        assert_eq!(step("  CC      mm/damon/core.o"), Some("mm/damon/core.o"));
        assert_eq!(step("  OBJCOPY arch/x86/boot/setup.bin"), Some("arch/x86/boot/setup.bin"));
        assert_eq!(step(" 2345 |         nonsense;"), None);
        assert_eq!(step("make[1]: Leaving directory 'x'"), None);
    }
}
