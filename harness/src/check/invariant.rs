//! The table of invariants: what must hold in every run, why, and when it can be said.

use super::findings::Findings;
use super::view::{Life, View};
use super::{
    apply, goals, health, kernel_log, migration, oracle, pause, placement, quota, regions, share, stats, text,
};
use crate::scenario::GuestClock;
use damonlab_guest::damon::Scheme;
use std::collections::BTreeSet;

/// How an invariant follows from the kernel's source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It holds for every event of a right kernel.
    Exact,
    /// It compares times, and holds up to the granularity of a clock. On the real clock it cannot be
    /// said: a guest that the host does not run falls behind without being wrong.
    Timed,
}

/// One rule that every run is held to.
#[derive(Debug)]
pub struct Invariant {
    /// Its name in reports.
    pub id: &'static str,
    /// The rule, in one sentence.
    pub statement: &'static str,
    /// How strict it is.
    pub kind: Kind,
    /// The kernel functions that it follows from, or the part of damonlab that owes it.
    pub source: &'static str,
    /// When it applies.
    pub when: &'static str,
    pub(super) judge: fn(&View<'_>) -> Outcome,
}

impl Invariant {
    /// Why it cannot be said of a run on this clock, if so.
    pub(super) fn not_on(&self, clock: GuestClock) -> Option<Reason> {
        let needs_virtual_time = self.kind == Kind::Timed;
        (needs_virtual_time && !clock.is_virtual()).then(|| REAL_CLOCK.to_owned())
    }
}

/// What came of one invariant.
pub(super) enum Outcome {
    /// It could be checked; no finding means that it held.
    Applied(Findings),
    /// It could not be checked, for this reason.
    NotApplicable(String),
}

/// Why something cannot be checked.
pub(crate) type Reason = String;

/// Why nothing that compares times is asked of a run on the real clock.
pub const REAL_CLOCK: &str = "the run was on the real clock, on which a late guest is not a wrong one";

/// Checks each life of each kdamond; applies where it applies to one of them.
pub(super) fn each_life(view: &View<'_>, check: impl Fn(&Life<'_>) -> Result<Findings, Reason>) -> Outcome {
    gather(view.lives.iter().map(check))
}

/// Checks each scheme of each life.
pub(super) fn each_scheme(
    view: &View<'_>,
    check: impl Fn(&Life<'_>, usize, &Scheme) -> Result<Findings, Reason>,
) -> Outcome {
    gather(view.lives.iter().flat_map(|life| {
        let schemes = life.config.context.schemes.iter().enumerate();
        schemes.map(|(index, scheme)| check(life, index, scheme)).collect::<Vec<_>>()
    }))
}

fn gather(results: impl Iterator<Item = Result<Findings, Reason>>) -> Outcome {
    let mut findings = None::<Findings>;
    let mut reasons = BTreeSet::new();
    for result in results {
        match result {
            Ok(found) => findings.get_or_insert_default().append(found),
            Err(reason) => {
                reasons.insert(reason);
            }
        }
    }
    match findings {
        Some(findings) => Outcome::Applied(findings),
        None if reasons.is_empty() => Outcome::NotApplicable("no kdamond left an event".to_owned()),
        None => Outcome::NotApplicable(reasons.into_iter().collect::<Vec<_>>().join("; ")),
    }
}

macro_rules! table {
    ($($id:literal $kind:ident $judge:path, $statement:literal, from $source:literal, when $when:literal;)+) => {
        /// Every invariant, the weightiest first: a kernel that crashed or a trace with holes makes
        /// the rest doubtful.
        pub static INVARIANTS: &[Invariant] = &[$(Invariant {
            id: $id,
            statement: $statement,
            kind: Kind::$kind,
            source: $source,
            when: $when,
            judge: $judge,
        },)+];
    };
}

table! {
    "K1" Exact kernel_log::k1,
        "The kernel log has no warning, bug, oops or sanitizer report.",
        from "lib/bug.c, kernel/panic.c, arch/x86/mm/fault.c, mm/kasan/report.c", when "always";
    "K3" Timed kernel_log::k3,
        "The kernel log has no hung task, stall or lockup.",
        from "kernel/hung_task.c, kernel/rcu/tree_stall.h, kernel/watchdog.c, kernel/workqueue.c", when "always";
    "guest-error" Exact health::guest_error,
        "The guest carried the plan out without an error.",
        from "damonlab-guest", when "always";
    "incomplete" Exact health::incomplete,
        "Every step of the plan has an outcome.",
        from "damonlab-guest", when "always";
    "K2" Exact health::k2,
        "A configuration or a value is refused with the errno that the scenario names, and accepted where it names none.",
        from "mm/damon/sysfs.c: state_store, mm/damon/core.c: damon_commit_ctx",
        when "the plan has a start, a commit or a write";
    "trace-lost" Exact health::trace_lost,
        "The ring buffer lost no event.",
        from "kernel/trace/ring_buffer.c", when "always";
    "trace-unreadable" Exact health::trace_unreadable,
        "Every line of the trace is an event in a print format that damonlab knows.",
        from "include/trace/events/damon.h, kernel/trace/trace_output.c", when "always";
    "P1" Exact text::p1,
        "The text of every event says what the ring buffer's record of it says: event, CPU, pid, time, fields.",
        from "include/trace/events/damon.h: TP_printk, kernel/trace/trace_output.c",
        when "the recording has trace.raw and a trace without holes";
    "G1" Exact goals::g1,
        "A measured goal has ctx_idx 0, a configured scheme and nid, a target of at least 1 and a value of at most 10000.",
        from "damos_get_node_eligible_mem_bp", when "damos_node_eligible_mem_bp is recorded";
    "G2" Exact goals::g2,
        "Goals are measured with the configured nid and target, in the configured order.",
        from "damos_quota_score, damos_commit_quota_goal", when "damos_node_eligible_mem_bp is recorded";
    "G3" Exact goals::g3,
        "A scheme's goals are measured together, and its damos_esz follows them before anything else.",
        from "damos_adjust_quota", when "a scheme has a node_eligible_mem_bp goal and its event is recorded";
    "G7" Timed goals::g7,
        "A charge window starts at the first apply tick after reset_interval, not before and not later.",
        from "damos_adjust_quota", when "a scheme has a node_eligible_mem_bp goal and its event is recorded";
    "Q1" Exact oracle::q1,
        "With the temporal tuner the quota is 0 when a goal is reached, else whole; it is told when it changes.",
        from "damos_goal_tune_esz_bp_temporal, damos_set_effective_quota",
        when "goals are node_eligible_mem_bp or user_input, there is no time quota, both events are recorded";
    "Q2" Exact oracle::q2,
        "With the consist tuner the quota follows the feedback loop exactly; it is told when it changes.",
        from "damos_goal_tune_esz_bp_consist, damon_feed_loop_next_input, damos_set_effective_quota",
        when "goals are node_eligible_mem_bp or user_input, there is no time quota, both events are recorded";
    "Q3" Exact quota::q3,
        "A scheme whose quota is less than a page acts on nothing.",
        from "damos_quota_is_full", when "the scheme has a quota; damos_esz and damos_before_apply are recorded";
    "Q4" Exact quota::q4,
        "In one charge window a scheme acts on no more bytes than its quota.",
        from "damos_apply_scheme, damos_charge_quota",
        when "windows are visible (node_eligible_mem_bp goal) and failures are charged in full";
    "Q5" Exact quota::q5,
        "The effective quota is never above the size quota, nor below a page for a time quota alone.",
        from "damos_set_effective_quota", when "bytes or ms is set and damos_esz is recorded";
    "S1" Exact stats::s1,
        "A scheme's statistics never fall, and come once in the samples of an apply interval.",
        from "damos_update_stat, damos_set_next_apply_sis", when "damos_stat_after_apply_interval is recorded";
    "S3" Timed stats::s3,
        "A scheme's statistics come an apply interval apart at least.",
        from "kdamond_fn, kdamond_usleep, damos_set_next_apply_sis",
        when "damos_stat_after_apply_interval is recorded, intervals are not tuned";
    "S2" Exact stats::s2,
        "nr_tried and sz_tried grow by the regions that damos_before_apply shows.",
        from "damos_apply_scheme", when "damos_before_apply and damos_stat_after_apply_interval are recorded";
    "P1" Exact pause::p1,
        "A paused kdamond leaves no event.",
        from "kdamond_fn, damon_commit_ctx", when "a step or the configuration pauses DAMON";
    "A1" Exact apply::a1,
        "A region that is acted on has the scheme's access pattern.",
        from "__damos_valid_target", when "damos_before_apply is recorded";
    "A3" Exact apply::a3,
        "Every event comes from a kdamond of the plan, and names a scheme and a target that it has.",
        from "damos_apply_scheme, damos_trace_esz, damos_trace_stat", when "a DAMON event is recorded";
    "A4" Exact apply::a4,
        "A region that is acted on is whole pages inside its target, and a pass goes upwards.",
        from "damos_apply_target, damon_split_region_at", when "damos_before_apply is recorded";
    "R1" Exact regions::r1,
        "An aggregation tells nr_regions regions of a target, in a row, sorted and disjoint.",
        from "kdamond_reset_aggregated", when "damon_aggregated is recorded";
    "R2" Exact regions::r2,
        "The regions of an aggregation cover exactly the configured ranges.",
        from "damon_set_regions, damon_merge_two_regions, damon_split_region_at",
        when "damon_aggregated is recorded; paddr or fvaddr";
    "R3" Exact regions::r3,
        "A region is seen accessed at most once a sample; never when probes have weights.",
        from "damon_update_region_access_rate", when "damon_aggregated is recorded, intervals are not tuned";
    "M1" Exact migration::m1,
        "In each pass a migrate scheme's sz_applied grows by the pages that migrate_pages moved for it.",
        from "damon_migrate_pages, migrate_pages, damos_update_stat",
        when "a scheme migrates; mm_migrate_pages, damos_before_apply and damos_stat_after_apply_interval are recorded";
    "M2" Exact migration::m2,
        "pgmigrate_success and pgmigrate_fail grow by what mm_migrate_pages tells; DAMON moves no pgpromote_ or pgdemote_ counter.",
        from "migrate_pages, migrate_misplaced_folio, demote_folio_list", when "mm_migrate_pages is recorded";
    "M3" Exact placement::m3,
        "A node gains the workloads' pages that were moved to it less those that were moved away, and none is lost.",
        from "damon_migrate_pages, alloc_migration_target, fs/proc/task_mmu.c: show_numa_map",
        when "schemes only migrate or count, no step changes memory, migrations are recorded and DAMON's";
    "M4" Exact placement::m4,
        "No page is left isolated when DAMON has stopped.",
        from "damon_pa_migrate, damon_migrate_folio_list: folio_putback_lru", when "the plan ends with a stop";
    "G5" Exact share::g5,
        "Over many windows a node_eligible_mem_bp goal measures the share of the workloads' pages that is on its node.",
        from "damos_get_node_eligible_mem_bp, damos_calc_eligible_bytes",
        when "paddr over the workloads' nodes, the pattern is all that is accessed, workloads touch all of their memory";
}
