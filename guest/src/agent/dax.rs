//! DAX devices that kmem makes memory of: found by the region or the node that they belong to, put online as
//! a whole, and taken away again.

use super::failure::Failure;
use super::{clock, files, topology};
use damonlab_protocol::kernel_text::number;
use damonlab_protocol::units::{Bytes, Nanos, NodeId};
use std::fs;
use std::path::{Path, PathBuf};

const BUS: &str = "/sys/bus/dax/devices";
const MEMORY: &str = "/sys/devices/system/memory";

/// Movable, so that the kernel keeps none of its own data there and the memory can be taken away again.
const ONLINE: &str = "online_movable";
const UNPLUGGED: &str = "unplugged";

/// How often what the kernel does in the background is looked for.
pub const STEP: Nanos = Nanos(20_000_000);
/// How long, at most.
pub const LIMIT: Nanos = Nanos(10_000_000_000);

/// Every DAX device, without a link on the way to it.
pub fn devices() -> Vec<PathBuf> {
    files::names(BUS)
        .into_iter()
        .filter_map(|name| fs::canonicalize(Path::new(BUS).join(name)).ok())
        .collect()
}

/// Whether kmem has it.
pub fn is_memory(dax: &Path) -> bool {
    fs::canonicalize(dax.join("driver")).is_ok_and(|driver| driver.ends_with("kmem"))
}

/// The node that its memory belongs to.
pub fn node_of(dax: &Path) -> Option<NodeId> {
    files::read_line(dax.join("target_node")).ok()?.parse().ok().map(NodeId)
}

/// The devices of a node that kmem has.
pub fn of_node(node: NodeId) -> Vec<PathBuf> {
    devices().into_iter().filter(|dax| node_of(dax) == Some(node) && is_memory(dax)).collect()
}

/// Puts a whole device online: at once where the kernel can (`state` of kmem, Linux 7.3), else block by block.
pub fn put_online(dax: &Path) -> Result<(), Failure> {
    let state = dax.join("state");
    if !state.exists() {
        return set_blocks(dax, "offline", ONLINE);
    }
    // `offline` and the other online states have to go through `unplugged` (`state_store` of kmem.c).
    let now = files::read_line(&state)?;
    if now == ONLINE {
        return Ok(());
    }
    if now != UNPLUGGED {
        files::write(&state, UNPLUGGED)?;
    }
    Ok(files::write(&state, ONLINE)?)
}

/// Takes a whole device away, in one try. Its pages move elsewhere first.
pub fn unplug(dax: &Path) -> Result<(), Failure> {
    let state = dax.join("state");
    if state.exists() {
        return Ok(files::write(&state, UNPLUGGED)?);
    }
    set_blocks(dax, "online", "offline")
}

/// Writes `to` to the state of the device's memory blocks that are in state `from`.
fn set_blocks(dax: &Path, from: &str, to: &str) -> Result<(), Failure> {
    let block = topology::block_size()?;
    let value = |name: &str| {
        let path = dax.join(name);
        let text = files::read_line(&path)?;
        number(&text)
            .ok_or_else(|| Failure::from(format!("{} contains '{text}', which is no number", path.display())))
    };
    let (start, size) = (value("resource")?, value("size")?);
    for index in start.div_ceil(block)..start.saturating_add(size) / block {
        let state = PathBuf::from(format!("{MEMORY}/memory{index}/state"));
        let now = clock::poll(STEP, LIMIT, || files::read_line(&state).ok())
            .ok_or_else(|| format!("{} did not appear", state.display()))?;
        if now == from {
            files::write(&state, to)?;
        }
    }
    Ok(())
}

/// Whether a node has the memory that it should have: all of it in blocks that are online.
pub fn check_memory(node: NodeId, wanted: Bytes) -> Result<(), Failure> {
    let block = topology::block_size()?;
    let online = Bytes(topology::online_blocks(node, block).len() as u64 * block);
    if online == wanted {
        return Ok(());
    }
    Err(format!("{node} has {online} of memory online, and should have {wanted}").into())
}
