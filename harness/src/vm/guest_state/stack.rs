//! The functions that a CPU is in: a walk over the frame pointers of its stack. Pure.
//!
//! The kernel of damonlab has `CONFIG_UNWINDER_FRAME_POINTER`. Where the walk breaks off, because a kernel has no frame
//! pointers or the stack is damaged, the rest of the stack is searched for addresses in functions. Those may be remains of
//! earlier calls, and are marked with `?`, as the kernel does.

use super::memory::Memory;
use super::symbols::Symbols;

/// A walk is this long at most.
const FRAMES: usize = 64;

/// So much of a stack is searched.
const SEARCHED: u64 = 4096;

/// `struct pt_regs` of x86-64: where it has the frame pointer, the instruction pointer and the code segment, and its size.
const REGS_BP: u64 = 32;
const REGS_IP: u64 = 128;
const REGS_CS: u64 = 136;
const REGS_SIZE: u64 = 168;

/// A return address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Frame {
    pub address: u64,
    /// Whether it was found by a search, and may be of an earlier call.
    pub guessed: bool,
}

/// The functions of the kernel from the innermost one, that of `rip`.
pub(super) fn walk(memory: &mut Memory<'_>, symbols: &Symbols, rip: u64, rsp: u64, rbp: u64) -> Vec<Frame> {
    let mut frames = vec![Frame { address: rip, guessed: false }];
    let (mut at, mut pointer) = (rsp, rbp);
    while frames.len() < FRAMES {
        // The kernel marks the registers of an interrupted function by an odd frame pointer.
        let interrupted = pointer & 1 == 1;
        let place = pointer & !1;
        if pointer == 0 {
            return frames;
        }
        let words = match interrupted {
            true => (memory.word(place.wrapping_add(REGS_IP)), memory.word(place.wrapping_add(REGS_BP))),
            false => (memory.word(place.wrapping_add(8)), memory.word(place)),
        };
        let (Some(address), Some(next)) = words else { break };
        if interrupted && memory.word(place.wrapping_add(REGS_CS)).is_some_and(|segment| segment & 3 == 3) {
            return frames;
        }
        // A kernel thread ends with registers that are all 0.
        if address == 0 {
            return frames;
        }
        if !symbols.is_text(address) {
            break;
        }
        frames.push(Frame { address, guessed: false });
        at = place.wrapping_add(if interrupted { REGS_SIZE } else { 16 });
        // A pointer to itself would be followed until the limit.
        if next & !1 == place {
            break;
        }
        pointer = next;
    }
    search(memory, symbols, at, &mut frames);
    frames
}

fn search(memory: &mut Memory<'_>, symbols: &Symbols, from: u64, frames: &mut Vec<Frame>) {
    let from = from & !7;
    for offset in (0..SEARCHED).step_by(8) {
        let Some(address) = from.checked_add(offset).and_then(|place| memory.word(place)) else { return };
        if symbols.is_text(address) && frames.len() < FRAMES {
            frames.push(Frame { address, guessed: true });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::memory::tests::{STACK, TOP, with_stack};
    use super::super::symbols::tests::small;
    use super::*;

    const APPLY: u64 = 0xffff_ffff_8100_1010;
    const KDAMOND: u64 = 0xffff_ffff_8100_1500;
    const KTHREAD: u64 = 0xffff_ffff_8100_1900;

    /// `function` or `? function`, from the innermost one.
    fn names(words: &[(u64, u64)], rbp: u64) -> Vec<String> {
        let mut stack = with_stack(words);
        let symbols = small();
        let frames = walk(&mut Memory::new(&mut stack, TOP, 4), &symbols, APPLY, STACK + 0x10, rbp);
        let shown = |frame: &Frame| {
            let name = symbols.function(frame.address).map_or("none", |(name, _)| name);
            format!("{}{name}", if frame.guessed { "? " } else { "" })
        };
        frames.iter().map(shown).collect()
    }

    #[test]
    fn frame_pointers_lead_to_the_end_of_the_stack() {
        let words = [(0x20, STACK + 0x60), (0x28, KDAMOND), (0x40, APPLY), (0x60, 0), (0x68, KTHREAD)];
        assert_eq!(names(&words, STACK + 0x20), ["damos_apply_scheme", "kdamond_fn", "kthread"]);
    }

    #[test]
    fn the_function_that_was_interrupted_follows_the_interrupt() {
        let regs = 0x100;
        let words = [
            (0x20, STACK + regs + 1),
            (0x28, KDAMOND),
            (regs + REGS_BP, 0),
            (regs + REGS_IP, KTHREAD),
            (regs + REGS_CS, 0x10),
        ];
        assert_eq!(names(&words, STACK + 0x20), ["damos_apply_scheme", "kdamond_fn", "kthread"]);
        let mut program = words;
        program[4].1 = 0x33;
        program[3].1 = 0x40_0000;
        assert_eq!(names(&program, STACK + 0x20), ["damos_apply_scheme", "kdamond_fn"]);
    }

    #[test]
    fn without_frame_pointers_the_stack_is_searched_and_the_result_is_marked() {
        let words = [(0x18, 5), (0x30, KDAMOND), (0x40, KTHREAD)];
        assert_eq!(names(&words, 0x1234), ["damos_apply_scheme", "? kdamond_fn", "? kthread"]);
    }

    #[test]
    fn damaged_stacks_end_the_walk() {
        let itself = [(0x20, STACK + 0x20), (0x28, KDAMOND)];
        assert_eq!(names(&itself, STACK + 0x20), ["damos_apply_scheme", "kdamond_fn"]);
        for rbp in [u64::MAX, u64::MAX - 1, 1, 8] {
            assert_eq!(names(&[], rbp), ["damos_apply_scheme"], "{rbp:#x}");
        }
        let circle = [(0x20, STACK + 0x40), (0x28, KDAMOND), (0x40, STACK + 0x20), (0x48, KTHREAD)];
        assert_eq!(names(&circle, STACK + 0x20).len(), FRAMES);
    }
}
