//! CXL bring-up: one volatile device becomes an online, movable NUMA node, by sysfs writes alone.
//!
//! Names are discovered, none is assumed: the device by its serial number, its endpoint by `uport`, the
//! root decoder by the host bridge above it, the DAX device by the region below which it appears. The
//! order of the writes is the kernel's (`drivers/cxl/core/region.c`).

mod seen;
mod tree;

pub use seen::regions;

use super::{Failure, clock, files, topology};
use damonlab_guest::kernel_text::number;
use damonlab_guest::plan::CxlRegion;
use damonlab_guest::units::{Bytes, Nanos, NodeId};
use std::path::{Path, PathBuf};
use tree::{BUS, link, memory_devices, serial_of};

const BIND: &str = "/sys/bus/cxl/drivers/cxl_region/bind";
const DAX: &str = "/sys/bus/dax/devices";
const MEMORY: &str = "/sys/devices/system/memory";

/// Any granularity does for one way; this is the smallest.
const GRANULARITY: &str = "256";
const ONLINE: &str = "online_movable";
const STEP: Nanos = Nanos(20_000_000);
const LIMIT: Nanos = Nanos(10_000_000_000);

/// Brings one region up, and checks that it became the node that the plan says.
pub fn bring_up(plan: &CxlRegion) -> Result<(), Failure> {
    let said = |error: Failure| format!("cxl device with serial {:#x}: {error}", plan.serials[0]);
    assemble(plan).map_err(|error| said(error).into())
}

fn assemble(plan: &CxlRegion) -> Result<(), Failure> {
    let endpoint = clock::poll(STEP, LIMIT, || endpoint_of(plan.serials[0]))
        .ok_or_else(|| no_device(plan.serials[0]))?;
    let endpoint_decoder = clock::poll(STEP, LIMIT, || decoder_of(&endpoint))
        .ok_or_else(|| format!("{} has no decoder of the kind cxl_decoder_endpoint", endpoint.display()))?;
    let root_decoder = root_decoder_of(&endpoint)?;
    let region = make_region(&root_decoder, &endpoint_decoder, plan.size())?;
    let dax = clock::poll(STEP, LIMIT, || dax_of(&region)).ok_or_else(|| {
        format!("no kmem device appeared under {} within {} s", region.display(), LIMIT.0 / 1_000_000_000)
    })?;
    put_online(&dax, &region, plan.size())?;
    check_node(&dax, plan)
}

fn no_device(serial: u64) -> String {
    let found: Vec<String> = memory_devices()
        .iter()
        .map(|name| {
            format!(
                "{name} with {}",
                serial_of(name).map_or("none".to_owned(), |serial| format!("{serial:#x}"))
            )
        })
        .collect();
    let found = if found.is_empty() { "none".to_owned() } else { found.join(", ") };
    format!("no endpoint for serial {serial:#x} after {} s; memory devices: {found}", LIMIT.0 / 1_000_000_000)
}

/// The endpoint port whose `uport` is the device with that serial number.
fn endpoint_of(serial: u64) -> Option<PathBuf> {
    let device = memory_devices().into_iter().find(|name| serial_of(name) == Some(serial))?;
    let device = link(Path::new(BUS).join(device))?;
    files::names(BUS)
        .into_iter()
        .filter(|name| name.starts_with("endpoint"))
        .filter_map(|name| link(Path::new(BUS).join(name)))
        .find(|endpoint| link(endpoint.join("uport")).as_ref() == Some(&device))
}

/// The first decoder of an endpoint that nobody uses.
fn decoder_of(endpoint: &Path) -> Option<PathBuf> {
    files::names(endpoint)
        .into_iter()
        .filter(|name| name.starts_with("decoder"))
        .map(|name| endpoint.join(name))
        .find(|decoder| {
            files::read_line(decoder.join("devtype")).is_ok_and(|kind| kind == "cxl_decoder_endpoint")
                && files::read_line(decoder.join("region")).is_ok_and(|region| region.is_empty())
        })
}

/// The root decoder (the window) that targets the host bridge above an endpoint and takes volatile memory.
fn root_decoder_of(endpoint: &Path) -> Result<PathBuf, Failure> {
    let chain: Vec<&Path> = endpoint.ancestors().collect();
    let is_root =
        |path: &Path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("root"));
    let at = chain
        .iter()
        .position(|path| is_root(path))
        .filter(|at| *at > 0)
        .ok_or_else(|| format!("{} is below no CXL root", endpoint.display()))?;
    let (root, bridge_port) = (chain[at], chain[at - 1]);
    let bridge = link(bridge_port.join("parent_dport"));
    let port_ids: Vec<String> = files::names(root)
        .into_iter()
        .filter(|name| link(root.join(name)) == bridge)
        .filter_map(|name| Some(name.strip_prefix("dport")?.to_owned()))
        .collect();
    let free = |decoder: &PathBuf| {
        let targets = files::read_line(decoder.join("target_list")).unwrap_or_default();
        let reaches = targets.split(',').any(|target| port_ids.iter().any(|id| id == target));
        reaches && decoder.join("create_ram_region").exists() && !has_region(decoder)
    };
    let decoders: Vec<PathBuf> = files::names(root)
        .iter()
        .filter(|name| name.starts_with("decoder"))
        .map(|name| root.join(name))
        .collect();
    decoders.iter().find(|decoder| free(decoder)).cloned().ok_or_else(|| {
        format!(
            "no free window for volatile memory targets the host bridge of {} ({} root decoders under {})",
            endpoint.display(),
            decoders.len(),
            root.display()
        )
        .into()
    })
}

fn has_region(decoder: &Path) -> bool {
    !files::numbered(decoder, "region").is_empty()
}

fn make_region(root: &Path, endpoint: &Path, size: Bytes) -> Result<PathBuf, Failure> {
    let create = root.join("create_ram_region");
    let name = files::read_line(&create)?;
    files::write(&create, &name)?;
    let region = Path::new(BUS).join(&name);
    let region = link(region.clone()).ok_or_else(|| format!("{} did not appear", region.display()))?;
    let size = size.0.to_string();
    let decoder = endpoint.file_name().unwrap_or_default().to_string_lossy();
    files::write(region.join("interleave_granularity"), GRANULARITY)?;
    files::write(region.join("interleave_ways"), "1")?;
    files::write(endpoint.join("mode"), "ram")?;
    files::write(endpoint.join("dpa_size"), &size)?;
    files::write(region.join("size"), &size)?;
    files::write(region.join("target0"), &decoder)?;
    files::write(region.join("commit"), "1")?;
    // The driver refused the region before it was committed, so it has to be bound by hand.
    if !region.join("driver").exists() {
        files::write(BIND, &name)?;
    }
    Ok(region)
}

/// The DAX device below a region, once the kmem driver has it. `dax_cxl` registers it from a work queue.
fn dax_of(region: &Path) -> Option<PathBuf> {
    files::names(DAX)
        .into_iter()
        .filter_map(|name| link(Path::new(DAX).join(name)))
        .find(|dax| dax.starts_with(region))
        .filter(|dax| link(dax.join("driver")).is_some_and(|driver| driver.ends_with("kmem")))
}

/// Linux 7.3 takes the whole device at once (`state` of a kmem device); before, block by block.
fn put_online(dax: &Path, region: &Path, size: Bytes) -> Result<(), Failure> {
    let state = dax.join("state");
    if !state.exists() {
        return put_blocks_online(region, size);
    }
    // `offline` and the other online states have to go through `unplugged` (`state_store` of kmem.c).
    let now = files::read_line(&state)?;
    if now == ONLINE {
        return Ok(());
    }
    if now != "unplugged" {
        files::write(&state, "unplugged")?;
    }
    Ok(files::write(&state, ONLINE)?)
}

fn put_blocks_online(region: &Path, size: Bytes) -> Result<(), Failure> {
    let block = topology::block_size()?;
    let resource = region.join("resource");
    let text = files::read(&resource)?;
    let start = number(&text).ok_or_else(|| format!("{} says '{}'", resource.display(), text.trim()))?;
    let first = start.div_ceil(block);
    let end = start.saturating_add(size.0) / block;
    for index in first..end {
        let state = PathBuf::from(format!("{MEMORY}/memory{index}/state"));
        let there = || files::read_line(&state).ok();
        let now =
            clock::poll(STEP, LIMIT, there).ok_or_else(|| format!("{} did not appear", state.display()))?;
        if now == "offline" {
            files::write(&state, ONLINE)?;
        }
    }
    Ok(())
}

fn check_node(dax: &Path, plan: &CxlRegion) -> Result<(), Failure> {
    let text = files::read_line(dax.join("target_node"))?;
    let became =
        text.parse().map(NodeId).map_err(|_| format!("{} belongs to node '{text}'", dax.display()))?;
    if became != plan.node {
        return Err(format!("the region became {became}, the plan wants {}", plan.node).into());
    }
    let total = topology::meminfo(became)?.get("MemTotal").copied().unwrap_or_default();
    if total.0 < plan.size().0 {
        return Err(
            format!("{became} has {total} of memory after bring-up, the plan wants {}", plan.size()).into()
        );
    }
    Ok(())
}
