//! git in a user's folder, which it must neither change nor be led astray by.

use std::path::Path;
use std::process::Command;

/// git in `dir`, whoever owns the folder and whatever its configuration would like to start.
pub fn at(dir: &Path) -> Command {
    let mut git = Command::new("git");
    git.current_dir(dir).args(["-c", "safe.directory=*", "-c", "core.fsmonitor=false"]);
    git.env("GIT_OPTIONAL_LOCKS", "0").env("LC_ALL", "C");
    for name in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY"] {
        git.env_remove(name);
    }
    git
}
