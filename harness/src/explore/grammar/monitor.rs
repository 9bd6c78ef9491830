//! A kdamond with its context: what is monitored, how often, in how many regions.

use super::around::{Around, Times, time};
use super::edits::edited;
use super::part::Part;
use super::scheme::scheme;
use super::table::{AGGREGATIONS, REGIONS, SAMPLES};
use super::witness;
use super::world::World;
use crate::explore::tree::{Tree, list, map};
use crate::scenario::Draw;

/// A kdamond, in parts that a commit may draw anew.
#[derive(Debug, Clone)]
pub(super) struct Kdamond {
    pub(super) vaddr: bool,
    pub(super) targets: Vec<Tree>,
    pub(super) times: Times,
    intervals: Tree,
    regions: Option<Tree>,
    probes: Vec<Tree>,
    pub(super) schemes: Vec<Tree>,
    /// None is the kernel's own.
    pub(super) addr_unit: Option<u64>,
}

impl Kdamond {
    fn around(&self) -> Around {
        Around { vaddr: self.vaddr, targets: self.targets.len(), times: self.times }
    }

    /// The least number of regions.
    pub(super) fn least_regions(&self) -> Option<&str> {
        match self.regions.as_ref()?.get("min")? {
            Tree::Leaf(text) => Some(text),
            _ => None,
        }
    }

    /// Whether the process of a workload is a target.
    pub(super) fn watches(&self, workload: &str) -> bool {
        let name = Tree::from(workload);
        self.targets.iter().any(|target| target.get("pid").and_then(|pid| pid.get("workload")) == Some(&name))
    }

    pub(super) fn draw(world: &World<'_>, draw: &mut Draw) -> Kdamond {
        let vaddr = !world.processes.is_empty() && world.focus.wants(Part::Vaddr, draw);
        let times = times(draw);
        let mut kdamond = Kdamond {
            vaddr,
            targets: targets(vaddr, world, draw),
            times,
            intervals: intervals(times, world, draw),
            regions: regions(world, draw),
            probes: probes(world, draw),
            schemes: Vec::new(),
            addr_unit: None,
        };
        kdamond.schemes = kdamond.draw_schemes(world, draw);
        kdamond
    }

    /// One for physical addresses without schemes, whose parts stand in no relation to anything.
    pub(super) fn plain(times: Times, targets: Vec<Tree>, regions: Tree) -> Kdamond {
        let intervals = fixed_intervals(times, 1_000_000);
        let (regions, probes, schemes) = (Some(regions), Vec::new(), Vec::new());
        Kdamond { vaddr: false, targets, times, intervals, regions, probes, schemes, addr_unit: None }
    }

    fn draw_schemes(&self, world: &World<'_>, draw: &mut Draw) -> Vec<Tree> {
        if !world.focus.wants(Part::Scheme, draw) {
            return Vec::new();
        }
        if world.focus.wants(Part::Witness, draw) {
            return witness::schemes(self.around(), world, draw);
        }
        let count = *draw.weighted(&[(5, 1), (4, 2), (2, 3), (1, 4)]);
        (0..count).map(|_| scheme(self.around(), world, draw)).collect()
    }

    /// The same with some parts drawn anew, as a commit brings it. Operations stay: the kernel refuses other ones.
    pub(super) fn changed(&self, world: &World<'_>, draw: &mut Draw) -> Kdamond {
        let mut new = self.clone();
        match draw.below(14) {
            0 => {
                // Bounds in samples depend on the intervals.
                new.times = times(draw);
                new.intervals = intervals(new.times, world, draw);
                new.schemes = new.draw_schemes(world, draw);
            }
            1 => new.regions = regions(world, draw),
            2 if self.vaddr && self.targets.len() > 1 && draw.chance(40) => {
                let place = draw.index(new.targets.len());
                new.targets[place].set("obsolete", true);
            }
            2 => {
                new.targets = targets(self.vaddr, world, draw);
                // Filters name targets by their place.
                new.schemes = new.draw_schemes(world, draw);
            }
            3 => new.probes = probes(world, draw),
            7..14 if !new.schemes.is_empty() => {
                let place = draw.index(new.schemes.len());
                new.schemes[place] = edited(&new.schemes[place], self.around(), world, draw);
            }
            4 if !new.schemes.is_empty() => {
                let place = draw.index(new.schemes.len());
                new.schemes.remove(place);
            }
            5 if !new.schemes.is_empty() => {
                let place = draw.index(new.schemes.len());
                new.schemes[place] = scheme(self.around(), world, draw);
            }
            _ => {
                let place = draw.index(new.schemes.len() + 1);
                new.schemes.insert(place, scheme(self.around(), world, draw));
            }
        }
        new
    }

    pub(super) fn tree(&self) -> Tree {
        let ops = if self.vaddr { "vaddr" } else { "paddr" };
        let mut context = map([("ops", ops.into()), ("targets", list(self.targets.clone()))]);
        if let Some(unit) = self.addr_unit {
            context.set("addr_unit", unit);
        }
        context.set("intervals", self.intervals.clone());
        if let Some(regions) = &self.regions {
            context.set("nr_regions", regions.clone());
        }
        for (key, parts) in [("probes", &self.probes), ("schemes", &self.schemes)] {
            if !parts.is_empty() {
                context.set(key, list(parts.clone()));
            }
        }
        map([("contexts", list([context]))])
    }
}

fn times(draw: &mut Draw) -> Times {
    Times { sample_us: *draw.weighted(SAMPLES), aggregation: *draw.weighted(AGGREGATIONS) }
}

fn targets(vaddr: bool, world: &World<'_>, draw: &mut Draw) -> Vec<Tree> {
    if !vaddr {
        return vec![map([("regions", list(node_ranges(world, draw)))])];
    }
    let first = draw.index(world.processes.len());
    let wanted = |place: usize, draw: &mut Draw| place == first || draw.chance(40);
    let mut targets = Vec::new();
    for (place, process) in world.processes.iter().enumerate() {
        if wanted(place, draw) {
            targets.push(map([("pid", map([("workload", process.name.as_str().into())]))]));
        }
    }
    targets
}

/// Some nodes in order, at least one.
fn node_ranges(world: &World<'_>, draw: &mut Draw) -> Vec<Tree> {
    let first = draw.index(world.nodes.len());
    let all = draw.chance(40);
    let mut ranges = Vec::new();
    for (place, node) in world.nodes.iter().enumerate() {
        if all || place == first || draw.chance(30) {
            ranges.push(map([("node", node.id.into())]));
        }
    }
    ranges
}

fn fixed_intervals(times: Times, update_us: u64) -> Tree {
    map([
        ("sample_us", time(times.sample_us)),
        ("aggr_us", time(times.aggregation_us())),
        ("ops_update_us", time(update_us)),
    ])
}

fn intervals(times: Times, world: &World<'_>, draw: &mut Draw) -> Tree {
    let update = *draw.pick(&[times.aggregation_us(), times.sample_us, 500_000, 1_000_000]);
    let mut intervals = fixed_intervals(times, update);
    if world.focus.wants(Part::Intervals, draw) {
        let goal = map([
            ("access_bp", (*draw.pick(&[0, 1, 400, 5_000, 10_000])).into()),
            ("aggrs", (*draw.pick(&[1, 2, 3, 10])).into()),
            ("min_sample_us", time(*draw.pick(&[times.sample_us, 1_000.min(times.sample_us)]))),
            ("max_sample_us", time(times.sample_us * draw.pick(&[1, 2, 10]))),
        ]);
        intervals.set("intervals_goal", goal);
    }
    intervals
}

fn regions(world: &World<'_>, draw: &mut Draw) -> Option<Tree> {
    if !world.focus.wants(Part::Regions, draw) {
        // The kernel's default is 1000 at most, which takes long to sample.
        return Some(map([("min", 10.into()), ("max", 100.into())]));
    }
    let (min, max) = *draw.pick(REGIONS);
    Some(map([("min", min.into()), ("max", max.into())]))
}

fn probes(world: &World<'_>, draw: &mut Draw) -> Vec<Tree> {
    if !world.focus.wants(Part::Probe, draw) {
        return Vec::new();
    }
    (0..draw.between(1, 4)).map(|_| probe(world, draw)).collect()
}

fn probe(world: &World<'_>, draw: &mut Draw) -> Tree {
    let mut filters = Vec::new();
    for _ in 0..draw.between(1, 2) {
        let flags = (draw.chance(50), draw.chance(70));
        let mut filter =
            map([("filter_type", "anon".into()), ("matching", flags.0.into()), ("allow", flags.1.into())]);
        if !world.memcgs.is_empty() && draw.chance(40) {
            filter.set("filter_type", "memcg");
            filter.set("path", draw.pick(&world.memcgs).clone());
        }
        filters.push(filter);
    }
    let weight = *draw.pick(&[0, 1, 50, 1_000]);
    map([("weight", weight.into()), ("filters", list(filters))])
}
