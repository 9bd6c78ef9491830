//! `samples.jsonl`, line by line: the samples of a long run are tens of megabytes of text.

use crate::host::budget::Budget;
use damonlab_protocol::record::Sample;
use std::io::{self, BufRead, Read};

/// A sample has some 10 KiB.
const LINE_LIMIT: u64 = 1 << 20;

/// What an entry of a map takes: its value, its share of a node, and the smallest piece of memory for its name.
const ENTRY: u64 = 96;

/// Why the samples cannot be read.
#[derive(Debug)]
pub(super) enum Error {
    Json { line: usize, cause: serde_json::Error },
    Io(io::Error),
}

/// Reads samples, as long as there is memory for them.
pub(super) fn read(mut input: impl BufRead, budget: &mut Budget) -> Result<Vec<Sample>, Error> {
    let mut values = Vec::new();
    let mut text = Vec::new();
    for line in 1.. {
        text.clear();
        if input.by_ref().take(LINE_LIMIT).read_until(b'\n', &mut text).map_err(Error::Io)? == 0 {
            break;
        }
        // A longer line is cut, and no JSON.
        let sample: Sample = serde_json::from_slice(&text).map_err(|cause| Error::Json { line, cause })?;
        budget.take(weight(&sample)).map_err(Error::Io)?;
        values.push(sample);
    }
    Ok(values)
}

/// About what a sample takes in memory.
fn weight(sample: &Sample) -> u64 {
    let names =
        |keys: &mut dyn Iterator<Item = &String>| keys.map(|key| ENTRY + key.len() as u64).sum::<u64>();
    let nodes: u64 = sample.nodes.values().map(|fields| ENTRY + names(&mut fields.keys())).sum();
    let workloads: u64 = sample.workloads.values().map(|nodes| ENTRY * (1 + nodes.len() as u64)).sum();
    let schemes: u64 = sample.schemes.iter().map(|all| 32 + 64 * all.len() as u64).sum();
    let own = size_of::<Sample>() as u64 + ENTRY * sample.cpu.len() as u64;
    own + nodes + workloads + schemes + names(&mut sample.vmstat.keys()) + names(&mut sample.workloads.keys())
}

#[cfg(test)]
mod tests {
    use super::*;
    use damonlab_protocol::units::Bytes;

    fn line(entries: usize) -> String {
        let vmstat: Vec<String> = (0..entries).map(|n| format!("\"v{n}\":{n}")).collect();
        format!(
            "{{\"time\":1,\"nodes\":{{}},\"vmstat\":{{{}}},\"workloads\":{{}},\"schemes\":[]}}\n",
            vmstat.join(",")
        )
    }

    #[test]
    fn the_memory_of_samples_is_bounded_whatever_their_text_takes() {
        let text = line(1000).repeat(20);
        assert_eq!(read(text.as_bytes(), &mut Budget::new(Bytes(4 << 20))).unwrap().len(), 20);
        let error = read(text.as_bytes(), &mut Budget::new(Bytes(1 << 20))).unwrap_err();
        assert!(matches!(error, Error::Io(cause) if cause.kind() == io::ErrorKind::FileTooLarge));
    }

    #[test]
    fn a_line_without_an_end_is_an_error_with_its_number() {
        let text = line(1) + &"x".repeat(3 << 20);
        let error = read(text.as_bytes(), &mut Budget::new(Bytes(1 << 20))).unwrap_err();
        assert!(matches!(error, Error::Json { line: 2, .. }), "{error:?}");
    }
}
