//! A command line without the folder of the run that it was composed for.

/// Stands for the folder. No path and no option of QEMU's has it.
pub(super) const RUN: &str = "@RUN@";

/// The words with [`RUN`] for `folder`.
pub(super) fn of_folder(argv: &[String], folder: &str) -> Vec<String> {
    argv.iter().map(|word| word.replace(folder, RUN)).collect()
}

/// The words for a run in `folder`.
pub(super) fn in_folder(argv: &[String], folder: &str) -> Vec<String> {
    argv.iter().map(|word| word.replace(RUN, folder)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_move_from_one_folder_to_another() {
        let first = ["-qmp".to_owned(), "unix:/tmp/d-0/run-a/qmp.sock,server=on".to_owned()];
        let kept = of_folder(&first, "/tmp/d-0/run-a");
        assert!(!kept.concat().contains("run-a"), "{kept:?}");
        assert_eq!(in_folder(&kept, "/t/run-b")[1], "unix:/t/run-b/qmp.sock,server=on");
    }
}
