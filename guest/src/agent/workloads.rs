//! The workloads as the agent sees them: started, checked to be where they should be, watched, killed.

use super::failure::Failure;
use super::workload::{Order, WORKLOAD, parse_answer};
use super::{files, memcg, topology};
use damonlab_protocol::kernel_text::{anon_huge_pages, numa_maps};
use damonlab_protocol::plan::{Phase, Workload};
use damonlab_protocol::units::{Addr, Bytes, NodeId};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// One workload that runs.
pub struct Running {
    /// Its name in the plan.
    pub name: String,
    memory: std::ops::Range<Addr>,
    process: Child,
    /// Its answers, and the orders for it where it takes any.
    answers: Option<BufReader<ChildStdout>>,
    orders: Option<ChildStdin>,
}

impl Running {
    /// Starts a workload and waits until its memory is placed, and truly is on its node. One that `listens`
    /// takes orders later.
    pub fn start(workload: &Workload, seed: u64, listens: bool) -> Result<Self, Failure> {
        let named = |cause: String| format!("workload '{}': {cause}", workload.name);
        check_room(workload).map_err(named)?;
        if let Some(path) = &workload.memcg {
            memcg::make(path)?;
        }
        let order = serde_json::to_string(&Order { workload: workload.clone(), seed, listens })?;
        let mut process = Command::new("/proc/self/exe")
            .args([WORKLOAD, &order])
            .stdin(if listens { Stdio::piped() } else { Stdio::null() })
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| named(format!("cannot start: {error}")))?;
        let (orders, answers) = (process.stdin.take(), process.stdout.take().map(BufReader::new));
        let none = Addr(0);
        let mut running =
            Running { name: workload.name.clone(), memory: none..none, process, answers, orders };
        let start = parse_answer(&running.answer()).map_err(named)?;
        running.memory = start..Addr(start.0.saturating_add(workload.size.pages() * 4096));
        running.check_placed(workload).map_err(named)?;
        Ok(running)
    }

    /// Has it do something else, and waits until it does.
    pub fn order(&mut self, phase: Phase) -> Result<(), Failure> {
        let orders =
            self.orders.as_mut().ok_or_else(|| format!("workload '{}' takes no orders", self.name))?;
        let order = serde_json::to_string(&phase)?;
        writeln!(orders, "{order}").map_err(|error| format!("workload '{}': {error}", self.name))?;
        let answer = self.answer();
        match parse_answer(&answer) {
            Ok(_) => Ok(()),
            Err(cause) => Err(format!("workload '{}': {cause}", self.name).into()),
        }
    }

    /// Its next answer, one line. An unreadable one is empty.
    fn answer(&mut self) -> String {
        let mut line = String::new();
        if let Some(answers) = &mut self.answers {
            let _ = answers.read_line(&mut line);
        }
        line
    }

    /// The process's pid.
    pub fn pid(&self) -> i32 {
        i32::try_from(self.process.id()).unwrap_or(-1)
    }

    /// Where its mapping is now, in bytes by node.
    pub fn placement(&self) -> Result<BTreeMap<NodeId, Bytes>, files::FileError> {
        let text = files::read(format!("/proc/{}/numa_maps", self.process.id()))?;
        Ok(numa_maps(&text, self.memory.clone()))
    }

    fn check_placed(&self, workload: &Workload) -> Result<(), String> {
        let found = self.placement().map_err(|error| error.to_string())?;
        let wanted = workload.size.pages();
        if found.len() == 1 && found.get(&workload.node).map(|bytes| bytes.pages()) == Some(wanted) {
            return if workload.huge_pages { self.check_huge(workload) } else { Ok(()) };
        }
        let parts: Vec<String> =
            found.iter().map(|(node, bytes)| format!("{} on {node}", bytes.pages())).collect();
        let parts = if parts.is_empty() { "none anywhere".to_owned() } else { parts.join(", ") };
        Err(format!("wants all of its {wanted} pages on {}; found {parts}", workload.node))
    }

    /// Where no huge page was free, the kernel silently takes small ones.
    fn check_huge(&self, workload: &Workload) -> Result<(), String> {
        let text =
            files::read(format!("/proc/{}/smaps", self.process.id())).map_err(|error| error.to_string())?;
        match anon_huge_pages(&text, self.memory.clone()) {
            found if found == workload.size => Ok(()),
            found => Err(format!("wants {} in huge pages; found {found}", workload.size)),
        }
    }

    /// How it ended, where it ended by itself.
    pub fn ended(&mut self) -> Option<String> {
        match self.process.try_wait() {
            Ok(Some(status)) => Some(format!("workload '{}' ended early ({status})", self.name)),
            _ => None,
        }
    }

    /// Kills it and waits for it.
    pub fn kill(&mut self) {
        // It may be gone already, which is as good.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// On a node that is too small the kernel would kill the workload: better to report that before.
fn check_room(workload: &Workload) -> Result<(), String> {
    let with_memory = topology::nodes_with_memory();
    if !with_memory.contains(&workload.node) {
        let names: Vec<String> = with_memory.iter().map(NodeId::to_string).collect();
        return Err(format!("{} has no memory; these have: {}", workload.node, names.join(", ")));
    }
    let free = topology::meminfo(workload.node)
        .map_err(|error| error.to_string())?
        .get("MemFree")
        .copied()
        .unwrap_or_default();
    if free < workload.size {
        let Workload { size, node, .. } = workload;
        return Err(format!(
            "the scenario wants {size} on {node}, which has {free} free: make it smaller, or the node larger"
        ));
    }
    Ok(())
}
