//! The writes of `monitoring_attrs/sample`.

use super::{List, Resolve};
use crate::damon::config::SampleControl;

impl<R: Resolve> List<'_, R> {
    pub(super) fn sample_control(&mut self, at: &str, sample: &SampleControl) {
        self.put(at, "primitives/page_table", if sample.page_table { "Y" } else { "N" }, sample.page_table);
        self.flag(at, "primitives/page_fault", sample.page_fault);
        let folder = format!("{at}/filters");
        self.set(&folder, "nr_filters", sample.filters.len(), 0);
        for (index, filter) in sample.filters.iter().enumerate() {
            let at = format!("{folder}/{index}");
            self.put(&at, "type", &filter.kind, false);
            self.flag(&at, "matching", filter.matching);
            self.flag(&at, "allow", filter.allow);
            self.text(&at, "cpumask", &filter.cpumask);
            self.text(&at, "tid_arr", &filter.tid_arr);
        }
    }
}
