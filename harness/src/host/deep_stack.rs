//! Work that calls itself as deep as its input is nested, on a stack that is large enough.

use std::thread;

/// The parser and the evaluator of expressions take up to 100 kB a level in a debug build. Only what is used of it
/// becomes memory.
const STACK: usize = 64 << 20;

/// Does `work` on a thread of its own and waits for it.
///
/// # Errors
/// There is no such thread, or the work panicked.
pub fn with_deep_stack<T: Send>(work: impl FnOnce() -> T + Send) -> Result<T, &'static str> {
    thread::scope(|scope| {
        let thread = thread::Builder::new().stack_size(STACK).spawn_scoped(scope, work);
        thread.map_err(|_| "there is no thread for it")?.join().map_err(|_| "damonlab cannot compute it")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deep(levels: u32) -> u64 {
        let frame = std::hint::black_box([u64::from(levels); 256]);
        if levels == 0 { 0 } else { frame[3] - frame[4] + 1 + deep(levels - 1) }
    }

    #[test]
    fn work_has_a_stack_that_a_thread_of_a_test_does_not_have() {
        // 2 kB a level.
        assert_eq!(with_deep_stack(|| deep(8_000)), Ok(8_000));
    }
}
