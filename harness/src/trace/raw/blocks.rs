//! The blocks of a `trace.raw`: formats and sub-buffers, and the records in them.

use super::error::RawError;
use super::fields::{self, Record};
use super::format::RawFormat;
use super::pages;
use std::collections::BTreeMap;

/// A whole `trace.raw`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RawTrace<'a> {
    /// The events, by the number that their records begin with.
    pub formats: BTreeMap<u16, RawFormat>,
    /// Each CPU's sub-buffers, one after the other.
    cpus: BTreeMap<u16, &'a [u8]>,
}

impl<'a> RawTrace<'a> {
    /// Reads the blocks of a `trace.raw`.
    ///
    /// # Errors
    /// A block that is cut or makes no sense, by its name.
    pub fn parse(bytes: &'a [u8]) -> Result<RawTrace<'a>, RawError> {
        let mut trace = RawTrace::default();
        blocks(bytes)?.into_iter().try_for_each(|(path, body)| trace.take(path, body))?;
        Ok(trace)
    }

    fn take(&mut self, path: &str, body: &'a [u8]) -> Result<(), RawError> {
        if path == "events/header_page" {
            return pages::check_header(&String::from_utf8_lossy(body)).map_err(RawError::Page);
        }
        if let Some(cpu) =
            path.strip_prefix("per_cpu/cpu").and_then(|rest| rest.split('/').next()?.parse().ok())
        {
            self.cpus.insert(cpu, body);
        } else if path.ends_with("/format") {
            let failed = |why| RawError::Format { path: path.to_owned(), why };
            let format = RawFormat::parse(&String::from_utf8_lossy(body)).map_err(failed)?;
            self.formats.insert(format.id, format);
        }
        Ok(())
    }

    /// The sub-buffers of each CPU, one after the other.
    pub fn sub_buffers(&self) -> impl Iterator<Item = (u16, &'a [u8])> {
        self.cpus.iter().map(|(cpu, bytes)| (*cpu, *bytes))
    }

    /// Whether no CPU's record is as long as `limit` bytes: such a one may lack its end.
    pub fn is_below(&self, limit: usize) -> bool {
        self.cpus.values().all(|bytes| bytes.len() < limit)
    }

    /// Every record in the order of the text: by time, and by CPU where times are equal (`__find_next_entry`). If there
    /// are more than `most`, one more than that is returned.
    ///
    /// # Errors
    /// A sub-buffer that makes no sense.
    pub fn records(&self, most: usize) -> Result<Vec<Record<'_>>, RawError> {
        let mut all = Vec::new();
        for (cpu, bytes) in &self.cpus {
            let failed = |damage| RawError::Damaged { cpu: *cpu, damage };
            pages::events(bytes, |time, bytes| {
                let format = fields::number(bytes).and_then(|id| self.formats.get(&id));
                if all.len() <= most {
                    all.push(Record { cpu: *cpu, time, bytes, format });
                }
            })
            .map_err(failed)?;
        }
        // Stable: within a CPU the order is the ring buffer's. A sort takes memory, and one CPU is in order.
        let place = |record: &Record<'_>| (record.time, record.cpu);
        if !all.is_sorted_by_key(place) {
            all.sort_by_key(place);
        }
        Ok(all)
    }
}

/// The blocks of a section, each with its path.
///
/// # Errors
/// A block that is cut or has no head.
pub fn blocks(mut bytes: &[u8]) -> Result<Vec<(&str, &[u8])>, RawError> {
    let (mut all, whole) = (Vec::new(), bytes.len());
    while !bytes.is_empty() {
        let at = whole - bytes.len();
        let (path, body, rest) = block(bytes).ok_or(RawError::Head { at })??;
        bytes = rest;
        all.push((path, body));
    }
    Ok(all)
}

/// The longest first line of a block: a path of the host may stand in it.
const HEAD: usize = 4200;

type Block<'a> = (&'a str, &'a [u8], &'a [u8]);

/// One block: its path, its bytes, and what follows.
fn block(bytes: &[u8]) -> Option<Result<Block<'_>, RawError>> {
    let end = bytes.iter().take(HEAD).position(|byte| *byte == b'\n')?;
    let (path, length) = str::from_utf8(&bytes[..end]).ok()?.rsplit_once(' ')?;
    let wanted: usize = length.parse().ok()?;
    let rest = &bytes[end + 1..];
    Some(match rest.split_at_checked(wanted) {
        Some((body, rest)) => Ok((path, body, rest)),
        None => Err(RawError::Cut { path: path.to_owned(), wanted, found: rest.len() }),
    })
}
