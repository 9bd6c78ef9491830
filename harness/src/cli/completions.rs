//! `damonlab completions` and `damonlab man`: what a shell and a reader of manual pages want to have in files.

use super::error::{CliError, VerbResult};
use super::output;
use crate::host::text::shown;
use clap::{Args, Command, ValueEnum};
use clap_complete::env::Shells;
use std::io;
use std::path::{Path, PathBuf};

/// The variable with which a shell asks. It does not begin as damonlab's own do, which a user may set.
pub(super) const VARIABLE: &str = "_DAMONLAB_COMPLETE";

pub(super) const HELP: &str = "Examples: source <(damonlab completions bash)\n          \
    damonlab completions zsh >~/.zfunc/_damonlab\n          \
    damonlab completions fish >~/.config/fish/completions/damonlab.fish\n\n\
    The script calls this damonlab for the names of scenarios, machines, kernels, rules, mutants and images.";

pub(super) const MAN_HELP: &str = "Examples: damonlab man ~/.local/share/man/man1\n          \
    damonlab man man1 && man -l man1/damonlab-run.1";

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The shell.
    #[arg(value_enum, value_name = "SHELL")]
    shell: Shell,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Shell {
    /// Bash 4 or later.
    Bash,
    /// Zsh, with compinit.
    Zsh,
    /// Fish.
    Fish,
}

#[derive(Debug, Args)]
pub(super) struct ManArguments {
    /// The folder of the pages, which may be new.
    #[arg(value_name = "DIR")]
    dir: PathBuf,
}

/// Prints the script of a shell.
pub(super) fn completions(arguments: &Arguments) -> VerbResult {
    let name = match arguments.shell {
        Shell::Bash => "bash",
        Shell::Zsh => "zsh",
        Shell::Fish => "fish",
    };
    let shells = Shells::builtins();
    let shell = shells.completer(name).ok_or_else(|| CliError::Io(io::ErrorKind::Unsupported.into()))?;
    let mut script = Vec::new();
    shell.write_registration(VARIABLE, "damonlab", "damonlab", &own_name(), &mut script)?;
    output::print(&String::from_utf8_lossy(&script))?;
    Ok(0)
}

/// How the script calls damonlab: by name if that is how it was called, else by its path.
fn own_name() -> String {
    let called = std::env::args_os().next().unwrap_or_default();
    let path = Path::new(&called);
    if path.components().count() == 1 {
        return called.to_string_lossy().into_owned();
    }
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned()).to_string_lossy().into_owned()
}

/// Writes a page for each verb of `command`.
pub(super) fn man(arguments: &ManArguments, command: Command) -> VerbResult {
    let dir = &arguments.dir;
    let failed = |cause: io::Error| CliError::ManPages { dir: dir.clone(), cause };
    std::fs::create_dir_all(dir).map_err(failed)?;
    clap_mangen::generate_to(command, dir).map_err(failed)?;
    let pages = std::fs::read_dir(dir).map_err(failed)?.filter_map(Result::ok);
    let is_page = |entry: &std::fs::DirEntry| {
        entry.file_name().to_str().is_some_and(|name| name.starts_with("damonlab") && name.ends_with(".1"))
    };
    let count = pages.filter(is_page).count();
    output::print(&format!("{count} pages in {}\n", shown(dir)))?;
    Ok(0)
}
