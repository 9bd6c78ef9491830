//! The kernel's command line, and the kernel files that a scenario sets before its workloads start.

use super::setting;
use crate::grammar::{At, Checked, Fault, Scalar, file_value};
use crate::scenario::Boot;
use crate::scenario::raw::{RawBoot, RawFileWrite};
use damonlab_protocol::kernel_file::FileWrite;

/// Parameters that damonlab or the machine sets: a run depends on them.
pub(super) const OWNED: &[&str] = &[
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

pub(super) fn resolve(raw: &RawBoot) -> Checked<Boot> {
    if let Some(one_too_many) = raw.parameters.get(MAX_COUNT) {
        return Err(Fault::at(one_too_many, format!("more than {MAX_COUNT} kernel parameters")));
    }
    let parameters = raw.parameters.iter().map(parameter).collect::<Checked<Vec<_>>>()?;
    let write = |raw: &RawFileWrite| {
        Ok(FileWrite { path: setting::path(&raw.path)?, value: file_value(&raw.value)? })
    };
    let writes = raw.writes.iter().map(write).collect::<Checked<Vec<_>>>()?;
    Ok(Boot { parameters, writes })
}

/// One parameter: `NAME` or `NAME=VALUE`, without characters that a shell or the kernel's parser interprets.
fn parameter(raw: &At<Scalar>) -> Checked<String> {
    let text = raw.value.0.as_str();
    let name = text.split('=').next().unwrap_or_default();
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-.,:=/+@".contains(c);
    let sound = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
    if name.is_empty() || text.len() > MAX_LENGTH || !name.chars().all(sound) || !text.chars().all(plain) {
        return Err(Fault::at(raw, format!("'{text}' is not a kernel parameter"))
            .help("NAME or NAME=VALUE, without spaces and quotes, for instance numa_balancing=enable"));
    }
    // To the kernel '-' and '_' are the same.
    if OWNED.contains(&name.replace('-', "_").as_str()) {
        return Err(Fault::at(raw, format!("damonlab sets '{name}' itself")).help("runs depend on its value"));
    }
    Ok(text.to_owned())
}
