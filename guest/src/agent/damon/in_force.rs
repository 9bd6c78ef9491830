//! The configuration that is in force between two steps, and what it does at a moment.

use super::kdamonds::{any_runs, cpu_times, turn_off, turn_off_all};
use super::stats;
use crate::agent::clock;
use crate::agent::failure::Failure;
use damonlab_protocol::damon::Kdamond;
use damonlab_protocol::record::{GuestReport, Sample};

/// DAMON in this run. A plan without DAMON has no kdamonds, and then nothing here touches the kernel.
pub struct Damon<'a> {
    /// What `start` starts.
    pub(super) planned: &'a [Kdamond],
    /// What is in force, or would be if DAMON ran.
    pub(super) kdamonds: &'a [Kdamond],
    /// Steps at once have changed it since the last start: neither is known whether `kdamonds` is in force, nor what runs.
    pub(super) unsettled: bool,
}

impl<'a> Damon<'a> {
    /// As the plan has it, before anything is started.
    pub fn new(planned: &'a [Kdamond]) -> Damon<'a> {
        Damon { planned, kdamonds: planned, unsettled: false }
    }

    /// How many kdamonds are configured.
    pub fn count(&self) -> usize {
        self.kdamonds.len()
    }

    /// Whether the plan is about DAMON.
    pub fn is_configured(&self) -> bool {
        !self.planned.is_empty()
    }

    /// The schemes' statistics and the kdamonds' CPU time; the rest of the sample is empty.
    ///
    /// The statistics come first: bringing them up to date waits for the kdamond, and the rest should be of the
    /// moment that the sample names.
    pub fn sample(&self) -> Result<Sample, Failure> {
        self.update_stats()?;
        let mut sample =
            Sample { time: clock::now(), schemes: stats::read(self.kdamonds), ..Sample::default() };
        sample.cpu = cpu_times(self.kdamonds.len());
        Ok(sample)
    }

    /// Turns every kdamond off that runs; keeps the statistics that they end with.
    pub fn stop(&self, report: &mut GuestReport) -> Result<(), Failure> {
        let count = self.kdamonds.len();
        if any_runs(count) {
            self.update_stats()?;
            report.kdamond_stats = stats::read(self.kdamonds);
        }
        // Steps at once may have made more of them.
        if self.unsettled { turn_off_all() } else { turn_off(count) }
    }

    fn update_stats(&self) -> Result<(), Failure> {
        match stats::update(self.kdamonds.len()) {
            // The files may be those of another configuration, or gone.
            Err(_) if self.unsettled => Ok(()),
            result => result,
        }
    }
}
