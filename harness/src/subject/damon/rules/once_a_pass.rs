//! What one pass of a scheme acts on: each byte once, upwards (A7).
//!
//! Linux up to 7.3 at least breaks this, and the rule names that bug instead of allowing it. A pass gives each region to
//! all schemes in turn. A scheme that comes later splits the region at its quota or at the border of an `addr` filter
//! before it knows whether it acts (`damos_apply_scheme`, `damos_core_filter_out`), and the rest comes next in the list,
//! for all schemes: those before it act on the rest again, and a small quota makes thousands of rests. See
//! `docs/findings.md`.

use crate::subject::damon::events::{BeforeApply, SchemeEvent, Stat};
use crate::subject::damon::rule::{
    About, DamonRule, Kind, Line, Rule, RuleResult, Violation, Violations, each_scheme, in_core,
};
use crate::subject::damon::view::{KdamondRun, View, is_limited};
use crate::trace::TypedEvent;
use damonlab_protocol::damon::{Context, Filter, FilterKind, Scheme};

pub(crate) static PASS_ACTS_ON_EACH_BYTE_ONCE: DamonRule = Rule {
    about: About {
        id: "A7",
        name: "pass-acts-on-each-byte-once",
        kind: Kind::Exact,
        statement: "In one pass, a scheme acts on no byte twice, and proceeds upwards.",
        because: "A pass walks the sorted list of regions once.",
        source: &[
            in_core("damos_apply_target"),
            in_core("damos_apply_scheme"),
            in_core("damon_split_region_at"),
        ],
        file: file!(),
        when: "damos_before_apply and damos_stat_after_apply_interval are recorded; a rest that a later scheme split off is a known bug, and a note",
    },
    judge: pass_acts_on_each_byte_once,
};

fn pass_acts_on_each_byte_once(view: &View<'_>) -> RuleResult {
    each_scheme(view, |run, index, _| {
        view.need(&[BeforeApply::NAME, Stat::NAME])?;
        run.need_targets()?;
        let splits = a_later_scheme_splits(&run.config.context, index);
        let mut violations = Violations::default();
        let mut rests: u64 = 0;
        for (before, line, old, event) in repeated(run, index) {
            if splits && is_rest(old, event) {
                rests += 1;
                continue;
            }
            violations.push(|| {
                let expected =
                    format!("a pass of {} to act on each byte once, upwards", run.scheme_name(index));
                let seen = format!("{}-{} after {}-{}", event.start, event.end, old.start, old.end);
                Violation::new(expected, seen).at([before, line])
            });
        }
        if rests > 0 {
            violations.note(format!(
                "{} acted again on rests of regions in the same pass, {rests} in all: a known bug of the kernel, which \
                 splits a region at a later scheme's quota or filter first (docs/findings.md)",
                run.scheme_name(index)
            ));
        }
        Ok(violations)
    })
}

type Pair<'a> = (&'a Line, &'a Line, &'a BeforeApply, &'a BeforeApply);

/// The regions of one pass that do not begin at the end of those before them or later, each with the one before it that
/// reaches furthest. A pass ends with the scheme's statistics.
fn repeated<'a>(run: &KdamondRun<'a>, index: usize) -> Vec<Pair<'a>> {
    let mut pairs = Vec::new();
    let mut last: Option<(&Line, &BeforeApply)> = None;
    for line in &run.lines {
        if Stat::of(&line.event).is_some_and(|stat| stat.scheme() == index) {
            last = None;
        }
        let Some(event) = BeforeApply::of(&line.event).filter(|event| event.scheme() == index) else {
            continue;
        };
        let back = last.filter(|(_, old)| (event.target_idx, event.start) < (old.target_idx, old.end));
        pairs.extend(back.map(|(before, old)| (before, *line, old, event)));
        let reaches = |event: &BeforeApply| (event.target_idx, event.end);
        if last.is_none_or(|(_, old)| reaches(event) >= reaches(old)) {
            last = Some((line, event));
        }
    }
    pairs
}

/// Whether a region is what is left of another one after a split.
fn is_rest(old: &BeforeApply, event: &BeforeApply) -> bool {
    old.target_idx == event.target_idx && old.start < event.start && event.end <= old.end
}

/// Whether a scheme after this one may split a region before it knows that it acts on it.
pub(crate) fn a_later_scheme_splits(context: &Context, index: usize) -> bool {
    let is_addr = |filter: &Filter| matches!(filter.kind, FilterKind::Addr(_));
    let splits = |scheme: &Scheme| {
        is_limited(scheme) || scheme.core_filters.iter().chain(&scheme.filters).any(is_addr)
    };
    context.schemes.iter().skip(index + 1).any(splits)
}

#[cfg(test)]
mod tests {
    use crate::judge::judge;
    use crate::recording::Recording;
    use crate::subject::damon::events::BeforeApply;
    use crate::subject::damon::testing::{Model, found, of_event, rewrite};
    use crate::subject::damon::view::PAGE;

    /// The scheme of the first event acts on the region of that event, and then on it again without its first `pages`.
    fn again(recording: &mut Recording, pages: u64) {
        rewrite(recording, |lines| {
            let at = of_event(lines, BeforeApply::NAME)[0];
            assert!(lines[at].contains("scheme_idx=0"), "{}", lines[at]);
            let region = lines[at].split_whitespace().find(|word| word.ends_with(':') && word.contains('-'));
            let region = region.unwrap().trim_end_matches(':').to_owned();
            let (start, end) = region.split_once('-').unwrap();
            let rest = format!("{}-{end}", start.parse::<u64>().unwrap() + pages * PAGE);
            lines.insert(at + 1, lines[at].replace(&region, &rest));
        });
    }

    #[test]
    fn a7_names_the_known_bug_where_a_later_schemes_quota_split_off_a_rest() {
        let mut recording = Model::pull_push().recording();
        assert_eq!(judge(&recording).notes, Vec::<String>::new());
        again(&mut recording, 1);
        assert_eq!(found(&recording, "A7"), []);
        let notes = judge(&recording).notes;
        assert!(
            notes
                .iter()
                .any(|note| note
                    .contains("scheme 0 acted again on rests of regions in the same pass, 1 in all")),
            "{notes:?}"
        );
    }

    #[test]
    fn a7_sees_a_rest_that_no_later_scheme_can_have_split_off() {
        let mut model = Model::pull_push();
        let later = model.scheme(1);
        (later.quota.bytes, later.quota.ms) = (0, 0);
        later.quota.goals.clear();
        later.core_filters.clear();
        let mut recording = model.recording();
        again(&mut recording, 1);
        assert_eq!(found(&recording, "A7").len(), 1);
    }

    #[test]
    fn a7_sees_a_region_that_comes_twice_and_a_pass_that_goes_back() {
        let mut recording = Model::pull_push().recording();
        again(&mut recording, 0);
        assert_eq!(found(&recording, "A7").len(), 1);
    }
}
