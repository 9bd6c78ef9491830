//! What `--shard` leaves for `damonlab merge`.

use super::error::CliError;
use super::output::Reported;
use crate::host::text::shown;
use crate::run::Shard;
use crate::shards::{Call, ShardFile, Totals, digest};
use std::path::Path;

/// Stores the results of a shard below `out`. Gives the note that says where; none where the work is not divided.
pub(super) fn store(
    shard: Option<Shard>,
    call: impl FnOnce() -> Result<Call, CliError>,
    kept: Option<Reported>,
    totals: &Totals,
    out: &Path,
) -> Result<Option<String>, CliError> {
    let Some((shard, Reported { names, kernel, items })) = shard.zip(kept) else { return Ok(None) };
    let file = ShardFile::new(shard, call()?, (names, kernel), items, totals.clone());
    let path = file.save(out)?;
    Ok(Some(format!("shard {shard}, for `damonlab merge`: {}", shown(&path))))
}

/// Options as a call has them: each that was given with its value.
pub(super) fn options<const N: usize>(options: [(&str, Option<String>); N]) -> String {
    let given = options.into_iter().filter_map(|(name, value)| Some(format!("{name} {}", value?)));
    given.collect::<Vec<_>>().join(" ")
}

/// The value of an option that is given or not.
pub(super) fn flag(given: bool) -> Option<String> {
    given.then(String::new)
}

/// The texts of options that may be given several times: their number and a digest.
pub(super) fn texts(texts: &[String]) -> Option<String> {
    (!texts.is_empty()).then(|| digest(texts.iter().map(|text| ("", text.as_bytes()))))
}
