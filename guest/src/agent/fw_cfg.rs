//! The plan's way in: QEMU's fw_cfg, read through sysfs.
//!
//! Reading is synchronous port I/O, so it costs no determinism. An item that says `none` is polled, so
//! that a machine can be saved in this state and restored with another item of the same size.

use super::{Failure, clock, files};
use damonlab_guest::plan::{FW_CFG_NAME, PLAN_VERSION, Plan};
use damonlab_guest::units::Nanos;
use serde::Deserialize;
use std::fs::File;
use std::io::Read;
use std::path::PathBuf;

const FOLDER: &str = "/sys/firmware/qemu_fw_cfg/by_name";
const NO_PLAN_YET: &[u8] = b"none";
const POLL: Nanos = Nanos(10_000_000);
const LIMIT: u64 = 1 << 20;

/// Waits until there is a plan and reads it. There is no bound: the host has the clock.
pub fn plan() -> Result<Plan, Failure> {
    let path = PathBuf::from(FOLDER).join(FW_CFG_NAME).join("raw");
    if !path.exists() {
        return Err(missing(&path).into());
    }
    while first_bytes(&path)? == NO_PLAN_YET {
        clock::sleep(POLL);
    }
    parse(&read(&path, LIMIT + 1)?)
}

fn missing(path: &std::path::Path) -> String {
    let items = files::names(FOLDER);
    if items.is_empty() {
        return format!(
            "no plan: the kernel shows no fw_cfg under {FOLDER}; it needs CONFIG_FW_CFG_SYSFS=y and QEMU as its machine"
        );
    }
    format!("no plan: {} is missing; start QEMU with -fw_cfg name={FW_CFG_NAME},file=PLAN", path.display())
}

fn first_bytes(path: &PathBuf) -> Result<Vec<u8>, Failure> {
    read(path, NO_PLAN_YET.len() as u64)
}

fn read(path: &PathBuf, limit: u64) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(limit).read_to_end(&mut bytes))
        .map_err(|error| files::FileError::new("read", path, &error))?;
    Ok(bytes)
}

/// A plan of another version has other fields: look at the version alone before the rest.
#[derive(Deserialize)]
struct Version {
    version: u32,
}

fn parse(padded: &[u8]) -> Result<Plan, Failure> {
    if padded.len() as u64 > LIMIT {
        return Err(format!("the plan is larger than {LIMIT} bytes").into());
    }
    let end = padded.iter().rposition(|byte| !matches!(byte, 0 | b' ' | b'\n')).map_or(0, |last| last + 1);
    let json = &padded[..end];
    let said: Version =
        serde_json::from_slice(json).map_err(|error| format!("the plan is no plan: {error}"))?;
    if said.version != PLAN_VERSION {
        return Err(format!(
            "the plan has version {}, this guest carries out version {PLAN_VERSION}; build both from one tree",
            said.version
        )
        .into());
    }
    serde_json::from_slice(json).map_err(|error| format!("the plan cannot be read: {error}").into())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAN: &str = r#"{"version":1,"scenario":"x","seed":0,"cxl":[],"workloads":[],"kdamonds":[],
        "trace":{"events":[],"buffer":0},"sample_every":0,"steps":["stop"]}"#;

    #[test]
    fn padding_of_any_kind_is_cut_off() {
        for padding in ["", "\0\0\0", "   \n", "\n\0 "] {
            let plan = parse(format!("{PLAN}{padding}").as_bytes()).unwrap();
            assert_eq!(plan.scenario, "x");
        }
    }

    #[test]
    fn another_version_is_refused_before_its_fields_are_looked_at() {
        let error = parse(br#"{"version":2,"news":[]}"#).unwrap_err();
        assert!(error.to_string().starts_with("the plan has version 2,"), "{error}");
    }

    #[test]
    fn a_field_that_nobody_knows_is_named() {
        let error = parse(PLAN.replace("\"seed\"", "\"sede\"").as_bytes()).unwrap_err();
        assert!(error.to_string().contains("`sede`"), "{error}");
    }
}
