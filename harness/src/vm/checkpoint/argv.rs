//! A command line without the run folder that it was composed for.

/// The placeholder of the folder, which occurs in no path and in no option of QEMU.
pub(super) const RUN: &str = "@RUN@";

/// The arguments with [`RUN`] in place of `folder`.
pub(super) fn of_folder(argv: &[String], folder: &str) -> Vec<String> {
    argv.iter().map(|argument| argument.replace(folder, RUN)).collect()
}

/// The arguments for a run in `folder`.
pub(super) fn in_folder(argv: &[String], folder: &str) -> Vec<String> {
    argv.iter().map(|argument| argument.replace(RUN, folder)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_move_from_one_folder_to_another() {
        let first = ["-qmp".to_owned(), "unix:/tmp/d-0/run-a/qmp.sock,server=on".to_owned()];
        let stored = of_folder(&first, "/tmp/d-0/run-a");
        assert!(!stored.concat().contains("run-a"), "{stored:?}");
        assert_eq!(in_folder(&stored, "/t/run-b")[1], "unix:/t/run-b/qmp.sock,server=on");
    }
}
