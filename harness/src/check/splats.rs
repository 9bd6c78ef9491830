//! What a kernel prints when something is badly wrong: the patterns that K1 and K3 look for.
//!
//! Patterns are case-sensitive. They must not match what a healthy kernel prints while it boots:
//! `kasan: KernelAddressSanitizer initialized`, `Spectre V2 : WARNING: ...`, `[Firmware Bug]: ...`.

/// Where in a message a pattern stands.
#[derive(Debug, Clone, Copy)]
pub(super) enum Pattern {
    /// The message begins with it, after an optional `rcu: ` or `watchdog: `.
    Begins(&'static str),
    /// The message has it anywhere.
    Has(&'static str),
}

use Pattern::{Begins, Has};

/// Pattern, and what it is called in a finding.
pub(super) const SPLATS: &[(Pattern, &str)] = &[
    // lib/bug.c, kernel/panic.c: every WARN and BUG begins with it.
    (Has("------------[ cut here ]------------"), "a warning or a bug"),
    // kernel/panic.c: __warn; lockdep reports begin so too.
    (Begins("WARNING: "), "a warning"),
    // lib/bug.c: report_bug.
    (Has("kernel BUG at "), "a BUG()"),
    // Sanitizers, page table and scheduling checks: `BUG: KASAN: ...`, `BUG: scheduling while atomic`.
    (Begins("BUG: "), "a bug"),
    // arch/x86/kernel/dumpstack.c: die.
    (Has("Oops: "), "an oops"),
    // arch/x86/kernel/traps.c.
    (Has("general protection fault"), "a general protection fault"),
    // arch/x86/mm/fault.c; the arm64 and riscv wording after it.
    (Has("unable to handle page fault"), "a page fault in the kernel"),
    (Has("kernel NULL pointer dereference"), "a NULL pointer dereference"),
    (Has("Unable to handle kernel"), "a page fault in the kernel"),
    // kernel/panic.c.
    (Has("Kernel panic - not syncing"), "a panic"),
    // mm/kasan/report.c.
    (Has("BUG: KASAN: "), "a KASAN report"),
    // mm/kfence/report.c.
    (Has("BUG: KFENCE: "), "a KFENCE report"),
    // kernel/kcsan/report.c.
    (Has("BUG: KCSAN: "), "a KCSAN report"),
    // lib/ubsan.c: `UBSAN: shift-out-of-bounds in mm/damon/core.c:1:2`.
    (Has("UBSAN: "), "a UBSAN report"),
    // kernel/locking/lockdep.c.
    (Has("possible circular locking dependency detected"), "a lockdep report"),
    (Has("possible recursive locking detected"), "a lockdep report"),
    (Has("inconsistent lock state"), "a lockdep report"),
    (Has("suspicious RCU usage"), "a lockdep report"),
    (Has("bad unlock balance detected"), "a lockdep report"),
    (Has("held lock freed!"), "a lockdep report"),
    // kernel/sched/core.c.
    (Has("sleeping function called from invalid context"), "a sleep in atomic context"),
    (Has("scheduling while atomic"), "a sleep in atomic context"),
    // mm/page_alloc.c, mm/memory.c, kernel/fork.c.
    (Has("Bad page state in process"), "a bad page"),
    (Has("Bad page map in process"), "a bad page table"),
    (Has("Bad rss-counter state"), "a bad rss counter"),
    // lib/list_debug.c.
    (Has("list_add corruption"), "a corrupted list"),
    (Has("list_del corruption"), "a corrupted list"),
    // lib/refcount.c.
    (Has("refcount_t: "), "a broken reference count"),
    // lib/debugobjects.c.
    (Has("ODEBUG: "), "a misused object"),
    // mm/slub.c with slab debugging.
    (Has("Object already free"), "a double free"),
    (Has("Redzone overwritten"), "a slab overwrite"),
    // mm/kmemleak.c.
    (Has("new suspected memory leaks"), "a memory leak"),
    // mm/oom_kill.c: the workloads fit into the machine, so nothing may be killed for memory.
    (Has("invoked oom-killer"), "an out-of-memory kill"),
    // mm/page_alloc.c: warn_alloc.
    (Has("page allocation failure"), "a failed allocation"),
];

/// Reports of what took too long. They compare times: on the real clock a guest that its host did not
/// run can print them without fault.
pub(super) const STALLS: &[(Pattern, &str)] = &[
    // kernel/hung_task.c: `INFO: task kdamond.0:52 blocked for more than 122 seconds.`
    (Has(" blocked for more than "), "a hung task"),
    // kernel/hung_task.c, when the wait is in I/O.
    (Has(" blocked in I/O wait for more than "), "a hung task"),
    // kernel/rcu/tree_stall.h: `rcu: INFO: rcu_preempt detected stalls on CPUs/tasks:`.
    (Has(" detected stalls on CPUs/tasks"), "an RCU stall"),
    // kernel/rcu/tree_exp.h.
    (Has(" detected expedited stalls on CPUs/tasks"), "an RCU stall"),
    // kernel/rcu/tree_stall.h.
    (Has(" self-detected stall on CPU"), "an RCU stall"),
    // kernel/watchdog.c: `watchdog: BUG: soft lockup - CPU#0 stuck for 26s!`
    (Has("soft lockup - CPU#"), "a soft lockup"),
    // kernel/watchdog.c: hard lockup detector.
    (Has("hard LOCKUP on cpu"), "a hard lockup"),
    // kernel/workqueue.c: watchdog.
    (Has("workqueue lockup"), "a stalled workqueue"),
];
