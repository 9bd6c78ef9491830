//! A run while its steps are drawn: what is in force after those that are there.

use super::monitor::Kdamond;
use super::world::{Process, World};
use crate::explore::tree::{Tree, map};
use crate::scenario::Draw;

/// The steps that are drawn so far, and what is in force after them.
pub(super) struct Run<'a> {
    pub(super) world: &'a World<'a>,
    /// What `start` starts.
    pub(super) started: &'a [Kdamond],
    pub(super) now: Vec<Kdamond>,
    /// The removable node that is offline.
    pub(super) offline: Option<u64>,
    /// The workloads that have ended.
    pub(super) ended: Vec<String>,
    /// Nobody knows what DAMON does, and a process that it watches is gone: nothing more can follow.
    pub(super) over: bool,
    pub(super) steps: Vec<Tree>,
}

impl Run<'_> {
    /// DAMON works for a while.
    pub(super) fn go_on(&mut self, draw: &mut Draw) {
        let time = *draw.pick(&["400ms", "700ms", "1s", "1s", "1500ms", "2s"]);
        self.step("run", map([("for", time.into())]));
    }

    /// The workloads that have not ended.
    pub(super) fn alive(&self) -> impl Iterator<Item = &Process> {
        self.world.processes.iter().filter(|process| !self.ended.contains(&process.name))
    }

    pub(super) fn step(&mut self, name: &str, value: Tree) {
        self.steps.push(map([(name, value)]));
    }

    /// DAMON stops, and starts as at first.
    pub(super) fn restart(&mut self, draw: &mut Draw) {
        self.steps.push("stop".into());
        if draw.chance(30) {
            self.steps.push("read_back".into());
        }
        self.steps.push("start".into());
        self.now = self.started.to_vec();
    }
}
