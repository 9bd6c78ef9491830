//! The report on the requirements, as rows and as text. It boots and changes nothing.

use super::detect::{self, State};
use super::distribution;
use super::env::Env;
use super::own_command::ourselves;
use super::requirements::{self, Detect, Importance, Requirement, Work};
use super::venv::Venv;
use crate::host::paths;
use crate::host::text::{excerpt, foreign, shown};
use std::fmt::Write as _;

/// A requirement and its state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Its name.
    pub name: String,
    /// Whether it is there.
    pub state: State,
    /// What damonlab uses it for.
    pub purpose: String,
    /// Whether damonlab works without it.
    pub importance: Importance,
    /// What does not work without it.
    pub work: Work,
    /// The packages of this distribution that have it; none for what damonlab installs in its own environment, and where
    /// no package is known.
    pub packages: Vec<&'static str>,
    /// What to do if it is missing or too old: a command, or what to look for.
    pub fix: Option<String>,
}

impl Row {
    /// Whether damonlab cannot work without it.
    pub fn blocks(&self) -> bool {
        self.importance == Importance::Required && !matches!(self.state, State::Found(_))
    }
}

/// Checks all requirements.
pub fn doctor(env: &Env) -> Vec<Row> {
    let setup = ourselves("setup");
    let found = distribution::of_machine(&env.root);
    let mut rows: Vec<Row> =
        requirements::all().into_iter().map(|requirement| row(&requirement, &found, env)).collect();
    let state = virtme_ng(&Venv::of(env));
    rows.push(Row {
        name: "virtme-ng".to_owned(),
        fix: (!matches!(state, State::Found(_))).then_some(setup),
        state,
        purpose: format!(
            "starts QEMU; {} or newer, in damonlab's own environment",
            requirements::oldest_virtme_ng()
        ),
        importance: Importance::Required,
        work: Work::Guest,
        packages: Vec::new(),
    });
    rows.push(bubblewrap(env));
    rows.push(damo(env));
    rows
}

fn row(requirement: &Requirement, found: &distribution::Found, env: &Env) -> Row {
    let state = detect::detect(requirement, env);
    let packages = found.as_ref().ok().and_then(|distribution| distribution.packages(requirement.package));
    let fix = match &state {
        // What is broken is installed already.
        State::Found(_) | State::Broken(_) => None,
        State::Missing | State::TooOld { .. } | State::Moved { .. } => {
            Some(fix(requirement, found, &packages))
        }
    };
    Row {
        name: requirement.name.to_owned(),
        state,
        purpose: requirement.purpose.to_owned(),
        importance: requirement.importance,
        work: requirement.work,
        packages: packages.unwrap_or_default(),
        fix,
    }
}

/// What to do about a requirement that is missing or too old.
fn fix(
    requirement: &Requirement,
    found: &distribution::Found,
    packages: &Option<Vec<&'static str>>,
) -> String {
    let wanted = &requirement.detect;
    match (found, packages) {
        (Err(_), _) => format!("install {wanted}"),
        (Ok(one), None) => {
            format!("install {wanted}; no package of {} is known to have it", foreign(&one.name))
        }
        // The release's version may be too old: the setup finds a newer one.
        (Ok(one), Some(_)) if one.has_apt() && matches!(wanted, Detect::ProgramAtLeast(..)) => {
            ourselves("setup")
        }
        (Ok(one), Some(packages)) if packages.is_empty() => {
            format!("install {wanted}; in {} another package of this list has it", foreign(&one.name))
        }
        (Ok(one), Some(packages)) => one.command(packages).join(" "),
    }
}

/// The row of bubblewrap, which is of no use where the host forbids namespaces.
fn bubblewrap(env: &Env) -> Row {
    let forbidden = || {
        let read = |name: &str| std::fs::read_to_string(env.root.join("proc/sys").join(name));
        let is_0 = |name: &str| read(name).is_ok_and(|text| text.trim() == "0");
        let switches = [("user/max_user_namespaces", 10_000), ("kernel/unprivileged_userns_clone", 1)];
        switches.into_iter().find(|(name, _)| is_0(name))
    };
    let (state, fix) = match (paths::find_program(&env.path, "bwrap"), forbidden()) {
        (Some(_), Some((name, value))) => {
            (State::Missing, Some(format!("sysctl -w {}={value}", name.replace('/', "."))))
        }
        (Some(path), None) => (State::Found(shown(&path).to_string()), None),
        (None, _) => (State::Missing, Some(ourselves("setup --with bubblewrap"))),
    };
    Row {
        name: "bubblewrap".to_owned(),
        state,
        purpose: "`--build-in bwrap` builds a stranger's series in it".to_owned(),
        importance: Importance::Optional,
        work: Work::Kernel,
        packages: Vec::new(),
        fix,
    }
}

fn virtme_ng(venv: &Venv) -> State {
    match (venv.version(), venv.made_elsewhere()) {
        (Some(version), _) => State::Found(version.to_string()),
        (None, Some(made)) => State::Moved { made },
        (None, None) => State::Missing,
    }
}

fn damo(env: &Env) -> Row {
    let here = Venv::of(env).damo().map(|version| version.to_string());
    let elsewhere = || Some(shown(&paths::find_program(&env.path, "damo")?).to_string());
    let state = here.or_else(elsewhere).map_or(State::Missing, State::Found);
    Row {
        name: "damo".to_owned(),
        fix: matches!(state, State::Missing).then(|| ourselves("setup --with damo")),
        state,
        purpose: "the scenario `damo` configures a kernel with it".to_owned(),
        importance: Importance::Optional,
        work: Work::Guest,
        packages: Vec::new(),
    }
}

/// The rows as a table, then `closing`.
pub fn render(rows: &[Row], closing: &str) -> String {
    let width = |cell: fn(&Row) -> usize| rows.iter().map(cell).max().unwrap_or(0);
    let name = width(|row| row.name.len());
    let found = width(|row| detail(&row.state).len()).min(32);
    let mut text = String::new();
    for row in rows {
        let status = match (&row.state, row.importance) {
            (State::Found(_), _) => "found",
            (State::Missing, Importance::Required) => "missing",
            (State::Missing, Importance::Optional) => "optional",
            (State::TooOld { .. }, _) => "too old",
            (State::Broken(_), _) => "broken",
            (State::Moved { .. }, _) => "moved",
        };
        let detail = detail(&row.state);
        let _ = write!(text, "{status:<8}  {:<name$}  {detail:<found$}  {}", row.name, row.purpose);
        if let Some(fix) = &row.fix {
            let _ = write!(text, "\n{:10}{:<name$}  -> {fix}", "", "");
        }
        text.push('\n');
    }
    text.push_str(closing);
    text
}

/// How many requirements are missing, and the one command that installs all of them.
pub fn closing(rows: &[Row], env: &Env) -> String {
    let blocking = rows.iter().filter(|row| row.blocks()).count();
    if blocking == 0 {
        return "everything that damonlab needs is installed\n".to_owned();
    }
    let all = rows.len();
    let setup = ourselves("setup");
    match (distribution::of_machine(&env.root), packages(rows)) {
        (Err(name), _) => format!(
            "{blocking} of {all} are missing or not usable. damonlab does not know the packages of {}: install the programs and \
             libraries above, then `{setup}` for virtme-ng\n",
            foreign(&name)
        ),
        (Ok(one), packages) if one.is_per_shell() && !packages.is_empty() => format!(
            "{blocking} of {all} are missing or not usable; this shell has them, and in it `{setup}` installs virtme-ng:\n  {}\n",
            one.command(&packages).join(" ")
        ),
        (Ok(one), packages) if !one.has_apt() && !packages.is_empty() => format!(
            "{blocking} of {all} are missing or not usable; `{setup}` installs all but what is broken. Its packages alone, as \
             root:\n  {}\n",
            one.command(&packages).join(" ")
        ),
        _ => format!(
            "{blocking} of {all} are missing or not usable; `{setup}` installs all but what is broken\n"
        ),
    }
}

/// The packages to install, sorted. Optional ones are installed along with required ones, never alone.
pub(super) fn packages(rows: &[Row]) -> Vec<&'static str> {
    let blocks =
        |row: &Row| row.blocks() && !row.packages.is_empty() && !matches!(row.state, State::Broken(_));
    if !rows.iter().any(blocks) {
        return Vec::new();
    }
    // What is broken is there, and to install it would change nothing.
    let missing = rows.iter().filter(|row| matches!(row.state, State::Missing | State::TooOld { .. }));
    let mut packages: Vec<&'static str> = missing.flat_map(|row| row.packages.iter().copied()).collect();
    packages.sort_unstable();
    packages.dedup();
    packages
}

fn detail(state: &State) -> String {
    match state {
        State::Found(what) => excerpt(what),
        State::Missing => String::new(),
        State::TooOld { found, wanted } => format!("{}, wanted {wanted}", foreign(found)),
        State::Broken(why) => excerpt(why),
        State::Moved { made } => excerpt(made),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::setup::version::Version;

    fn row(name: &str, state: State, importance: Importance) -> Row {
        let fix = (!matches!(state, State::Found(_))).then(|| "apt-get install x".to_owned());
        Row {
            name: name.into(),
            state,
            purpose: "does things".into(),
            importance,
            work: Work::Guest,
            packages: vec!["x"],
            fix,
        }
    }

    #[test]
    fn a_report_shows_what_is_missing_and_how_to_install_it() {
        let text = render(
            &[
                row("gcc", State::Found("/usr/bin/gcc".into()), Importance::Required),
                row("flex", State::Missing, Importance::Required),
                row(
                    "QEMU",
                    State::TooOld { found: "7.2".into(), wanted: Version::of(9, 0) },
                    Importance::Required,
                ),
                row("curl", State::Missing, Importance::Optional),
            ],
            "2 of 4 are missing\n",
        );
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "found     gcc   /usr/bin/gcc     does things");
        assert_eq!(lines[2], "                -> apt-get install x");
        assert_eq!(lines[3], "too old   QEMU  7.2, wanted 9.0  does things");
        assert!(lines[5].starts_with("optional  curl"), "{text}");
        assert!(lines.last().unwrap().starts_with("2 of 4 are missing"), "{text}");
    }

    #[test]
    fn an_optional_requirement_does_not_block() {
        assert!(!row("curl", State::Missing, Importance::Optional).blocks());
        assert!(row("flex", State::Missing, Importance::Required).blocks());
    }

    #[test]
    fn a_bubblewrap_that_may_make_no_namespaces_is_missing_with_the_switch_that_allows_it() {
        let root = tempfile::tempdir().unwrap();
        let (bin, sysctl) = (root.path().join("bin"), root.path().join("proc/sys/user"));
        [&bin, &sysctl].iter().for_each(|folder| std::fs::create_dir_all(folder).unwrap());
        std::fs::copy("/bin/true", bin.join("bwrap")).unwrap();
        let env = Env { root: root.path().into(), path: bin.into(), cache: root.path().into() };
        assert!(matches!(bubblewrap(&env).state, State::Found(_)));
        std::fs::write(sysctl.join("max_user_namespaces"), "0\n").unwrap();
        let row = bubblewrap(&env);
        assert_eq!(row.state, State::Missing);
        assert_eq!(row.fix.as_deref(), Some("sysctl -w user.max_user_namespaces=10000"));
    }

    #[test]
    fn on_an_empty_machine_every_row_has_a_fix() {
        let cache = tempfile::tempdir().unwrap();
        let env = Env { root: cache.path().into(), path: "/nonexistent".into(), cache: cache.path().into() };
        let rows = doctor(&env);
        assert!(rows.iter().all(|row| row.fix.is_some()));
        let last: Vec<&str> = rows.iter().rev().take(3).map(|row| row.name.as_str()).collect();
        assert_eq!(last, ["damo", "bubblewrap", "virtme-ng"]);
    }
}
