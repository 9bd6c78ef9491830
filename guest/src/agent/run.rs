//! PID 1, from the mounts to the power-off: it reads a plan, carries it out and sends back the results.
//!
//! Whatever fails on the way is written to the console and to the report, and the rest is still sent.

use super::damon::{self, Damon};
use super::failure::{Failure, missing};
use super::host_root::HostRoot;
use super::settings::{self, SettingError};
use super::steps::StepContext;
use super::tracing::Instance;
use super::workloads::Running;
use super::{
    console, cxl, files, fw_cfg, huge_pages, kmemleak, machine, mounts, needs, randomness, ready_point,
    results, sections, soft_reserved, swap, topology, vmstat,
};
use damonlab_protocol::machine_view::{self, MachineView};
use damonlab_protocol::plan::{DRAIN_MARK, MEMORY_MARK, Plan, READY_MARK, Step};
use damonlab_protocol::record::{GuestReport, section};
use damonlab_protocol::report_line;

/// What has to be looked after whatever happens.
#[derive(Default)]
struct Agent {
    report: GuestReport,
    tracer: Option<Instance>,
    workloads: Vec<Running>,
    prints_report: bool,
}

/// Does everything that PID 1 does.
pub fn run() -> ! {
    console::power_off_on_panic();
    let mut run = Agent::default();
    if let Err(error) = run.carry_out() {
        run.report.errors.push(error.to_string());
    }
    run.shut_down();
    for error in &run.report.errors {
        console::error(error);
    }
    for one in &run.report.differences {
        console::error(&format!("{}: described {}, seen {}", one.what, one.wanted, one.seen));
    }
    if run.prints_report {
        print_report(&run.report);
    }
    console::line(DRAIN_MARK);
    if let Err(error) = results::send() {
        console::error(&format!("results not delivered: {error}"));
    }
    console::power_off();
}

impl Agent {
    fn carry_out(&mut self) -> Result<(), Failure> {
        mounts::mount_all()?;
        self.report.kernel = kernel();
        steady_addresses();
        console::line(READY_MARK);
        self.report.ready_point = ready_point::stop_here()?;
        print_everything();
        let plan = fw_cfg::plan()?;
        self.prints_report = plan.prints_report;
        randomness::mix_in(plan.seed)?;
        self.bring_up(&plan)?;
        self.inspect_machine(plan.machine.as_ref())?;
        if !self.report.differences.is_empty() {
            return Ok(());
        }
        if plan.lists_damon {
            self.report.inventory = damon::inventory()?;
        }
        if let Some(feature) = needs::missing(&plan.needs)? {
            return Err(missing(feature, &mut self.report));
        }
        self.set_up(&plan)?;
        console::line(MEMORY_MARK);
        self.run_steps(&plan)
    }

    /// All memory that is not there at boot.
    fn bring_up(&mut self, plan: &Plan) -> Result<(), Failure> {
        for region in &plan.cxl {
            cxl::bring_up(region)?;
        }
        for memory in &plan.soft_reserved {
            soft_reserved::bring_up(memory)?;
        }
        Ok(())
    }

    /// What the machine is, and whether that is what it should be.
    fn inspect_machine(&mut self, wanted: Option<&MachineView>) -> Result<(), Failure> {
        self.report.machine = machine::view()?;
        if let Some(wanted) = wanted {
            self.report.differences = machine_view::differences(wanted, &self.report.machine);
        }
        self.report.node_ranges = topology::node_ranges()?;
        Ok(())
    }

    /// What lives in the memory, and what watches it.
    fn set_up(&mut self, plan: &Plan) -> Result<(), Failure> {
        settings::apply(&plan.boot_writes).map_err(|error| match error {
            SettingError::Missing(feature) => missing(feature, &mut self.report),
            SettingError::Refused(refusal) => settings::unexpected(&refusal).into(),
        })?;
        let written = plan.boot_writes.iter();
        self.report.boot_files = written.filter_map(|one| settings::read_back(&one.path)).collect();
        if let Some(size) = plan.swap {
            swap::on(size)?;
        }
        huge_pages::allow(&plan.workloads)?;
        for workload in &plan.workloads {
            let listens = plan.steps.iter().any(|step| is_about(step, &workload.name));
            let running = Running::start(workload, plan.seed, listens)?;
            self.report.workload_pids.insert(running.name.clone(), running.pid());
            self.workloads.push(running);
        }
        let (tracer, missing) = Instance::new(&plan.trace)?;
        self.tracer = Some(tracer);
        self.report.missing_events = missing;
        Ok(())
    }

    fn run_steps(&mut self, plan: &Plan) -> Result<(), Failure> {
        let Some(tracer) = &self.tracer else { return Ok(()) };
        let mut samples = sections::create(section::SAMPLES)?;
        let mut host = None;
        if plan.host_root {
            let mounted = HostRoot::mount(sections::create(section::TESTS)?)?;
            host = Some(mounted.map_err(|feature| missing(feature, &mut self.report))?);
        }
        let (damon, workloads) = (Damon::new(&plan.kdamonds), &mut self.workloads);
        let mut context =
            StepContext { plan, damon, tracer, workloads, samples: &mut samples, host: host.as_mut() };
        let result = context.run_steps(&mut self.report);
        // A plan may end while DAMON runs, and so may a step that failed.
        let stopped = context.damon.stop(&mut self.report);
        result.and(stopped)
    }

    /// Ends what still runs, so that nothing moves while the results are gathered.
    fn shut_down(&mut self) {
        if let Some(tracer) = &self.tracer {
            let stats = tracer.stop().and_then(|()| tracer.stats());
            match stats {
                Ok(stats) => self.report.trace_stats = stats,
                Err(error) => self.report.errors.push(error.to_string()),
            }
        }
        for workload in &mut self.workloads {
            workload.kill();
        }
        for looked in [vmstat::refresh(), kmemleak::scan()] {
            if let Err(error) = looked {
                self.report.errors.push(error.to_string());
            }
        }
        results::gather(self.tracer.as_ref(), &mut self.report);
    }
}

fn print_report(report: &GuestReport) {
    match report_line::encode(report) {
        Ok(line) => console::line(&line),
        Err(error) => console::error(&error.to_string()),
    }
}

fn is_about(step: &Step, workload: &str) -> bool {
    matches!(step, Step::Workload { name, .. } if name == workload)
}

/// `uname -r` and `uname -v`.
fn kernel() -> String {
    let part = |name: &str| files::read_line(format!("/proc/sys/kernel/{name}")).unwrap_or_default();
    format!("{} {}", part("osrelease"), part("version"))
}

/// The addresses of a workload's memory are in the trace of a virtual address context: keep them the same
/// from run to run. A kernel without the knob has nothing to randomise.
fn steady_addresses() {
    let _ = files::write("/proc/sys/kernel/randomize_va_space", "0");
}

/// From here on all messages of the kernel go to the console: a guest that panics or hangs does not send its log, and the
/// stacks of hung tasks are printed with a level that `loglevel=6` leaves out. Not before: the kernel prints from a thread of
/// its own, and the rest of the boot's lines would come between.
fn print_everything() {
    let _ = files::write("/proc/sys/kernel/printk", "8");
}
