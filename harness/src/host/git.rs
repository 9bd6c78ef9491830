//! git in a user's folder: it changes nothing there, and the user's configuration does not change its output.

use super::command::command_for;
use std::path::Path;
use std::process::Command;

/// git in `dir`, whoever owns the folder, without the programs that its configuration may start.
pub fn at(dir: &Path) -> Command {
    let mut git = command_for("git");
    git.current_dir(dir).args(["-c", "safe.directory=*", "-c", "core.fsmonitor=false"]);
    git.env("GIT_OPTIONAL_LOCKS", "0").env("LC_ALL", "C");
    for name in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY"] {
        git.env_remove(name);
    }
    git
}

/// Runs git in a test's repository, with an identity for its commits.
///
/// # Panics
/// git fails.
#[cfg(test)]
pub(crate) fn run_in_test(dir: &Path, arguments: &[&str]) -> Vec<u8> {
    let mut git = at(dir);
    git.args(["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "core.autocrlf=false"]);
    super::command::succeed(git.args(arguments), super::command::Limits::LOCAL).unwrap().stdout
}
