//! What is charged to a scheme's quota, from pass to pass.
//!
//! A charge window begins at a pass, if the reset interval is over by the clock of jiffies (`damos_adjust_quota`). Where the
//! measurements of a goal do not show it, and the time is within a few jiffies of the interval, both are possible: the
//! scheme then has two charges, until a pass shows which one is right.

use super::super::counters::is_full;
use super::super::stats::JIFFY;
use super::memory::{Action, Place};
use super::passes::ApplyPass;
use crate::subject::damon::events::{Esz, SchemeEvent};
use crate::subject::damon::oracle::mult_frac;
use crate::subject::damon::rule::Reason;
use crate::subject::damon::view::events;
use damonlab_protocol::damon::Quota;
use damonlab_protocol::units::Nanos;

/// So many charges at most are followed at once.
const MOST_CHARGES: usize = 16;

/// By how much the times of the trace and jiffies may differ, both ways.
const SLACK: u64 = 3 * JIFFY;

/// The state of a quota, as the kernel keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Charge {
    /// The effective quota.
    pub(super) esz: u64,
    pub(super) charged: u64,
    /// Where the next pass continues (`charge_target_from`, `charge_addr_from`).
    pub(super) resume: Option<Place>,
    /// When the window began: not before, and not after.
    since: (Nanos, Nanos),
    /// By how much `qt_exceeds` grows at the beginning of this pass.
    pub(super) exceeds: u64,
}

impl Charge {
    pub(super) fn is_full(&self) -> bool {
        is_full(self.esz, self.charged)
    }

    fn first(esz: u64, since: (Nanos, Nanos)) -> Charge {
        Charge { esz, charged: 0, resume: None, since, exceeds: 0 }
    }

    /// A new charge window.
    fn renewed(&self, esz: u64, since: (Nanos, Nanos)) -> Charge {
        let exceeds = self.exceeds + u64::from(self.is_full());
        Charge { esz, charged: 0, resume: self.resume, since, exceeds }
    }

    /// After the actions of a pass, each of which was charged with an amount. A pass that ends with quota left has come to
    /// the last region, and the next one begins at the first (`damos_skip_charged_region`).
    pub(super) fn after(mut self, actions: &[Action<'_>], amounts: &[u64]) -> Charge {
        if self.is_full() {
            return self;
        }
        self.resume = None;
        for ((_, event), amount) in actions.iter().zip(amounts) {
            self.charged = self.charged.saturating_add(*amount);
            if self.is_full() {
                self.resume = Some((event.target_idx, event.end));
            }
        }
        self
    }
}

/// What the kernel charges for each of a scheme's actions in a pass, of which it applied `applied` bytes
/// (`damos_charge_quota`).
///
/// # Errors
/// Failures are charged in part, and the trace does not say which actions failed.
pub(super) fn amounts(quota: &Quota, actions: &[Action<'_>], applied: u64) -> Result<Vec<u64>, Reason> {
    let partly = quota.fail_charge_denom != 0;
    if partly && applied != 0 && actions.len() > 1 {
        return Err(
            "failed bytes are charged in part, and the trace does not say which ones failed".to_owned()
        );
    }
    let amount = |(_, event): &Action<'_>| {
        let size = event.end.saturating_sub(event.start);
        match size.checked_sub(applied).filter(|_| partly) {
            Some(failed) => applied.saturating_add(mult_frac(
                failed,
                quota.fail_charge_num.into(),
                quota.fail_charge_denom.into(),
            )),
            None => size,
        }
    };
    Ok(actions.iter().map(amount).collect())
}

/// The charges with which the kernel may have begun a pass.
///
/// # Errors
/// The trace does not show the effective quota, or too many charges are possible.
pub(super) fn begun(
    index: usize,
    pass: &ApplyPass<'_, '_>,
    before: &[Charge],
) -> Result<Vec<Charge>, Reason> {
    let run = pass.run;
    let quota = &run.config.context.schemes[index].quota;
    let told: Vec<u64> = events::<Esz>(&run.lines[pass.begin..pass.end])
        .filter(|(_, event)| event.scheme() == index)
        .map(|(_, event)| event.esz)
        .collect();
    let since = (pass.earliest, pass.latest);
    let charges = if !run.charge_windows[index].goals.is_empty() {
        shown(index, pass, before)?
    } else if before.is_empty() {
        first(quota, &told, since)?
    } else {
        before.iter().flat_map(|charge| later(quota, charge, &told, since)).collect()
    };
    let charges = distinct(charges);
    match charges.len() {
        0 => Err("the trace does not show when the effective quota changed".to_owned()),
        1..=MOST_CHARGES => Ok(charges),
        _ => Err("too many charges of the quota are possible".to_owned()),
    }
}

/// The measurements of goals show each window.
fn shown(index: usize, pass: &ApplyPass<'_, '_>, before: &[Charge]) -> Result<Vec<Charge>, Reason> {
    let windows = &pass.run.charge_windows[index];
    if windows.broken.is_some() {
        return Err("charge windows cannot be distinguished (see G3)".to_owned());
    }
    let since = (pass.earliest, pass.latest);
    let mut charges: Vec<Charge> =
        before.iter().map(|charge| Charge { exceeds: 0, ..charge.clone() }).collect();
    let from = windows.windows.partition_point(|window| window.at < pass.begin);
    for window in windows.windows[from..].iter().take_while(|window| window.at < pass.end) {
        charges = match charges.is_empty() {
            true => window.quota().map(|esz| Charge::first(esz, since)).into_iter().collect(),
            false => charges
                .iter()
                .map(|charge| charge.renewed(window.quota().unwrap_or(charge.esz), since))
                .collect(),
        };
    }
    Ok(charges)
}

/// The first pass begins a window. Another one begins at once if the reset interval is over by then: always if it is 0.
fn first(quota: &Quota, told: &[u64], since: (Nanos, Nanos)) -> Result<Vec<Charge>, Reason> {
    let (first, last) =
        told.first().zip(told.last()).ok_or("the first effective quota is not in the trace")?;
    let one = Charge::first(*first, since);
    let two = one.renewed(*last, since);
    let only_one = (told.len() == 1 && quota.reset_interval_ms > 0).then_some(one);
    Ok(only_one.into_iter().chain([two]).collect())
}

/// A later pass continues the window, or begins another one. A changed quota shows the latter.
fn later(quota: &Quota, charge: &Charge, told: &[u64], since: (Nanos, Nanos)) -> Vec<Charge> {
    let charge = Charge { exceeds: 0, ..charge.clone() };
    let reset = quota.reset_interval_ms.saturating_mul(1_000_000);
    let most = since.1.0.saturating_sub(charge.since.0.0);
    let least = since.0.0.saturating_sub(charge.since.1.0);
    let may_begin = !told.is_empty() || most.saturating_add(SLACK) >= reset;
    let may_continue = told.is_empty() && reset > 0 && least < reset.saturating_add(SLACK);
    let esz = told.last().copied().unwrap_or(charge.esz);
    let begins = may_begin.then(|| charge.renewed(esz, since));
    begins.into_iter().chain(may_continue.then_some(charge)).collect()
}

/// Charges that differ in more than in when their window began are kept apart.
pub(super) fn distinct(charges: Vec<Charge>) -> Vec<Charge> {
    let mut all: Vec<Charge> = Vec::new();
    for charge in charges {
        let same = |one: &&mut Charge| Charge { since: charge.since, ..(*one).clone() } == charge;
        match all.iter_mut().find(same) {
            Some(one) => one.since = (one.since.0.min(charge.since.0), one.since.1.max(charge.since.1)),
            None => all.push(charge),
        }
    }
    all
}
