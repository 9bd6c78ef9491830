//! Builds the guest agent as a static program and passes its path to the crate.
//!
//! The agent needs its own flags (`crt-static`) and profile, so a second cargo builds it in a target folder of its
//! own, where the first one's lock does not block it. Every profile of the outer build shares that folder, so the
//! agent is built once. `--target` is given even where it equals the host: only then do the flags stay away from
//! build scripts and macros.

#![expect(clippy::disallowed_methods, reason = "cargo ends what a build script starts")]

use std::env;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

const TARGET: &str = "x86_64-unknown-linux-gnu";
const PROFILE: &str = "guest";

/// Stands for cargo's home in the agent.
const HOME: &str = "/cargo";

fn main() -> ExitCode {
    match build() {
        Ok(agent) => {
            println!("cargo::rustc-env=DAMONLAB_GUEST={}", agent.display());
            ExitCode::SUCCESS
        }
        Err(reason) => {
            println!("cargo::error=cannot build the guest agent: {reason}");
            ExitCode::FAILURE
        }
    }
}

/// The flags of the agent. A panic names the file that it is in: with the path of cargo's home in it, the agents of two users would
/// differ, and with them all recordings.
fn flags() -> Result<String, String> {
    let home = env::var_os("CARGO_HOME").map(PathBuf::from);
    let home =
        home.or_else(|| env::home_dir().map(|user| user.join(".cargo"))).ok_or("there is no home folder")?;
    let home = home.to_str().ok_or("the path of cargo's home is no UTF-8")?;
    Ok(format!("-Ctarget-feature=+crt-static\x1f--remap-path-prefix={home}={HOME}"))
}

fn build() -> Result<PathBuf, String> {
    let variable = |name: &str| env::var_os(name).map(PathBuf::from).ok_or(format!("{name} is not set"));
    let harness = variable("CARGO_MANIFEST_DIR")?;
    let root = harness.parent().ok_or("the crate is not in a workspace")?;
    // OUT_DIR is <target>/[<triple>/]<profile>/build/<package>/out.
    let out = variable("OUT_DIR")?;
    let profile = out.ancestors().nth(3).ok_or("OUT_DIR is not below a target folder")?;
    let target_dir = profile.parent().ok_or("OUT_DIR is not below a target folder")?.join("guest");
    for watched in
        ["guest/src", "guest/Cargo.toml", "protocol/src", "protocol/Cargo.toml", "Cargo.toml", "Cargo.lock"]
    {
        println!("cargo::rerun-if-changed={}", root.join(watched).display());
    }
    let status = Command::new(variable("CARGO")?)
        .current_dir(root)
        .args(["build", "--quiet", "--package", "damonlab-guest", "--bin", "damonlab-guest"])
        .args(["--profile", PROFILE, "--target", TARGET, "--target-dir"])
        .arg(&target_dir)
        // The outer build's settings (clippy's wrapper, flags) must not reach this one.
        .env_remove("RUSTC_WORKSPACE_WRAPPER")
        .env_remove("RUSTC_WRAPPER")
        .env_remove("RUSTFLAGS")
        .env_remove("CARGO_TARGET_DIR")
        .env("CARGO_ENCODED_RUSTFLAGS", flags()?)
        .status()
        .map_err(|cause| format!("cannot start cargo: {cause}"))?;
    let agent = target_dir.join(TARGET).join(PROFILE).join("damonlab-guest");
    match status.success() && agent.is_file() {
        true => Ok(agent),
        false => Err(format!("cargo ended with {status}; the compiler's output is above")),
    }
}
