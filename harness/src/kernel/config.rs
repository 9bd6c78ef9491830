//! The options that config fragments request, and whether the finished `.config` has them. Pure.
//!
//! Kconfig drops a request silently if a dependency is off or a symbol no longer exists, so every request is compared with
//! the result.

use crate::host::text::{foreign, shown};
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

/// The value of a symbol as in a `.config`; `n` means "is not set".
type Value = String;

/// A config fragment.
#[derive(Debug, Clone)]
pub struct Fragment {
    /// Its path, for messages.
    pub path: PathBuf,
    /// Its text.
    pub text: String,
    /// Whether it is one of damonlab's. Those name options that older and newer kernels may not have.
    pub bundled: bool,
}

/// A requested value, and the line that requests it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    fragment: PathBuf,
    line: usize,
    value: Value,
    bundled: bool,
}

/// The requests of all fragments: of two requests for a symbol the later one wins, as in `merge_config.sh`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Requests(BTreeMap<String, Request>);

/// A request that the finished `.config` does not have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dropped {
    request: Request,
    symbol: String,
    became: Option<Value>,
}

/// A line of a fragment that is no config line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}:{line}: not a config line: {}", shown(.fragment), foreign(.text))]
pub struct BadFragment {
    /// The fragment.
    pub fragment: PathBuf,
    /// The line, from 1.
    pub line: usize,
    /// Its text.
    pub text: String,
}

impl fmt::Display for Dropped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Request { fragment, line, value, .. } = &self.request;
        write!(f, "{}:{line}: CONFIG_{}={value} became ", shown(fragment), self.symbol)?;
        match &self.became {
            Some(value) => f.write_str(value),
            None => {
                f.write_str("nothing: the kernel has no such option, or an option that it depends on is off")
            }
        }
    }
}

impl Dropped {
    /// The symbol, if the finished `.config` does not name it and damonlab's own fragments request it: the tree may have no
    /// such option. A user's fragment with such a line has a mistake in it.
    pub fn may_not_exist(&self) -> Option<&str> {
        (self.request.bundled && self.became.is_none()).then_some(self.symbol.as_str())
    }
}

impl Requests {
    /// Reads `fragments` in order.
    ///
    /// # Errors
    /// A line is neither empty, nor a comment, nor the value of a symbol.
    pub fn read(fragments: &[Fragment]) -> Result<Requests, BadFragment> {
        let mut all = BTreeMap::new();
        for Fragment { path, text, bundled } in fragments {
            for (index, text) in text.lines().enumerate() {
                let line = index + 1;
                match parse(text) {
                    Line::Value(symbol, value) => {
                        let request = Request { fragment: path.clone(), line, value, bundled: *bundled };
                        all.insert(symbol, request);
                    }
                    Line::Other => {}
                    Line::Bad => {
                        let text = text.to_owned();
                        return Err(BadFragment { fragment: path.clone(), line, text });
                    }
                }
            }
        }
        Ok(Requests(all))
    }

    /// The value that is requested for `symbol`.
    pub fn value(&self, symbol: &str) -> Option<&str> {
        self.0.get(symbol).map(|request| request.value.as_str())
    }

    /// The requests that the finished `.config` does not have, in order of fragment and line.
    pub fn dropped(&self, config: &str) -> Vec<Dropped> {
        let result: BTreeMap<String, Value> = config
            .lines()
            .filter_map(|line| match parse(line) {
                Line::Value(symbol, value) => Some((symbol, value)),
                Line::Other | Line::Bad => None,
            })
            .collect();
        let mut dropped: Vec<Dropped> = Vec::new();
        for (symbol, request) in &self.0 {
            let became = result.get(symbol);
            // A symbol that is not in the file is off.
            if became.map_or("n", String::as_str) != request.value {
                dropped.push(Dropped {
                    request: request.clone(),
                    symbol: symbol.clone(),
                    became: became.cloned(),
                });
            }
        }
        dropped.sort_by(|a, b| {
            (&a.request.fragment, a.request.line).cmp(&(&b.request.fragment, b.request.line))
        });
        dropped
    }
}

enum Line {
    Value(String, Value),
    Other,
    Bad,
}

fn parse(line: &str) -> Line {
    let line = line.trim();
    let symbol = |text: &str| {
        let name = text.strip_prefix("CONFIG_")?;
        let good = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        good.then(|| name.to_owned())
    };
    if let Some(comment) = line.strip_prefix('#') {
        let unset = comment.trim().strip_suffix(" is not set").and_then(symbol);
        return unset.map_or(Line::Other, |name| Line::Value(name, "n".to_owned()));
    }
    if line.is_empty() {
        return Line::Other;
    }
    match line.split_once('=').and_then(|(name, value)| Some((symbol(name)?, value.to_owned()))) {
        Some((name, value)) => Line::Value(name, value),
        None => Line::Bad,
    }
}

/// The fragments that every kernel is built with, in order: `lean` comes second, so that the others can switch on again
/// what it switches off.
pub const DEFAULT: [&str; 7] = ["base", "lean", "numa", "cxl", "tracing", "damon", "soft-reserved"];

/// The path of the fragment `name` in the source tree at `project`.
pub fn path(project: &Path, name: &str) -> PathBuf {
    project.join("kernel-config").join(format!("{name}.config"))
}

/// Whether the fragment at `path` is one of the source tree at `project`.
pub fn is_bundled(project: &Path, path: &Path) -> bool {
    path.parent() == Some(&project.join("kernel-config"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fragment(name: &str, text: &str) -> Fragment {
        Fragment { path: name.into(), text: text.into(), bundled: false }
    }

    fn dropped(text: &str, result: &str) -> Vec<String> {
        let requests = Requests::read(&[fragment("a.config", text)]).unwrap();
        requests.dropped(result).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_dropped_symbol_is_named_with_its_fragment_and_line() {
        assert_eq!(
            dropped("# why\nCONFIG_DEV_DAX_HMEM=y\n", "CONFIG_DAX=y\n"),
            [
                "a.config:2: CONFIG_DEV_DAX_HMEM=y became nothing: the kernel has no such option, or an option that it depends on is off"
            ]
        );
    }

    #[test]
    fn a_changed_symbol_is_named_with_its_value() {
        assert_eq!(
            dropped("CONFIG_NR_CPUS=8\n", "CONFIG_NR_CPUS=1\n"),
            ["a.config:1: CONFIG_NR_CPUS=8 became 1"]
        );
        assert_eq!(
            dropped("CONFIG_SMP=y\n", "# CONFIG_SMP is not set\n"),
            ["a.config:1: CONFIG_SMP=y became n"]
        );
    }

    #[test]
    fn off_has_two_spellings_and_an_absent_symbol_is_off() {
        let off = "# CONFIG_A is not set\nCONFIG_B=n\n";
        assert_eq!(dropped(off, "# CONFIG_B is not set\n"), [""; 0]);
        assert_eq!(dropped(off, "CONFIG_A=y\n"), ["a.config:1: CONFIG_A=n became y"]);
    }

    #[test]
    fn the_later_of_two_requests_wins() {
        let fragments = [fragment("a", "CONFIG_X=y\n"), fragment("b", "\n# CONFIG_X is not set\n")];
        let requests = Requests::read(&fragments).unwrap();
        assert_eq!(requests.dropped("# CONFIG_X is not set\n"), []);
        assert_eq!(requests.dropped("CONFIG_X=y\n")[0].to_string(), "b:2: CONFIG_X=n became y");
    }

    #[test]
    fn a_line_that_is_not_a_config_line_is_refused() {
        let error = Requests::read(&[fragment("a.config", "CONFIG_X=y\nDAMON=y\n")]).unwrap_err();
        assert_eq!(error.to_string(), "a.config:2: not a config line: DAMON=y");
    }

    #[test]
    fn every_shipped_fragment_reads() {
        let folder = crate::bundled::home().join("kernel-config");
        let mut count = 0;
        for entry in fs_err::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let text = fs_err::read_to_string(&path).unwrap();
            assert!(!Requests::read(&[Fragment { path, text, bundled: true }]).unwrap().0.is_empty());
            count += 1;
        }
        assert!(count >= DEFAULT.len());
    }
}
