//! What damo 3.3.0 and 3.4.3 print for each of their options is read.

use super::export;
use crate::scenario::{self, MachineSpec, Scenario};
use damonlab_protocol::damon::{FilterKind, Goal, Kdamond, Range, Resolve, Scheme, Write, writes};
use damonlab_protocol::units::{Addr, NodeId};
use serde::Deserialize;
use std::sync::LazyLock;

/// One call of `damo args damon` and what it printed. `raw` is `--raw`, `omit` is `--omit_defaults`.
#[derive(Deserialize)]
struct Case {
    name: String,
    form: String,
    args: Vec<String>,
    prints: serde_json::Value,
}

const STORED: [(&str, &str); 2] = [
    ("3.3.0", include_str!("../../../../tests/damo/args-3.3.0.jsonl")),
    ("3.4.3", include_str!("../../../../tests/damo/args-3.4.3.jsonl")),
];

/// What is refused, and why the kernel does so.
const REFUSED: &[(&str, &str)] = &[("two-contexts", "a kdamond has one context, and here are 2")];

fn cases() -> impl Iterator<Item = (&'static str, Case)> {
    let case = |line: &str| serde_json::from_str(line).unwrap();
    STORED.into_iter().flat_map(move |(version, text)| text.lines().map(move |line| (version, case(line))))
}

fn read(case: &Case) -> Result<(Vec<Kdamond>, Vec<String>), String> {
    read_text(&serde_json::to_string_pretty(&case.prints).unwrap())
}

fn read_text(text: &str) -> Result<(Vec<Kdamond>, Vec<String>), String> {
    static MACHINE: LazyLock<MachineSpec> = LazyLock::new(|| {
        Scenario::load(&crate::bundled::home().join("scenarios/pull-push.yaml")).unwrap().machine
    });
    scenario::kdamonds("damo", text, &MACHINE).map_err(|error| error.to_string())
}

fn case(name: &str, form: &str) -> Case {
    let fits = |(version, case): &(&str, Case)| *version == "3.4.3" && case.name == name && case.form == form;
    cases().find(fits).unwrap_or_else(|| panic!("no case {name} {form}")).1
}

#[test]
fn whatever_damo_prints_is_read_or_refused_as_the_kernel_does() {
    let mut wrong = Vec::new();
    for (version, case) in cases() {
        let refused = REFUSED.iter().find(|(name, _)| *name == case.name).map(|(_, why)| *why);
        match (read(&case), refused) {
            (Ok(_), None) => {}
            (Err(error), Some(why)) if error.contains(why) => {}
            (result, _) => wrong.push(format!(
                "{version} {} {} {:?}: {:?}",
                case.name,
                case.form,
                case.args,
                result.err()
            )),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The one scheme of a case of 3.4.3.
fn scheme(name: &str, form: &str) -> Scheme {
    read(&case(name, form)).unwrap().0.remove(0).context.schemes.remove(0)
}

fn notes(name: &str, form: &str) -> String {
    read(&case(name, form)).unwrap().1.join("\n")
}

#[test]
fn what_damo_prints_for_max_is_no_limit_with_raw_and_without() {
    for form in ["", "raw"] {
        let all = Range { min: 0, max: u64::from(u32::MAX) };
        let (rate, age) = (scheme("damos_access_rate-max", form), scheme("damos_age-max", form));
        assert_eq!((rate.nr_accesses, age.age), (all, all), "{form}");
        assert_eq!(age.quota.reset_interval_ms, u64::MAX, "{form}");
        assert_eq!(age.sz, Range { min: 0, max: u64::MAX }, "{form}");
    }
}

#[test]
fn complement_ranges_and_preps_are_what_they_say() {
    let goal = scheme("damos_quota_goal-complement", "").quota.goals.remove(0);
    assert_eq!((goal.metric.as_str(), goal.complement, goal.target_value), ("node_mem_used_bp", true, 3_000));
    let filter = scheme("damos_filter-probe_hits_wsum", "").filters.remove(0);
    assert_eq!(filter.kind, FilterKind::ProbeHitsWsum(Range { min: 1, max: 1_000 }));
    let probe = |name: &str| read(&case(name, "")).unwrap().0.remove(0).context.probes.remove(0);
    let prep = probe("probe_prep");
    assert_eq!(
        (prep.preps, prep.filters[0].kind.clone()),
        (vec!["set_pgidle".to_owned()], FilterKind::PgidleUnset)
    );
    let huge = probe("probe_filter-hugepage_size").filters.remove(0).kind;
    assert_eq!(huge, FilterKind::HugepageSize(Range { min: 4096, max: u64::MAX }));
}

#[test]
fn damos_own_bugs_are_named_with_their_line() {
    let raw = notes("damos_age", "raw");
    assert!(raw.contains("damo --raw, which prints ages") && raw.starts_with("line "), "{raw}");
    assert!(notes("damos_age-max", "raw").contains("1000 times"));
    assert_eq!(notes("damos_age", ""), "");
    let nid = notes("damos_quota_goal-nid-lost", "");
    assert!(nid.contains("the nid of node_eligible_mem_bp is null, and so node 0: damo"), "{nid}");
    let Goal { nid, target_value, .. } = scheme("damos_quota_goal-nid-lost", "").quota.goals.remove(0);
    assert_eq!((nid, target_value), (0, 7_000));
    assert!(
        notes("damos_action-migrate_cold-alone", "")
            .contains("migrate_cold without target_nid migrates nothing")
    );
    assert!(notes("damos_action-dests", "").contains("migrate_cold of paddr reads no dests"));
    assert_eq!(notes("damos_action-dests-vaddr", ""), "");
}

#[test]
fn weights_and_goals_without_a_reset_interval_are_noted() {
    let printed = |name: &str| serde_json::to_string_pretty(&case(name, "").prints).unwrap();
    let without = |name: &str| read_text(&printed(name).replace("\"1 s\"", "\"max\"")).unwrap().1.join("\n");
    let text = without("damos_quota_goal-user_input");
    assert!(text.contains("goals without a reset interval") && text.contains("never ends"), "{text}");
    assert!(without("damos_quotas").contains("weights without a reset interval"));
    assert_eq!(notes("damos_quotas", ""), "");
}

/// What damo prints for a call of 3.4.3 with another value, read.
fn with(name: &str, from: &str, to: &str) -> (Scheme, String) {
    let printed = serde_json::to_string_pretty(&case(name, "").prints).unwrap();
    let changed = printed.replace(from, to);
    assert_ne!(changed, printed);
    let (mut kdamonds, notes) = read_text(&changed).unwrap();
    (kdamonds.remove(0).context.schemes.remove(0), notes.join("\n"))
}

#[test]
fn a_goal_with_a_target_of_0_is_written_and_noted_because_the_kernel_drops_it() {
    for zero in ["0 %", "0"] {
        let (scheme, notes) = with("damos_quota_goal-complement", "3,000", zero);
        assert_eq!(scheme.quota.goals[0].target_value, 0, "{zero}");
        assert!(notes.contains("a goal with a target of 0 is written, and the kernel drops it"), "{notes}");
    }
}

#[test]
fn an_age_below_one_aggregation_is_none_and_noted() {
    let (scheme, notes) = with("damos_age", "\"5 s\"", "\"70\"");
    assert_eq!(scheme.age.min, 0);
    assert!(
        notes.contains("the age 70 is 70 us, as damo reads it, and below the aggregation interval"),
        "{notes}"
    );
    let (scheme, notes) = with("damos_age", "\"5 s\"", "\"70 us\"");
    assert_eq!(scheme.age.min, 0);
    assert!(notes.contains("the age of 70 us is below the aggregation interval of 100000 us"), "{notes}");
}

#[test]
fn null_is_the_default_of_a_key() {
    let printed = serde_json::to_string(&case("defaults", "").prints).unwrap();
    let null = printed.replace("\"addr_unit\":\"1 B\"", "\"addr_unit\":null");
    assert_ne!(printed, null);
    assert_eq!(read_text(&null), read_text(&printed));
}

/// A guest in which node 0 and no other is known.
struct Guest;

impl Resolve for Guest {
    fn node_ranges(&self, _: NodeId) -> Vec<(Addr, Addr)> {
        Vec::new()
    }

    fn workload_pid(&self, _: &str) -> Option<i32> {
        None
    }
}

#[test]
fn a_value_at_its_default_requires_nothing_that_7_3_does_not_have() {
    let newer = |write: &Write| {
        let (path, value) = (write.path.as_str(), write.value.as_str());
        let file = ["/complement", "/preps/", "/sample/"].iter().any(|part| path.contains(part));
        let keyword =
            path.ends_with("/type") && ["probe_hits_wsum", "pgidle_set", "pgidle_unset"].contains(&value);
        let huge = path.contains("/probes/") && value == "hugepage_size";
        file || keyword || huge
    };
    let mut named: Vec<String> = Vec::new();
    for (_, case) in cases() {
        let Ok((kdamonds, _)) = read(&case) else { continue };
        let writes = writes(&kdamonds, &Guest).unwrap();
        if writes.iter().any(|write| !write.is_default && newer(write)) {
            named.push(case.name);
        }
    }
    named.sort();
    named.dedup();
    let wanted = [
        "damos_filter-probe_hits_wsum",
        "damos_quota_goal-complement",
        "probe_filter-hugepage_size",
        "probe_filter-pgidle",
        "probe_prep",
    ];
    assert_eq!(named, wanted);
}

#[test]
fn what_was_read_is_the_same_after_it_was_written_in_damos_format() {
    for (version, case) in cases() {
        let Ok((kdamonds, _)) = read(&case) else { continue };
        let text = serde_json::to_string_pretty(&export(&kdamonds).unwrap()).unwrap();
        let (again, notes) = read_text(&text).unwrap();
        assert_eq!(again, kdamonds, "{version} {} {}", case.name, case.form);
        assert!(!notes.join("").contains("--raw"), "{version} {}: {notes:?}", case.name);
    }
}
