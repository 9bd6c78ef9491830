//! Compares what DAMON reports as applied with what the migration core reports as moved: M1 and M2.
//!
//! `migrate_pages` itself emits `mm_migrate_pages`, once a call, in pages (a large folio counts with all of its pages),
//! right after it adds them to `pgmigrate_success` and `pgmigrate_fail`; nothing else adds to these. It returns the same
//! number to DAMON, so both rules are exact.

use super::stats;
use crate::check::finding::{Evidence, Violation};
use crate::check::subject::{Subject, bare};
use crate::check::violations::Violations;
use crate::recording::Line;
use crate::subject::damon::events::{BeforeApply, Stat};
use crate::subject::damon::events::{Event, MIGRATIONS};
use crate::subject::damon::rule::{
    About, DamonRule, Kind, Reason, Rule, RuleResult, Source, each_kdamond_run, in_core,
};
use crate::subject::damon::view::need_known_action;
use crate::subject::damon::view::{KdamondRun, PAGE, View};
use damonlab_protocol::damon::Scheme;
use damonlab_protocol::plan::Step;
use damonlab_protocol::record::{Sample, section};
use damonlab_protocol::units::{Bytes, Nanos};

/// One call of `migrate_pages`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Migration<'a> {
    pub(crate) line: &'a Line,
    /// Pages that were moved.
    pub(crate) succeeded: u64,
    /// Pages that were not.
    pub(crate) failed: u64,
    /// `damon`, `compaction`, `numa_misplaced` and so on.
    pub(crate) reason: &'a str,
}

impl<'a> Migration<'a> {
    fn of(line: &'a Line) -> Option<Result<Migration<'a>, Reason>> {
        let Event::Other(event) = &line.event else { return None };
        if *event.name != *bare(MIGRATIONS) {
            return None;
        }
        let value = |name: &str| event.fields().find(|(key, _)| *key == name).map(|(_, value)| value);
        let number = |name| value(name)?.parse().ok();
        let read = || {
            let (succeeded, failed) = (number("nr_succeeded")?, number("nr_failed")?);
            Some(Migration { line, succeeded, failed, reason: value("reason")? })
        };
        Some(
            read().ok_or_else(|| format!("line {} of the trace: {} cannot be read", line.number, event.name)),
        )
    }

    pub(crate) fn is_damons(&self) -> bool {
        self.reason == "damon"
    }
}

/// Every call of `migrate_pages`, whoever made it.
pub(crate) fn migrations<'a>(view: &View<'a>) -> Result<Vec<Migration<'a>>, Reason> {
    let recorded =
        view.recording.plan.trace.events.iter().any(|event| event == MIGRATIONS || event == "migrate:*");
    if !recorded || view.is_missing(MIGRATIONS) {
        return Err(format!("{} is not recorded", bare(MIGRATIONS)));
    }
    view.recording.trace.lines.iter().filter_map(Migration::of).collect()
}

/// The bytes that were moved for DAMON; none if migrations are not recorded.
pub(crate) fn migrated(view: &View<'_>) -> Option<Bytes> {
    let pages = migrations(view)
        .ok()?
        .iter()
        .filter(|one| one.is_damons())
        .fold(0u64, |sum, one| sum.saturating_add(one.succeeded));
    Some(Bytes(pages.saturating_mul(PAGE)))
}

pub(crate) fn migrates(scheme: &Scheme) -> bool {
    scheme.action.starts_with("migrate_") && need_known_action(scheme).is_ok()
}

/// An event of a kdamond, or a migration for it.
pub(crate) enum Emitted<'a> {
    Damon(&'a Line),
    Migration(Migration<'a>),
}

/// What a kdamond emitted while a configuration was in force, in order. The statistics of a scheme follow its
/// migrations, so no migration comes after the last event unless the trace was cut.
pub(crate) fn emitted<'a>(run: &KdamondRun<'a>, all: &[Migration<'a>]) -> Vec<Emitted<'a>> {
    let Some((first, last)) = run.lines.first().zip(run.lines.last()) else { return Vec::new() };
    let during = first.number..=last.number;
    let own = all
        .iter()
        .filter(|one| one.line.pid == run.pid && one.is_damons() && during.contains(&one.line.number));
    let mut all: Vec<(u32, Emitted<'a>)> =
        own.map(|one| (one.line.number, Emitted::Migration(*one))).collect();
    all.extend(run.lines.iter().map(|line| (line.number, Emitted::Damon(line))));
    all.sort_by_key(|(number, _)| *number);
    all.into_iter().map(|(_, one)| one).collect()
}

pub(crate) static APPLIED_MATCHES_MIGRATED: DamonRule = Rule {
    about: About {
        id: "M1",
        name: "applied-matches-migrated",
        kind: Kind::Exact,
        statement: "In each pass a migrate scheme's sz_applied grows by the pages that migrate_pages moved for it.",
        because: "migrate_pages returns the number that its event reports, and DAMON counts that as applied.",
        source: &[
            Source::function("mm/damon/ops-common.c", "damon_migrate_pages"),
            Source::function("mm/migrate.c", "migrate_pages"),
            in_core("damos_update_stat"),
        ],
        file: file!(),
        when: "a scheme migrates; mm_migrate_pages, damos_before_apply and damos_stat_after_apply_interval are recorded",
    },
    judge: applied_matches_migrated,
};

fn applied_matches_migrated(view: &View<'_>) -> RuleResult {
    each_kdamond_run(view, |run| {
        if !run.config.context.schemes.iter().any(migrates) {
            return Err("no scheme migrates".to_owned());
        }
        run.config.context.schemes.iter().try_for_each(need_known_action)?;
        view.need(&[BeforeApply::NAME, Stat::NAME])?;
        run.need_bytes()?;
        Ok(Passes::of(view, run).judge(&migrations(view)?))
    })
}

/// The migrations of each scheme since its last statistics.
struct Passes<'v, 'a> {
    run: &'v KdamondRun<'a>,
    schemes: Vec<Pass<'a>>,
    /// The scheme that acted on the last region.
    acting: Option<usize>,
    findings: Violations,
}

#[derive(Default, Clone)]
struct Pass<'a> {
    /// The last `sz_applied`.
    applied: u64,
    moved: u64,
    first: Option<&'a Line>,
}

impl<'v, 'a> Passes<'v, 'a> {
    fn of(view: &View<'a>, run: &'v KdamondRun<'a>) -> Self {
        let before = |index| stats::last_before(view, run, index).map_or(0, |(_, stat)| stat.sz_applied);
        let schemes = (0..run.config.context.schemes.len())
            .map(|index| Pass { applied: before(index), ..Pass::default() })
            .collect();
        Passes { run, schemes, acting: None, findings: Violations::default() }
    }

    fn judge(mut self, all: &[Migration<'a>]) -> Violations {
        for one in emitted(self.run, all) {
            match one {
                Emitted::Migration(one) => self.moved(one),
                Emitted::Damon(line) => match &line.event {
                    Event::BeforeApply(event) => self.acting = Some(event.scheme_idx as usize),
                    Event::Stat(stat) => self.counted(line, stat),
                    _ => {}
                },
            }
        }
        self.findings
    }

    fn moved(&mut self, one: Migration<'a>) {
        let migrates = |index: &usize| self.run.config.context.schemes.get(*index).is_some_and(migrates);
        let Some(index) = self.acting.filter(migrates) else {
            self.findings.push(|| {
                let expected = "pages to be moved only for a region on which a migrate scheme acts";
                Violation::new(expected, format!("{} pages moved without such a region", one.succeeded))
                    .at([one.line])
            });
            return;
        };
        self.schemes[index].moved += one.succeeded * PAGE;
        self.schemes[index].first.get_or_insert(one.line);
    }

    fn counted(&mut self, line: &'a Line, stat: &Stat) {
        let index = stat.scheme_idx as usize;
        if !self.run.config.context.schemes.get(index).is_some_and(migrates) {
            return;
        }
        let pass =
            std::mem::replace(&mut self.schemes[index], Pass { applied: stat.sz_applied, ..Pass::default() });
        // S1 requires that it never falls; if it does, counting starts again from there.
        let grown = stat.sz_applied.checked_sub(pass.applied).unwrap_or(stat.sz_applied);
        if grown != pass.moved {
            let name = self.run.scheme_name(index);
            self.findings.push(|| {
                let expected = format!(
                    "sz_applied of {name} to grow by the {} bytes that migrate_pages moved",
                    pass.moved
                );
                Violation::new(expected, format!("by {grown}")).at(pass.first.into_iter().chain([line]))
            });
        }
    }
}

pub(crate) static VMSTAT_MATCHES_MIGRATIONS: DamonRule = Rule {
    about: About {
        id: "M2",
        name: "vmstat-matches-migrations",
        kind: Kind::Exact,
        statement: "pgmigrate_success and pgmigrate_fail grow by what mm_migrate_pages reports; DAMON changes no pgpromote_ or pgdemote_ counter.",
        because: "The only function that changes the counters emits the event right after it changed them.",
        source: &[
            Source::function("mm/migrate.c", "migrate_pages"),
            Source::function("mm/migrate.c", "migrate_misplaced_folio"),
            Source::function("mm/vmscan.c", "demote_folio_list"),
        ],
        file: file!(),
        when: "mm_migrate_pages is recorded",
    },
    judge: vmstat_matches_migrations,
};

fn vmstat_matches_migrations(view: &View<'_>) -> RuleResult {
    let all = match migrations(view) {
        Ok(all) => all,
        Err(why) => return RuleResult::NotApplicable(why),
    };
    let Some(first) = first_sample(view) else {
        return RuleResult::NotApplicable("no sample was taken before DAMON started".to_owned());
    };
    let samples = &view.recording.samples;
    let mut findings = Violations::default();
    for at in first + 1..samples.len() {
        let until = samples.get(at + 1).map_or(Nanos(u64::MAX), |next| next.time);
        for (counter, pages) in COUNTED {
            findings.extend(uncounted(&all, samples, (first, at), until, counter, *pages));
        }
    }
    let has = |reason: &str| all.iter().any(|one| one.reason == reason);
    if let Some((last, number)) = samples.last().zip(u32::try_from(samples.len()).ok()) {
        for (prefix, reason) in ELSEWHERE.iter().filter(|(_, reason)| !has(reason)) {
            for (name, old) in samples[first].vmstat.iter().filter(|(name, _)| name.starts_with(prefix)) {
                let new = last.vmstat.get(name).copied().unwrap_or_default();
                if new != *old {
                    let expected = format!("{name} to stay at {old}: no page was moved for {reason}");
                    let mut finding = Violation::new(expected, new.to_string());
                    finding.evidence.push(Evidence::new(section::SAMPLES, number, &format!("{name} {new}")));
                    findings.extend([finding]);
                }
            }
        }
    }
    RuleResult::Applied(findings)
}

type Pages = fn(&Migration<'_>) -> u64;

/// A counter, and how many pages an event adds to it.
const COUNTED: &[(&str, Pages)] =
    &[("pgmigrate_success", |one| one.succeeded), ("pgmigrate_fail", |one| one.failed)];

/// Counters that only migrations for this reason change (`migrate_misplaced_folio`, `demote_folio_list`).
const ELSEWHERE: &[(&str, &str)] = &[("pgpromote_success", "numa_misplaced"), ("pgdemote_", "demotion")];

/// The sample that was taken right before the first start. Every migration after it is in the trace.
pub(crate) fn first_sample(view: &View<'_>) -> Option<usize> {
    let recording = view.recording;
    let start = recording.plan.steps.iter().position(|step| matches!(step, Step::Start { .. }))?;
    let begin = recording.report.steps.get(start)?.begin;
    recording.samples.iter().position(|sample| sample.time >= begin)
}

/// A counter's growth between two samples. A sample's time is taken before its counters are read, so it
/// includes all that was emitted before that time, and nothing that was emitted after the next sample.
fn uncounted(
    all: &[Migration<'_>],
    samples: &[Sample],
    (first, at): (usize, usize),
    until: Nanos,
    counter: &str,
    pages: Pages,
) -> Option<Violation> {
    let value = |at: usize| samples[at].vmstat.get(counter).copied();
    let (old, new) = value(first).zip(value(at))?;
    let before = |time: Nanos| all.iter().filter(|one| one.line.time <= time).map(pages).sum::<u64>();
    let (least, most) = (before(samples[at].time), before(until));
    let grown = new.saturating_sub(old);
    (grown < least || grown > most).then(|| {
        let range = if least == most { format!("{least}") } else { format!("{least} to {most}") };
        let expected = format!("{counter} to grow by the {range} pages that mm_migrate_pages reported");
        let mut finding = Violation::new(expected, format!("by {grown}"));
        for (at, value) in [(first, old), (at, new)] {
            let number = u32::try_from(at + 1).unwrap_or(u32::MAX);
            finding.evidence.push(Evidence::new(section::SAMPLES, number, &format!("{counter} {value}")));
        }
        finding
    })
}

#[cfg(test)]
mod tests {
    use crate::recording::Recording;
    use crate::subject::damon::testing::{edit, found, of_event, replace, rewrite, stored, tampered};

    /// Changes the first migration of at least one page.
    fn first_move(recording: &mut Recording, from: &str, to: &str) {
        rewrite(recording, |lines| {
            let all = of_event(lines, "mm_migrate_pages");
            let nth = all.iter().position(|at| !lines[*at].contains("nr_succeeded=0")).unwrap();
            replace(lines, "mm_migrate_pages", nth, from, to);
        });
    }

    #[test]
    fn m1_sees_statistics_that_count_what_was_not_moved() {
        let seen = tampered("M1", |recording| first_move(recording, "nr_succeeded=", "nr_succeeded=1"));
        assert_eq!(seen.len(), 1, "{seen:?}");
        assert!(seen[0].starts_with("sz_applied of kdamond 0, scheme 1 to grow by the "), "{seen:?}");
    }

    #[test]
    fn m1_sees_statistics_that_are_another_schemes() {
        let seen = tampered("M1", |recording| {
            rewrite(recording, |lines| {
                for line in lines.iter_mut().filter(|line| line.contains("damos_stat")) {
                    let other = if line.contains("scheme_idx=0") { "scheme_idx=1" } else { "scheme_idx=0" };
                    *line = line.replace("scheme_idx=0", other).replace("scheme_idx=1", other);
                }
            });
        });
        assert!(
            seen.iter().any(|seen| seen.contains("scheme 0"))
                && seen.iter().any(|seen| seen.contains("scheme 1"))
        );
    }

    #[test]
    fn m1_sees_pages_that_move_for_no_region() {
        let seen = tampered("M1", |recording| {
            rewrite(recording, |lines| lines.retain(|line| !line.contains("damos_before_apply")));
        });
        assert!(seen[0].ends_with("moved without such a region"), "{seen:?}");
    }

    #[test]
    fn m2_sees_a_counter_that_moves_without_its_event_and_an_event_without_its_counter() {
        let more = tampered("M2", |recording| {
            *recording.samples.last_mut().unwrap().vmstat.get_mut("pgmigrate_success").unwrap() += 1;
        });
        assert!(more[0].starts_with("pgmigrate_success to grow by the "), "{more:?}");
        let less = tampered("M2", |recording| first_move(recording, "nr_succeeded=", "nr_succeeded=1"));
        assert!(!less.is_empty());
    }

    #[test]
    fn m2_sees_damons_migrations_counted_as_promotions() {
        let promoted = |recording: &mut Recording| {
            recording.samples.last_mut().unwrap().vmstat.insert("pgpromote_success".into(), 7);
        };
        let seen = tampered("M2", promoted);
        assert_eq!(seen, ["pgpromote_success to stay at 0: no page was moved for numa_misplaced; 7"]);
        // With NUMA balancing at work it may move.
        let mut recording = stored("truth");
        promoted(&mut recording);
        rewrite(&mut recording, |lines| {
            let last = of_event(lines, "mm_migrate_pages").len() - 1;
            edit(lines, "mm_migrate_pages", last, |line| {
                line.replace("reason=damon", "reason=numa_misplaced")
            });
        });
        assert_eq!(found(&recording, "M2"), []);
    }

    #[test]
    fn a_text_of_migrations_that_cannot_be_read_is_no_absence() {
        let mut recording = stored("truth");
        first_move(&mut recording, "nr_failed", "failed");
        let skipped = crate::judge::judge(&recording).skipped;
        let (_, why) = skipped.iter().find(|(about, _)| about.id == "M1").unwrap();
        assert!(why.ends_with("mm_migrate_pages cannot be read"), "{why}");
    }
}
