//! One anonymous mapping, placed on a node and touched page by page: the only place with raw memory. Pages of another process
//! are moved here too.

use damonlab_protocol::plan::Access;
use damonlab_protocol::units::{Addr, Bytes, NodeId};
use nix::errno::Errno;
use nix::libc;
use nix::sys::mman::{MapFlags, MmapAdvise, ProtFlags, madvise, mmap_anonymous, mprotect};
use std::ffi::c_void;
use std::num::NonZeroUsize;
use std::ptr::NonNull;

const PAGE: usize = 4096;
/// What a huge page is on x86 (`HPAGE_PMD_SIZE`).
const HUGE_PAGE: usize = 2 << 20;

/// `MPOL_MF_MOVE` of `linux/mempolicy.h`, which the libc crate leaves out.
const MPOL_MF_MOVE: libc::c_ulong = 1 << 1;
/// The size of the node mask that is handed to `mbind` and `migrate_pages`; far above any node id of a kernel.
const MASK_WORDS: usize = 16;

const MASK_BITS: usize = MASK_WORDS * libc::c_ulong::BITS as usize;

/// Moves the pages of a process that are on the nodes `from` to the node `to`, from outside of the process. Pages that
/// cannot be moved stay.
pub fn migrate(pid: i32, from: &[NodeId], to: NodeId) -> Result<(), Errno> {
    let (from, to) = (mask(from)?, mask(&[to])?);
    #[expect(unsafe_code, reason = "libc has no wrapper for migrate_pages")]
    // SAFETY: both masks outlive the call and have so many bits.
    let result =
        unsafe { libc::syscall(libc::SYS_migrate_pages, pid, MASK_BITS, from.as_ptr(), to.as_ptr()) };
    Errno::result(result).map(drop)
}

/// The node mask of some nodes.
fn mask(nodes: &[NodeId]) -> Result<[libc::c_ulong; MASK_WORDS], Errno> {
    let mut mask = [0 as libc::c_ulong; MASK_WORDS];
    let word_bits = libc::c_ulong::BITS as usize;
    for node in nodes.iter().map(|node| usize::from(node.0)) {
        *mask.get_mut(node / word_bits).ok_or(Errno::EINVAL)? |= 1 << (node % word_bits);
    }
    Ok(mask)
}

/// Memory of this process alone, with a page on either side that nothing may touch: so the mapping stays
/// one line of `numa_maps`, never merged with a neighbour.
pub struct Mapping {
    start: NonNull<u8>,
    pages: usize,
}

impl Mapping {
    /// Maps whole pages, `huge` ones or none that is. Nothing is populated yet.
    pub fn new(size: Bytes, huge: bool) -> Result<Self, Errno> {
        let pages = usize::try_from(size.pages()).map_err(|_| Errno::ENOMEM)?;
        let bytes = pages.checked_mul(PAGE).ok_or(Errno::ENOMEM)?;
        // A huge page begins at a multiple of its size.
        let grain = if huge { HUGE_PAGE } else { PAGE };
        let whole = bytes.checked_add(PAGE + grain).and_then(NonZeroUsize::new).ok_or(Errno::ENOMEM)?;
        let advice = if huge { MmapAdvise::MADV_HUGEPAGE } else { MmapAdvise::MADV_NOHUGEPAGE };
        #[expect(unsafe_code, reason = "mapping memory has no safe interface")]
        // SAFETY: a new private mapping at an address of the kernel's choice overlaps nothing; `start` and
        // `bytes` stay inside it, and it is never unmapped.
        unsafe {
            let outer = mmap_anonymous(None, whole, ProtFlags::PROT_NONE, MapFlags::MAP_PRIVATE)?;
            let first = outer.cast::<u8>().add(PAGE);
            let start = first.add(first.as_ptr().align_offset(grain));
            mprotect(start.cast::<c_void>(), bytes, ProtFlags::PROT_READ | ProtFlags::PROT_WRITE)?;
            match madvise(start.cast::<c_void>(), bytes, advice) {
                // A kernel without huge pages does not know the advice, and has none.
                Ok(()) | Err(Errno::EINVAL) => {}
                Err(errno) => return Err(errno),
            }
            Ok(Mapping { start, pages })
        }
    }

    /// The address of the first page.
    pub fn start(&self) -> Addr {
        Addr(self.start.as_ptr() as u64)
    }

    /// How many pages it has.
    pub fn pages(&self) -> u64 {
        self.pages as u64
    }

    /// Moves every page to `node`, and leaves the mapping without a policy again.
    pub fn move_to(&self, node: NodeId) -> Result<(), Errno> {
        self.bind(libc::MPOL_BIND, Some(node), MPOL_MF_MOVE)?;
        self.bind(libc::MPOL_DEFAULT, None, 0)
    }

    /// Populates every page on `node`, then leaves the mapping without a policy, so that migrations and
    /// later faults are free to go anywhere.
    pub fn place(&self, node: NodeId) -> Result<(), Errno> {
        self.bind(libc::MPOL_BIND, Some(node), 0)?;
        for page in 0..self.pages as u64 {
            self.touch(page, Access::Write);
        }
        // Moving drains the per-CPU lists of fresh pages (`lru_cache_disable` in `do_mbind`): DAMON does
        // not see a page that is not on an LRU list yet. There is nothing left to move.
        self.move_to(node)
    }

    fn bind(&self, mode: libc::c_int, node: Option<NodeId>, flags: libc::c_ulong) -> Result<(), Errno> {
        let own = mask(node.as_slice())?;
        let (mask, bits) = if node.is_some() { (own.as_ptr(), MASK_BITS) } else { (std::ptr::null(), 0) };
        #[expect(unsafe_code, reason = "libc has no wrapper for mbind")]
        // SAFETY: the range is this mapping; the mask outlives the call and has `bits` bits.
        let result = unsafe {
            libc::syscall(libc::SYS_mbind, self.start.as_ptr(), self.pages * PAGE, mode, mask, bits, flags)
        };
        Errno::result(result).map(drop)
    }

    /// One access of eight bytes at the start of a page. Pages past the end are none.
    pub fn touch(&self, page: u64, access: Access) {
        let Some(page) = usize::try_from(page).ok().filter(|page| *page < self.pages) else { return };
        #[expect(unsafe_code, reason = "the compiler must neither drop nor merge the access")]
        // SAFETY: the page lies inside the mapping, is readable and writable, and aligned for a u64.
        unsafe {
            let word = self.start.as_ptr().add(page * PAGE).cast::<u64>();
            match access {
                Access::Read => {
                    word.read_volatile();
                }
                Access::Write => word.write_volatile(page as u64 + 1),
            }
        }
    }
}
