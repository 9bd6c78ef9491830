//! What to do about a full disk. The text of an error says so, whoever wrote the file: damonlab, QEMU, git or make.

/// The system's texts for a file that has no space.
const TEXTS: [&str; 2] = ["No space left on device", "Disk quota exceeded"];

const ADVICE: &str = "free space there, or use another disk: --out FOLDER for recordings, TMPDIR for the files of a \
                      run, XDG_CACHE_HOME for the cache; `damonlab kernel rm` removes kernels";

/// What to do if the error with this text comes from a full disk.
pub fn advice(error: &str) -> Option<&'static str> {
    TEXTS.iter().any(|text| error.contains(text)).then_some(ADVICE)
}

#[cfg(test)]
mod tests {
    use super::advice;
    use nix::errno::Errno;
    use std::io;

    #[test]
    fn a_full_disk_and_a_full_quota_have_advice_and_other_errors_have_none() {
        let of = |errno: Errno| advice(&format!("cannot write x: {}", io::Error::from(errno)));
        assert!(of(Errno::ENOSPC).is_some() && of(Errno::EDQUOT).is_some());
        assert_eq!((of(Errno::EACCES), of(Errno::EROFS), advice("")), (None, None, None));
    }
}
