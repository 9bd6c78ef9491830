//! The table of invariants: what every run is held to.

use crate::check::log::kernel_log;
use crate::check::rule::{Kind, REAL_CLOCK, Reason, RuleResult};
use crate::check::{health, text};
use crate::scenario::GuestClock;
use crate::subject::damon::oracle;
use crate::subject::damon::rules::{
    ages, apply, charge_resume, counters, filters, goal_stuck_at_zero, goal_sums, goal_vs_pages, goals,
    migration, pause, placement, probes, quota, region_count, regions, stats, sysfs, tuning,
};
use crate::subject::damon::view::View;

/// One rule that every run is held to.
#[derive(Debug)]
pub struct Invariant {
    /// Its name in reports.
    pub id: &'static str,
    /// The rule, in one sentence.
    pub statement: &'static str,
    /// How strict it is.
    pub kind: Kind,
    /// How it follows from the source, in a sentence or two.
    pub because: &'static str,
    /// The kernel functions that it follows from, or the part of damonlab that owes it.
    pub source: &'static str,
    /// When it applies.
    pub when: &'static str,
    pub(super) judge: fn(&View<'_>) -> RuleResult,
}

impl Invariant {
    /// Why it cannot be said of a run on this clock, if so.
    pub(super) fn not_on(&self, clock: GuestClock) -> Option<Reason> {
        let needs_virtual_time = self.kind == Kind::Timed;
        (needs_virtual_time && !clock.is_virtual()).then(|| REAL_CLOCK.to_owned())
    }
}

macro_rules! table {
    ($($id:literal $kind:ident $judge:expr, $statement:literal, because $because:literal, from $source:literal, when $when:literal;)+) => {
        /// Every invariant, by family. Those of the guest come first: a kernel that crashed or a trace with
        /// holes makes the rest doubtful.
        pub static INVARIANTS: &[Invariant] = &[$(Invariant {
            id: $id,
            statement: $statement,
            kind: Kind::$kind,
            because: $because,
            source: $source,
            when: $when,
            judge: $judge,
        },)+];
    };
}

table! {
    "K1" Exact |view| kernel_log::k1(view.recording),
        "The kernel log has no warning, bug, oops or sanitizer report.",
        because "A right kernel warns of nothing in a scenario that a user may run.",
        from "lib/bug.c, kernel/panic.c, arch/x86/mm/fault.c, mm/kasan/report.c",
        when "always";
    "K3" Timed |view| kernel_log::k3(view.recording),
        "The kernel log has no hung task, stall or lockup.",
        because "Virtual time stands still while the host is busy, so nothing in the guest waits long without a reason.",
        from "kernel/hung_task.c, kernel/rcu/tree_stall.h, kernel/watchdog.c, kernel/workqueue.c",
        when "always";
    "guest-error" Exact |view| health::guest_error(view.recording),
        "The guest carried the plan out without an error.",
        because "The guest stops at the first thing that it cannot do, and says so.",
        from "damonlab-guest",
        when "always";
    "incomplete" Exact |view| health::incomplete(view.recording),
        "Every step of the plan has an outcome.",
        because "Each step leaves an outcome when it is done.",
        from "damonlab-guest",
        when "always";
    "K2" Exact |view| health::k2(view.recording),
        "A configuration or a value is refused with the errno that the scenario names, and accepted where it names none.",
        because "Values are tested when they are written, configurations when they are committed, each rule with an errno of its own.",
        from "mm/damon/sysfs.c: state_store, mm/damon/core.c: damon_commit_ctx",
        when "the plan has a start, a commit or a write";
    "trace-lost" Exact |view| health::trace_lost(view.recording),
        "The ring buffer lost no event.",
        because "The buffer counts what it overwrites and drops; the scenario asks for one that is large enough.",
        from "kernel/trace/ring_buffer.c",
        when "always";
    "trace-unreadable" Exact |view| health::trace_unreadable(view.recording),
        "Every line of the trace is an event in a print format that damonlab knows.",
        because "The text of an event is its print format with the values filled in.",
        from "include/trace/events/damon.h, kernel/trace/trace_output.c",
        when "always";
    "P1" Exact |view| text::p1(view.recording),
        "The text of every event says what the ring buffer's record of it says: event, CPU, pid, time, fields.",
        because "The text is rendered from the record when it is read, by the event's print format alone.",
        from "include/trace/events/damon.h: TP_printk, kernel/trace/trace_output.c",
        when "the recording has trace.raw and a trace without holes";
    "P2" Exact pause::p2,
        "A paused kdamond leaves no event.",
        because "The loop stands still right after it took the commit, before schemes are applied and regions are told.",
        from "kdamond_fn, damon_commit_ctx",
        when "a step or the configuration pauses DAMON";
    "G1" Exact goals::g1,
        "A measured goal has ctx_idx 0, a configured scheme and nid, a target of at least 1 and a value of at most 10000.",
        because "The metric is node_eligible * 10000 / total of one walk, a target of 0 is left out by sysfs, and a kdamond has one context.",
        from "damos_get_node_eligible_mem_bp",
        when "damos_node_eligible_mem_bp is recorded";
    "G2" Exact goals::g2,
        "Goals are measured with the configured nid and target, in the configured order.",
        because "Goals are kept in a list in the order of sysfs, and each measures for itself.",
        from "damos_quota_score, damos_commit_quota_goal",
        when "damos_node_eligible_mem_bp is recorded";
    "G3" Exact goals::g3,
        "A scheme's goals are measured together, and its damos_esz follows them before anything else.",
        because "The score is the highest of all goals, measured one after the other by the only task that there is, right before the quota is set.",
        from "damos_adjust_quota",
        when "a scheme has a node_eligible_mem_bp goal and its event is recorded";
    "G4" Conditional goal_sums::g4,
        "Goals of one access pattern that are measured in one pass are shares of one whole: 10000 over all nodes, or 0.",
        because "Both walks count the same regions, by node; each share is rounded down. Each walk is a snapshot of its own, so one pass may be off by 100, but not two in a row.",
        from "damos_get_node_eligible_mem_bp, damos_calc_eligible_bytes",
        when "two goals with one access pattern are measured in one pass; paddr";
    "G6" Windowed goal_stuck_at_zero::g6,
        "A goal does not read 0 window after window while memory with the scheme's pattern is on its node.",
        because "A region is seen accessed where a page on the LRU list is; the metric counts those pages. One tenth of the eligible memory in 5 windows in a row leaves no room for rounding.",
        from "damos_calc_eligible_bytes, damon_pa_check_accesses",
        when "damon_aggregated shows memory with the pattern on the goal's node; paddr";
    "G7" Timed goals::g7,
        "A charge window starts at the first apply tick after reset_interval, not before and not later.",
        because "A window ends when reset_interval has passed, which is looked at in each pass of the scheme.",
        from "damos_adjust_quota",
        when "a scheme has a node_eligible_mem_bp goal and its event is recorded";
    "X2" Conditional goal_sums::x2,
        "Two temporal schemes that want shares of one whole never both have a quota from one snapshot.",
        because "If two shares make 10000 and two targets do not exceed it, at least one share is at its target, and the temporal tuner gives that scheme 0.",
        from "damos_goal_tune_esz_bp_temporal, damos_quota_score",
        when "two schemes have one temporal goal each on different nodes, and their shares make one whole";
    "Q1" Exact oracle::q1,
        "With the temporal tuner the quota is 0 when a goal is reached, else whole; it is told when it changes.",
        because "The tuner knows all or nothing: the score is computed from the measurements that the trace tells.",
        from "damos_goal_tune_esz_bp_temporal, damos_set_effective_quota",
        when "goals are node_eligible_mem_bp or user_input, there is no time quota, both events are recorded";
    "Q2" Exact oracle::q2,
        "With the consist tuner the quota follows the feedback loop exactly; it is told when it changes.",
        because "The loop is integer arithmetic on the score and on its own last value; both are known from the first window on.",
        from "damos_goal_tune_esz_bp_consist, damon_feed_loop_next_input, damos_set_effective_quota",
        when "goals are node_eligible_mem_bp or user_input, there is no time quota, both events are recorded";
    "Q3" Exact quota::q3,
        "A scheme whose quota is less than a page acts on nothing.",
        because "A quota with less than one smallest region left is full, and full quotas are looked at before each region.",
        from "damos_quota_is_full",
        when "the scheme has a quota; damos_esz and damos_before_apply are recorded";
    "Q4" Exact quota::q4,
        "In one charge window a scheme acts on no more bytes than its quota.",
        because "A region is split where the quota ends, and a window begins with nothing charged.",
        from "damos_apply_scheme, damos_charge_quota",
        when "windows are visible (node_eligible_mem_bp goal) and failures are charged in full";
    "Q5" Exact quota::q5,
        "The effective quota is never above the size quota, nor below a page for a time quota alone.",
        because "The effective quota is the least of what size, time and goals allow.",
        from "damos_set_effective_quota",
        when "bytes or ms is set and damos_esz is recorded";
    "Q6" Exact sysfs::q6,
        "effective_bytes in sysfs is the quota that damos_esz told last.",
        because "The event is told whenever the quota changes, and sysfs copies the same field between two passes.",
        from "damos_sysfs_update_effective_quotas, damos_trace_esz",
        when "damos_esz is recorded and sysfs is read while the kdamond runs";
    "Q7" Exact counters::q7,
        "qt_exceeds counts the charge windows that ended with their quota used up.",
        because "It is counted when a window starts, once a pass at most, if less than a page of the last window's quota is left of what was charged.",
        from "damos_adjust_quota, damos_quota_is_full, damos_charge_quota",
        when "damos_stat_after_apply_interval is recorded; counted to the window where Q4 applies, else once a pass";
    "S1" Exact stats::s1,
        "A scheme's statistics never fall, and come once in the samples of an apply interval.",
        because "The kernel only adds to them, and counts intervals in samples.",
        from "damos_update_stat, damos_set_next_apply_sis",
        when "damos_stat_after_apply_interval is recorded";
    "S2" Exact stats::s2,
        "nr_tried and sz_tried grow by the regions that damos_before_apply shows.",
        because "Both are counted and traced for the same regions: those that the core filters let through.",
        from "damos_apply_scheme",
        when "damos_before_apply and damos_stat_after_apply_interval are recorded";
    "S3" Conditional counters::s3,
        "A pass applies no more regions than it tried, and no more bytes than passed its filters; stat applies nothing.",
        because "Each tried region is applied once or not at all, and an action takes of a region what its filters let pass. A large folio counts whole, so bytes are compared without huge pages only.",
        from "damos_update_stat, damon_pa_migrate, damon_pa_pageout, damon_pa_stat",
        when "damos_stat_after_apply_interval is recorded; bytes for paddr without huge pages";
    "S4" Exact sysfs::s4,
        "A scheme's statistics in sysfs are those that its event told last.",
        because "The kernel copies them between two passes, and each pass that may change them ends with the event.",
        from "damon_sysfs_upd_schemes_stats, kdamond_call, damos_trace_stat",
        when "damos_stat_after_apply_interval is recorded and sysfs is read while the kdamond runs";
    "S5" Exact counters::s5,
        "A scheme takes no more than max_nr_snapshots snapshots, and does not act after the last one.",
        because "The count is compared before each region, and grows by one at the end of a target's regions.",
        from "damon_do_apply_schemes",
        when "max_nr_snapshots is set";
    "S6" Timed stats::s6,
        "A scheme's statistics come an apply interval apart at least.",
        because "A sleep is never shorter than asked, and an interval is a number of samples.",
        from "kdamond_fn, kdamond_usleep, damos_set_next_apply_sis",
        when "damos_stat_after_apply_interval is recorded, intervals are not tuned";
    "A1" Exact apply::a1,
        "A region that is acted on has the scheme's access pattern.",
        because "The pattern is looked at with the same moving sum that is traced; a quota or filter may make the region smaller afterwards.",
        from "__damos_valid_target",
        when "damos_before_apply is recorded";
    "A2" Exact filters::a2,
        "An action stays where the scheme's core filters let it, and never goes over the border of one.",
        because "Regions are split at the borders of an addr filter; the first filter that is about a region decides, else the contrary of the last one, unless there are ops filters.",
        from "damos_core_filter_out, damos_filter_match, damos_set_filters_default_reject",
        when "the scheme has addr or target filters and acts; damos_before_apply is recorded";
    "A3" Exact apply::a3,
        "Every event comes from a kdamond of the plan, and names a scheme and a target that it has.",
        because "The tracepoints count the position in the kernel's lists, which are in the order of sysfs.",
        from "damos_apply_scheme, damos_trace_esz, damos_trace_stat",
        when "a DAMON event is recorded";
    "A4" Exact apply::a4,
        "A region that is acted on is whole pages inside its target, and a pass goes upwards.",
        because "Regions keep the alignment of the ranges they are split from, and a pass walks the list in order.",
        from "damos_apply_target, damon_split_region_at",
        when "damos_before_apply is recorded";
    "A5" Conditional ages::a5,
        "What a scheme acted on is 0 aggregations old, unless the action is stat.",
        because "The age is set back with the action, and later in the same iteration regions of equal age only are merged.",
        from "damos_apply_scheme, damos_apply_target",
        when "passes fall on aggregations; damos_before_apply and damon_aggregated are recorded";
    "A6" Conditional charge_resume::a6,
        "After its quota was used up a scheme goes on where it stopped, and leaves nothing out.",
        because "The end of the last region is kept, and the next window skips what ends before it. What follows has the priority of what is acted on if it is as old and as often accessed.",
        from "damos_apply_scheme, damos_skip_charged_region",
        when "windows are visible, a quota was used up and the next window acted";
    "R1" Exact regions::r1,
        "An aggregation tells nr_regions regions of a target, in a row, sorted and disjoint.",
        because "One loop prints the whole list, with its length; regions are kept sorted.",
        from "kdamond_reset_aggregated",
        when "damon_aggregated is recorded";
    "R2" Exact regions::r2,
        "The regions of an aggregation cover exactly the configured ranges.",
        because "Splitting and merging neighbours keeps the union as it is.",
        from "damon_set_regions, damon_merge_two_regions, damon_split_region_at",
        when "damon_aggregated is recorded; paddr or fvaddr";
    "R3" Exact regions::r3,
        "A region is seen accessed at most once a sample; never when probes have weights.",
        because "Each sample adds one at most to a region; with weights nothing is checked for accesses.",
        from "damon_update_region_access_rate",
        when "damon_aggregated is recorded, intervals are not tuned";
    "R4" Exact ages::r4,
        "A region gets older by at most 1 an aggregation, and is at most 1 old in the first.",
        because "The age is counted once an aggregation, and merging takes a mean, which is never above the oldest. Schemes may split what was merged, so neighbours with as many accesses are looked at together.",
        from "damon_merge_regions_of, damon_merge_two_regions, damon_split_region_at",
        when "damon_aggregated is recorded, intervals are not tuned";
    "R5" Conditional region_count::r5,
        "There are at most max_nr_regions regions that differ, and none is so large that there could be fewer than min_nr_regions.",
        because "Neighbours are merged until there are few enough, and large regions are split. Afterwards only an action makes regions differ, at two borders.",
        from "kdamond_merge_regions, damon_apply_min_nr_regions, damon_region_sz_limit",
        when "damon_aggregated is recorded; the maximum where it is at least twice the minimum, and ranges are fixed";
    "R6" Conditional ages::r6,
        "Memory that is no longer accessed, or that now is, is not older than before.",
        because "An age is set back when accesses begin or end. A region that was merged afterwards may have a part that did not turn, but never so large that its accesses would not show.",
        from "damon_merge_regions_of, damon_merge_two_regions",
        when "damon_aggregated is recorded, intervals are not tuned; paddr or fvaddr; probes have no weights";
    "R7" Exact probes::r7,
        "damon_region_aggregated repeats damon_aggregated, with no more hits of a probe than samples.",
        because "One loop prints both of each region, and a sample adds one to a probe's hits at most.",
        from "kdamond_reset_aggregated, damon_pa_apply_probes",
        when "probes are installed and both events are recorded";
    "T1" Exact tuning::t1,
        "A tuned sampling interval follows from the accesses of its aggregation, within its limits.",
        because "The score is the accesses seen against those wanted, and what it looked at is traced right after; intervals shrink to a half or grow to twice at most.",
        from "kdamond_tune_intervals, damon_get_intervals_adaptation_bp, damon_get_intervals_score",
        when "intervals are tuned; replayed where an aggregation's samples divide 10000";
    "M1" Exact migration::m1,
        "In each pass a migrate scheme's sz_applied grows by the pages that migrate_pages moved for it.",
        because "migrate_pages returns the number that it tells of, and DAMON counts that as applied.",
        from "damon_migrate_pages, migrate_pages, damos_update_stat",
        when "a scheme migrates; mm_migrate_pages, damos_before_apply and damos_stat_after_apply_interval are recorded";
    "M2" Exact migration::m2,
        "pgmigrate_success and pgmigrate_fail grow by what mm_migrate_pages tells; DAMON moves no pgpromote_ or pgdemote_ counter.",
        because "The event is told right after the counters are moved, by the only function that moves them.",
        from "migrate_pages, migrate_misplaced_folio, demote_folio_list",
        when "mm_migrate_pages is recorded";
    "M3" Windowed placement::m3,
        "A node gains the workloads' pages that were moved to it less those that were moved away, and none is lost.",
        because "A moved page is mapped where it went; what is under way while a sample is taken is bounded by the batch.",
        from "damon_migrate_pages, alloc_migration_target, fs/proc/task_mmu.c: show_numa_map",
        when "schemes only migrate or count, no step changes memory, migrations are recorded and DAMON's";
    "M4" Exact placement::m4,
        "No page is left isolated when DAMON has stopped.",
        because "What is isolated for a migration is put back, moved or not; only what a CPU keeps to itself is not counted.",
        from "damon_pa_migrate, damon_migrate_folio_list: folio_putback_lru",
        when "the plan ends with a stop";
    "G5" Windowed goal_vs_pages::g5,
        "Over many windows a node_eligible_mem_bp goal measures the share of the workloads' pages that is on its node.",
        because "What the pattern takes is what the workloads touch, so the metric's walk and the page tables count the same pages.",
        from "damos_get_node_eligible_mem_bp, damos_calc_eligible_bytes",
        when "paddr over the workloads' nodes, the pattern is all that is accessed, workloads touch all of their memory";
}
