//! The ways for a run to end before it has given all of its results. They are not rules about the kernel: each
//! means that the rest of the recording is incomplete.

/// How a run ended, where it did not end well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunEnd {
    /// The guest could not carry out the plan.
    GuestError,
    /// Steps of the plan have no result.
    Incomplete,
    /// The kernel panicked.
    Panic,
    /// QEMU ended before the results were out.
    GuestLost,
    /// A clock of the run ran out.
    Clock,
    /// The console did not stop printing.
    Babble,
    /// The results are damaged.
    BadResults,
    /// The kernel misses what its series has.
    LostFeature,
}

impl RunEnd {
    /// All of them.
    pub const ALL: [RunEnd; 8] = [
        RunEnd::GuestError,
        RunEnd::Incomplete,
        RunEnd::Panic,
        RunEnd::GuestLost,
        RunEnd::Clock,
        RunEnd::Babble,
        RunEnd::BadResults,
        RunEnd::LostFeature,
    ];

    /// The id in reports and stored results.
    pub fn id(self) -> &'static str {
        self.id_and_meaning().0
    }

    /// What it means for the recording, in a sentence or two.
    pub fn meaning(self) -> &'static str {
        self.id_and_meaning().1
    }

    fn id_and_meaning(self) -> (&'static str, &'static str) {
        match self {
            RunEnd::GuestError => (
                "guest-error",
                "The guest agent could not carry out a part of the plan. What depends on that part shows nothing about the kernel.",
            ),
            RunEnd::Incomplete => (
                "incomplete",
                "The recording has no result for some steps of the plan, although no start was refused.",
            ),
            RunEnd::Panic => ("panic", "The kernel panicked. The recording ends there."),
            RunEnd::GuestLost => {
                ("guest-lost", "The guest ended before its results were out: it rebooted, or QEMU exited.")
            }
            RunEnd::Clock => (
                "clock",
                "The guest did not reach the next phase within the wall-clock limit: it hangs, or the host is too slow for it.",
            ),
            RunEnd::Babble => ("babble", "The console did not stop printing, so damonlab ended the guest."),
            RunEnd::BadResults => (
                "bad-results",
                "The results that came out of the guest are damaged, incomplete or cannot be read.",
            ),
            RunEnd::LostFeature => (
                "lost-feature",
                "The kernel does not have a file, a keyword or a tracepoint of DAMON that every kernel of its series has. What needs it did not run.",
            ),
        }
    }
}
