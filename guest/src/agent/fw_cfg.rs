//! The plan's way in: QEMU's fw_cfg, read through sysfs.
//!
//! Reading is synchronous port I/O, so it costs no determinism. A machine is saved before it reads, and
//! restored with an item of the same size and another content: the plan is padded with zeros. Every byte
//! is an exit to QEMU, and the kernel skips to where a read begins byte by byte, so reading stops at the
//! first zero.

use super::failure::Failure;
use super::files;
use damonlab_protocol::plan::{FW_CFG_NAME, PLAN_VERSION, Plan};
use serde::Deserialize;
use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;

const FOLDER: &str = "/sys/firmware/qemu_fw_cfg/by_name";
/// sysfs hands out no more at once.
const CHUNK: usize = 4096;
const LIMIT: u64 = 1 << 20;

/// Reads the plan.
pub fn plan() -> Result<Plan, Failure> {
    let path = PathBuf::from(FOLDER).join(FW_CFG_NAME).join("raw");
    if !path.exists() {
        return Err(missing(&path).into());
    }
    let file = File::open(&path).map_err(|error| files::FileError::new("open", &path, &error))?;
    let bytes = read(file).map_err(|error| files::FileError::new("read", &path, &error))?;
    parse(&bytes)
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

/// All before the first zero, and a little more than [`LIMIT`] at most.
fn read(mut file: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut chunk = [0; CHUNK];
    while bytes.len() as u64 <= LIMIT {
        let read = file.read(&mut chunk)?;
        let end = chunk[..read].iter().position(|byte| *byte == 0);
        bytes.extend_from_slice(&chunk[..end.unwrap_or(read)]);
        if read == 0 || end.is_some() {
            break;
        }
    }
    Ok(bytes)
}

/// A plan of another version has other fields: look at the version alone before the rest.
#[derive(Deserialize)]
struct Version {
    version: u32,
}

fn parse(json: &[u8]) -> Result<Plan, Failure> {
    if json.len() as u64 > LIMIT {
        return Err(format!("the plan is larger than {LIMIT} bytes").into());
    }
    let found: Version =
        serde_json::from_slice(json).map_err(|error| format!("the plan is malformed: {error}"))?;
    if found.version != PLAN_VERSION {
        return Err(format!(
            "the plan has version {}, this guest carries out version {PLAN_VERSION}; build both from one tree",
            found.version
        )
        .into());
    }
    serde_json::from_slice(json).map_err(|error| format!("the plan cannot be read: {error}").into())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAN: &str = r#"{"version":2,"scenario":"x","seed":0,"cxl":[],"soft_reserved":[],"machine":null,"workloads":[],"kdamonds":[],
        "trace":{"events":[],"buffer":0},"sample_every":0,"steps":["stop"]}"#;

    #[test]
    fn reading_stops_at_the_first_zero_and_takes_no_chunk_after_it() {
        let padded = [PLAN.as_bytes(), &[0; 3 * CHUNK]].concat();
        let mut rest = padded.as_slice();
        assert_eq!(parse(&read(&mut rest).unwrap()).unwrap().scenario, "x");
        assert_eq!(padded.len() - rest.len(), CHUNK, "one chunk holds this plan");
    }

    #[test]
    fn a_plan_of_several_chunks_arrives_whole() {
        let name = "x".repeat(3 * CHUNK);
        let long = PLAN.replace("\"x\"", &format!("\"{name}\""));
        assert_eq!(parse(&read(long.as_bytes()).unwrap()).unwrap().scenario, name);
    }

    #[test]
    fn another_version_is_refused_before_its_fields_are_looked_at() {
        let error = parse(br#"{"version":3,"news":[]}"#).unwrap_err();
        assert!(error.to_string().starts_with("the plan has version 3,"), "{error}");
    }

    #[test]
    fn an_unknown_field_is_named() {
        let error = parse(PLAN.replace("\"seed\"", "\"sede\"").as_bytes()).unwrap_err();
        assert!(error.to_string().contains("`sede`"), "{error}");
    }
}
