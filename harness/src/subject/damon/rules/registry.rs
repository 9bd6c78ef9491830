//! The rules about DAMON, in the order of reports.

use super::{
    ages, apply, charge_resume, counters, filters, goal_stuck_at_zero, goal_sums, goal_vs_pages, goals,
    migration, pause, placement, probes, quota, region_count, regions, stats, sysfs, tuning,
};
use crate::subject::damon::oracle;
use crate::subject::damon::rule::DamonRule;

/// Every rule.
pub(crate) static RULES: &[&DamonRule] = &[
    &pause::PAUSE_IS_SILENT,
    &goals::GOAL_FIELDS_ARE_IN_RANGE,
    &goals::GOALS_MATCH_CONFIGURATION,
    &goals::GOALS_PRECEDE_QUOTA,
    &goal_sums::GOAL_SHARES_MAKE_A_WHOLE,
    &goal_stuck_at_zero::GOAL_IS_NOT_STUCK_AT_ZERO,
    &goals::CHARGE_WINDOWS_START_ON_TIME,
    &goal_sums::COMPLEMENTARY_SCHEMES_TAKE_TURNS,
    &oracle::TEMPORAL_QUOTA_IS_ALL_OR_NOTHING,
    &oracle::CONSIST_QUOTA_FOLLOWS_FEEDBACK,
    &quota::QUOTA_BELOW_PAGE_STOPS_ACTION,
    &quota::WINDOW_STAYS_WITHIN_QUOTA,
    &quota::EFFECTIVE_QUOTA_IS_WITHIN_LIMITS,
    &sysfs::SYSFS_QUOTA_MATCHES_TRACE,
    &counters::QT_EXCEEDS_COUNTS_FULL_WINDOWS,
    &stats::STATS_ADVANCE_EACH_INTERVAL,
    &stats::TRIED_MATCHES_BEFORE_APPLY,
    &counters::APPLIED_IS_AT_MOST_TRIED,
    &sysfs::SYSFS_STATS_MATCH_TRACE,
    &counters::MAX_NR_SNAPSHOTS_IS_RESPECTED,
    &stats::APPLY_INTERVALS_ARE_KEPT,
    &apply::APPLIED_REGIONS_MATCH_PATTERN,
    &filters::ACTIONS_RESPECT_CORE_FILTERS,
    &apply::EVENTS_MATCH_CONFIGURATION,
    &apply::APPLIED_REGIONS_ARE_WHOLE_PAGES,
    &ages::ACTION_RESETS_AGE,
    &charge_resume::CHARGE_RESUMES_WHERE_IT_STOPPED,
    &regions::REGIONS_ARE_SORTED_AND_DISJOINT,
    &regions::REGIONS_COVER_TARGETS,
    &regions::ACCESSES_ARE_AT_MOST_SAMPLES,
    &ages::AGE_GROWS_BY_ONE,
    &region_count::REGION_COUNT_IS_WITHIN_LIMITS,
    &ages::ACCESS_CHANGE_RESETS_AGE,
    &probes::PROBE_REGIONS_MATCH_REGIONS,
    &tuning::TUNED_INTERVAL_FOLLOWS_ACCESSES,
    &migration::APPLIED_MATCHES_MIGRATED,
    &migration::VMSTAT_MATCHES_MIGRATIONS,
    &placement::NODE_PAGES_MATCH_MIGRATIONS,
    &placement::NO_PAGE_STAYS_ISOLATED,
    &goal_vs_pages::GOAL_SHARE_MATCHES_PAGES,
];
