//! What is there and what is not, as rows and as text. Nothing is booted and nothing is changed.

use super::detect::{self, State};
use super::env::Env;
use super::own_command::ourselves;
use super::requirements::{self, Need};
use super::venv::Venv;
use crate::host::paths;
use std::fmt::Write as _;

/// One requirement and what was found of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// What it is called.
    pub name: String,
    /// What was found.
    pub state: State,
    /// What damonlab uses it for.
    pub purpose: String,
    /// Whether damonlab works without it.
    pub need: Need,
    /// The Debian package that brings it; none for what damonlab installs for itself.
    pub package: Option<&'static str>,
    /// The command that mends it; none where nothing is to be mended.
    pub mend: Option<String>,
}

impl Row {
    /// Whether damonlab cannot work because of this row.
    pub fn blocks(&self) -> bool {
        self.need == Need::Required && !matches!(self.state, State::Found(_))
    }
}

/// Looks at everything damonlab needs.
pub fn doctor(env: &Env) -> Vec<Row> {
    let setup = ourselves("setup");
    let mut rows: Vec<Row> = requirements::all()
        .into_iter()
        .map(|requirement| {
            let state = detect::detect(&requirement, env);
            let mend = match &state {
                State::Found(_) => None,
                State::Missing if requirement.name != "QEMU" => {
                    Some(format!("apt-get install {}", requirement.package))
                }
                // The release's own may be too old: the setup knows where a newer one is.
                State::Missing | State::TooOld { .. } => Some(setup.clone()),
            };
            let (name, purpose) = (requirement.name.to_owned(), requirement.purpose.to_owned());
            Row { name, state, purpose, need: requirement.need, package: Some(requirement.package), mend }
        })
        .collect();
    let state = Venv::of(env).version().map_or(State::Missing, |version| State::Found(version.to_string()));
    rows.push(Row {
        name: "virtme-ng".to_owned(),
        mend: matches!(state, State::Missing).then_some(setup),
        state,
        purpose: format!(
            "starts QEMU; {} or newer, in damonlab's own environment",
            requirements::oldest_virtme_ng()
        ),
        need: Need::Required,
        package: None,
    });
    rows.push(damo(env));
    rows
}

fn damo(env: &Env) -> Row {
    let here = Venv::of(env).damo().map(|version| version.to_string());
    let elsewhere = || Some(paths::find_program(&env.path, "damo")?.display().to_string());
    let state = here.or_else(elsewhere).map_or(State::Missing, State::Found);
    Row {
        name: "damo".to_owned(),
        mend: matches!(state, State::Missing).then(|| ourselves("setup --with damo")),
        state,
        purpose: "the scenario damo has it configure a kernel and read it".to_owned(),
        need: Need::Optional,
        package: None,
    }
}

/// The rows as a table, then what to do.
pub fn render(rows: &[Row]) -> String {
    let width = |cell: fn(&Row) -> usize| rows.iter().map(cell).max().unwrap_or(0);
    let name = width(|row| row.name.len());
    let found = width(|row| detail(&row.state).len()).min(32);
    let mut text = String::new();
    for row in rows {
        let word = match (&row.state, row.need) {
            (State::Found(_), _) => "found",
            (State::Missing, Need::Required) => "missing",
            (State::Missing, Need::Optional) => "optional",
            (State::TooOld { .. }, _) => "too old",
        };
        let detail = detail(&row.state);
        let _ = write!(text, "{word:<8}  {:<name$}  {detail:<found$}  {}", row.name, row.purpose);
        if let Some(mend) = &row.mend {
            let _ = write!(text, "\n{:10}{:<name$}  -> {mend}", "", "");
        }
        text.push('\n');
    }
    let blocking = rows.iter().filter(|row| row.blocks()).count();
    let _ = match blocking {
        0 => writeln!(text, "everything damonlab needs is here"),
        count => {
            writeln!(text, "{count} of {} not here; `{}` installs all of it", rows.len(), ourselves("setup"))
        }
    };
    text
}

fn detail(state: &State) -> String {
    match state {
        State::Found(what) => what.clone(),
        State::Missing => String::new(),
        State::TooOld { found, wanted } => format!("{found}, wanted {wanted}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::setup::version::Version;

    fn row(name: &str, state: State, need: Need) -> Row {
        let mend = (!matches!(state, State::Found(_))).then(|| "apt-get install x".to_owned());
        Row { name: name.into(), state, purpose: "does things".into(), need, package: Some("x"), mend }
    }

    #[test]
    fn a_report_says_what_is_wrong_and_what_mends_it() {
        let text = render(&[
            row("gcc", State::Found("/usr/bin/gcc".into()), Need::Required),
            row("flex", State::Missing, Need::Required),
            row("QEMU", State::TooOld { found: "7.2".into(), wanted: Version::of(9, 0) }, Need::Required),
            row("curl", State::Missing, Need::Optional),
        ]);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "found     gcc   /usr/bin/gcc     does things");
        assert_eq!(lines[2], "                -> apt-get install x");
        assert_eq!(lines[3], "too old   QEMU  7.2, wanted 9.0  does things");
        assert!(lines[5].starts_with("optional  curl"), "{text}");
        assert!(lines.last().unwrap().starts_with("2 of 4 not here"), "{text}");
    }

    #[test]
    fn what_is_optional_does_not_block() {
        assert!(!row("curl", State::Missing, Need::Optional).blocks());
        assert!(row("flex", State::Missing, Need::Required).blocks());
    }

    #[test]
    fn on_an_empty_machine_every_row_names_its_mend() {
        let cache = tempfile::tempdir().unwrap();
        let env = Env { root: cache.path().into(), path: "/nonexistent".into(), cache: cache.path().into() };
        let rows = doctor(&env);
        assert!(rows.iter().all(|row| row.mend.is_some()));
        let last: Vec<&str> = rows.iter().rev().take(2).map(|row| row.name.as_str()).collect();
        assert_eq!(last, ["damo", "virtme-ng"]);
    }
}
