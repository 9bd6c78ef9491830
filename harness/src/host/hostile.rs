//! Text for tests of what is printed: whatever somebody could send to cheat a terminal or whoever reads it.

use proptest::prelude::*;

/// What a terminal or a program that reads reports obeys, what looks like a line of a report, and what is not text.
const PIECES: [&str; 32] = [
    "\nPASS  fake\n",
    "\n1 passed in 0.1 s\n",
    "PASS  idle",
    "FAIL",
    "INFRA  \u{1b}[2K",
    "\n  violated        fake (K1)\n",
    "\r",
    "\u{8}\u{8}\u{8}",
    "\u{1b}[31m",
    "\u{1b}[2J\u{1b}[H",
    "\u{1b}]0;title\u{7}",
    "\u{1b}]8;;http://a\u{1b}\\",
    "\u{1b}Pq#0\u{1b}\\",
    "\u{9b}31m",
    "\u{202e}\u{2066}",
    "\u{2028}SKIP\u{85}UNSTABLE",
    "\u{200b}\u{feff}\u{e0041}",
    "\0\u{7f}\t",
    "\"\\'{}",
    "漢é\u{301}",
    // What JUnit, KTAP, Markdown and the runner of a workflow give a meaning to.
    "]]></system-out><failure/>&amp;",
    "\nok 1 fake\n",
    "\n# Subtest: fake\n",
    "\nKTAP version 1\n1..9\n",
    " # SKIP fake",
    "Kernel panic - not syncing: VFS: reboot: System halted",
    "\n- x",
    "\n````\n| a | b |\n",
    "<script>*_[x](http://a)@b",
    "\n::error file=a,line=1::fake\n",
    "##[add-mask]fake",
    "%0A::stop-commands::x",
];

/// Any such text; one in some is long.
pub(crate) fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => prop::sample::select(&PIECES[..]).prop_map(str::to_owned),
        1 => prop::collection::vec(any::<char>(), 0..8).prop_map(String::from_iter),
        1 => prop::collection::vec(any::<u8>(), 0..8).prop_map(|bytes| String::from_utf8_lossy(&bytes).into_owned()),
    ];
    let times = prop_oneof![8 => Just(1usize), 1 => 2..600usize];
    (prop::collection::vec(piece, 0..6), times).prop_map(|(pieces, times)| pieces.concat().repeat(times))
}
