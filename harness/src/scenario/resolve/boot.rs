//! The kernel's command line, and the kernel files that a scenario sets.

use crate::scenario::Boot;
use crate::scenario::error::{Checked, Fault};
use crate::scenario::raw::{At, RawBoot};
use crate::scenario::units::Word;
use damonlab_protocol::kernel_file::{self, FileWrite, PathError};

/// Parameters that damonlab or the machine sets: a run depends on them.
const OWNED: &[&str] = &[
    "console",
    "earlycon",
    "earlyprintk",
    "loglevel",
    "quiet",
    "debug",
    "ignore_loglevel",
    "panic",
    "oops",
    "init",
    "rdinit",
    "root",
    "rootfstype",
    "rootflags",
    "ro",
    "rw",
    "initrd",
    "kaslr",
    "nokaslr",
    "norandmaps",
    "pti",
    "nopti",
    "mitigations",
    "random.trust_cpu",
    "tsc",
    "clocksource",
    "nohpet",
    "mem",
    "memmap",
    "numa",
    "maxcpus",
    "nr_cpus",
    "possible_cpus",
    "nosmp",
    "efi_fake_mem",
];

/// The longest parameter, and the most of them: the kernel's command line has 2048 bytes.
const MAX_LENGTH: usize = 128;
const MAX_COUNT: usize = 8;

/// The longest value that a file takes here, less than a page.
const MAX_VALUE: usize = 1_000;

pub(super) fn resolve(raw: &RawBoot) -> Checked<Boot> {
    if let Some(one_too_many) = raw.parameters.get(MAX_COUNT) {
        return Err(Fault::at(one_too_many, format!("more than {MAX_COUNT} kernel parameters")));
    }
    let parameters = raw.parameters.iter().map(parameter).collect::<Checked<Vec<_>>>()?;
    let write = |raw: &At<crate::scenario::raw::RawBootWrite>| {
        Ok(FileWrite { path: path(&raw.value.path)?, value: value(&raw.value.value)? })
    };
    let writes = raw.writes.iter().map(write).collect::<Checked<Vec<_>>>()?;
    Ok(Boot { parameters, writes })
}

/// One word of the command line: `NAME` or `NAME=VALUE`, with nothing that a shell or the kernel's parser reads as
/// its own.
fn parameter(raw: &At<Word>) -> Checked<String> {
    let text = raw.value.0.as_str();
    let name = text.split('=').next().unwrap_or_default();
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-.,:=/+@".contains(c);
    let sound = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
    if name.is_empty() || text.len() > MAX_LENGTH || !name.chars().all(sound) || !text.chars().all(plain) {
        return Err(Fault::at(raw, format!("'{text}' is not a kernel parameter")).help(
            "one word, NAME or NAME=VALUE, without spaces and quotes, for instance numa_balancing=enable",
        ));
    }
    // To the kernel '-' and '_' are the same.
    if OWNED.contains(&name.replace('-', "_").as_str()) {
        return Err(Fault::at(raw, format!("damonlab sets '{name}' itself"))
            .help("every run has to have the same value of it"));
    }
    Ok(text.to_owned())
}

/// The absolute path of a kernel file that may be written.
pub(super) fn path(raw: &At<Word>) -> Checked<String> {
    let text = raw.value.0.as_str();
    match kernel_file::check(text) {
        Ok(()) => Ok(text.to_owned()),
        Err(why) => {
            let fault = Fault::at(raw, format!("a scenario cannot write '{text}'"));
            Err(match why {
                PathError::Owned(why) => fault.help(why),
                PathError::Shape | PathError::Elsewhere => fault.help(format!(
                    "an absolute path without '..', below one of {}",
                    kernel_file::ROOTS.join(", ")
                )),
            })
        }
    }
}

/// What is written into a kernel file.
pub(super) fn value(raw: &At<Word>) -> Checked<String> {
    let text = raw.value.0.as_str();
    if text.is_empty() {
        return Err(Fault::at(raw, "writing nothing never reaches the kernel (sysfs_kf_write)"));
    }
    if text.len() > MAX_VALUE || !text.chars().all(|c| c.is_ascii_graphic() || c == ' ') {
        return Err(Fault::at(raw, format!("a value is up to {MAX_VALUE} printable characters of ASCII")));
    }
    Ok(text.to_owned())
}
