//! Slots for guests. This host runs one guest for each core at a time (or as many as `DAMONLAB_SLOTS` sets), and no more
//! than fit into its memory, whoever starts them: threads, test runners, a second terminal.
//!
//! A slot is a file beside the run folders. The process that runs a guest has the file's lock, which the kernel releases
//! however the process ends, and has written into the file how much memory the guest may take. A guest touches its
//! memory bit by bit, so what is claimed and not yet touched is subtracted from what the host has available: two guests
//! that start at once do not both count on the same memory.

use super::interrupt;
use super::lock::{Lock, LockError};
use super::waiting::Waiting;
use super::{memory, paths, variables};
use damonlab_protocol::units::Bytes;
use fs_err as fs;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs::{File, TryLockError};
use std::io::{self, Read, Write};
use std::mem::Discriminant;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// What QEMU takes besides the guest's memory: its own data, and translated code.
const MARGIN: Bytes = Bytes(512 << 20);

/// Locked during the search for a slot, so that no two processes see the same memory as free.
const GATE: &str = "slots.lock";
/// For whoever waits for it.
const WHAT: &str = "another damonlab to look for a slot";

const PREFIX: &str = "slot-";

/// How many guests may run on this host at once: `DAMONLAB_SLOTS`, else one for each core.
pub fn count() -> NonZeroUsize {
    let cores = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    variables::number(variables::SLOTS).unwrap_or(cores)
}

/// The right to run one guest. Dropping it frees the slot.
#[derive(Debug)]
pub struct Slot {
    _lock: Lock,
}

/// Why there is no slot right now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Full {
    /// Every slot is taken.
    Slots(NonZeroUsize),
    /// The host has too little memory left.
    Memory {
        /// What the guest and its QEMU may take.
        needed: Bytes,
        /// What is left when the running guests have all that they may take.
        left: Bytes,
    },
}

impl fmt::Display for Full {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mebibytes = |bytes: &Bytes| Bytes(bytes.0 / Bytes::MIB.0 * Bytes::MIB.0);
        match self {
            Full::Slots(count) => write!(f, "every slot for guests of this host is taken ({count})"),
            Full::Memory { needed, left } => write!(
                f,
                "the guests that run on this host leave {} of its memory, and this one may take {}",
                mebibytes(left),
                mebibytes(needed)
            ),
        }
    }
}

/// Why this process was last said to wait for a slot. With many scenarios on a busy host each waits, for the same reason.
#[derive(Debug, Default)]
struct LastReason(Mutex<Option<Discriminant<Full>>>);

impl LastReason {
    /// Whether `full` is another reason than the last one, which it is from now on.
    fn is_new(&self, full: &Full) -> bool {
        let kind = std::mem::discriminant(full);
        self.0.lock().unwrap_or_else(PoisonError::into_inner).replace(kind) != Some(kind)
    }

    /// A slot was free at once: whoever waits next waits for a new reason.
    fn forget(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

static SAID: LastReason = LastReason(Mutex::new(None));

impl Slot {
    /// Waits for one of the `count` slots of this host ([`count()`]) for the guest `name` with `guest` bytes of memory. After
    /// two seconds it reports why there is none, unless a wait before it had the same reason.
    pub fn acquire(count: NonZeroUsize, guest: Bytes, name: &str) -> Result<Slot, LockError> {
        let base = paths::runtime().map_err(|cause| LockError::Io { path: std::env::temp_dir(), cause })?;
        Pool { base, count }.acquire(guest, name)
    }
}

/// The memory that would be available if no damonlab guest ran: what a guest can get that waits long enough.
pub fn memory_without_guests() -> io::Result<Bytes> {
    let base = paths::runtime()?;
    let holders = {
        let _gate = Lock::acquire(&base.join(GATE), WHAT).map_err(io::Error::other)?;
        Pool { base, count: NonZeroUsize::MIN }.claims()?.into_values().map(|claim| claim.holder).collect()
    };
    Ok(without_guests(memory::available()?, holders, memory::touched_by_guests_of))
}

/// A guest frees what it has touched when it ends.
fn without_guests(available: Bytes, holders: BTreeSet<u32>, touched: impl Fn(u32) -> Bytes) -> Bytes {
    let touched = holders.into_iter().map(|holder| touched(holder).0).fold(0, u64::saturating_add);
    Bytes(available.0.saturating_add(touched))
}

/// The slots of one folder.
struct Pool {
    base: PathBuf,
    count: NonZeroUsize,
}

/// What the file of a taken slot says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Claim {
    /// The process that has taken it.
    holder: u32,
    /// What its guest may take.
    bytes: Bytes,
}

impl Pool {
    fn acquire(&self, guest: Bytes, name: &str) -> Result<Slot, LockError> {
        let mut waiting = Waiting::begin();
        if let Ok(slot) = self.try_acquire(guest)? {
            SAID.forget();
            return Ok(slot);
        }
        loop {
            match self.try_acquire(guest)? {
                Ok(slot) => return Ok(slot),
                Err(full) => waiting
                    .still_unless_known(|| SAID.is_new(&full).then(|| format!("a slot for {name}: {full}"))),
            }
            interrupt::check()?;
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    fn try_acquire(&self, guest: Bytes) -> Result<Result<Slot, Full>, LockError> {
        let _gate = Lock::acquire(&self.base.join(GATE), WHAT)?;
        let failed = |cause| LockError::Io { path: self.base.clone(), cause };
        let claims = self.claims().map_err(failed)?;
        let Some(number) = (0..self.count.get()).find(|number| !claims.contains_key(number)) else {
            return Ok(Err(Full::Slots(self.count)));
        };
        let needed = Bytes(guest.0.saturating_add(MARGIN.0));
        let claims: Vec<Claim> = claims.into_values().collect();
        let available = memory::available().map_err(failed)?;
        if let Err(full) = fits(needed, available, &claims, memory::touched_by_guests_of) {
            return Ok(Err(full));
        }
        self.take(number, needed).map(Ok).map_err(failed)
    }

    fn path(&self, number: usize) -> PathBuf {
        self.base.join(format!("{PREFIX}{number}"))
    }

    /// The claims of the taken slots. There may be more than [`Pool::count`]: another process may be allowed more.
    fn claims(&self) -> io::Result<BTreeMap<usize, Claim>> {
        let mut claims = BTreeMap::new();
        for entry in fs::read_dir(&self.base)? {
            let entry = entry?;
            let number = entry.file_name().to_str().and_then(|name| name.strip_prefix(PREFIX)?.parse().ok());
            if let Some(number) = number
                && let Some(claim) = claim(&entry.path())?
            {
                claims.insert(number, claim);
            }
        }
        Ok(claims)
    }

    /// The caller has the gate and the slot is free, so no other process takes its lock.
    fn take(&self, number: usize, bytes: Bytes) -> io::Result<Slot> {
        let path = self.path(number);
        let mut file = File::options().create(true).truncate(false).write(true).open(&path)?;
        file.try_lock()?;
        file.set_len(0)?;
        writeln!(file, "{} {}", std::process::id(), bytes.0)?;
        Ok(Slot { _lock: Lock { file } })
    }
}

/// The claim in a slot's file; none if the slot is free.
fn claim(path: &Path) -> io::Result<Option<Claim>> {
    let mut file = File::open(path)?;
    match file.try_lock() {
        Ok(()) => return file.unlock().map(|()| None),
        Err(TryLockError::WouldBlock) => {}
        Err(TryLockError::Error(cause)) => return Err(cause),
    }
    let mut text = String::new();
    file.read_to_string(&mut text)?;
    let numbers = text.trim().split_once(' ').and_then(|(holder, bytes)| {
        Some(Claim { holder: holder.parse().ok()?, bytes: Bytes(bytes.parse().ok()?) })
    });
    // A taken slot without a readable claim: it counts as a slot, with no memory that is known.
    Ok(Some(numbers.unwrap_or(Claim { holder: 0, bytes: Bytes(0) })))
}

/// Whether a guest that may take `needed` fits beside the running ones. A guest alone always fits: waiting would not
/// free any memory.
fn fits(
    needed: Bytes,
    available: Bytes,
    claims: &[Claim],
    touched: impl Fn(u32) -> Bytes,
) -> Result<(), Full> {
    let holders: BTreeSet<u32> = claims.iter().map(|claim| claim.holder).collect();
    let untouched = holders.into_iter().map(|holder| {
        let claimed = claims.iter().filter(|claim| claim.holder == holder).map(|claim| claim.bytes.0);
        claimed.fold(0, u64::saturating_add).saturating_sub(touched(holder).0)
    });
    let left = Bytes(available.0.saturating_sub(untouched.fold(0, u64::saturating_add)));
    if claims.is_empty() || left >= needed { Ok(()) } else { Err(Full::Memory { needed, left }) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::command::command_for;
    use crate::host::process::Group;
    use std::sync::mpsc;

    const SMALL: Bytes = Bytes::MIB;

    fn pool(folder: &Path, count: usize) -> Pool {
        Pool { base: folder.to_owned(), count: NonZeroUsize::new(count).unwrap() }
    }

    fn gib(count: u64) -> Bytes {
        Bytes(count << 30)
    }

    #[test]
    fn one_slot_is_taken_once() {
        let folder = tempfile::tempdir().unwrap();
        let one = pool(folder.path(), 1);
        let first = one.acquire(SMALL, "one").unwrap();
        assert_eq!(one.try_acquire(SMALL).unwrap().unwrap_err(), Full::Slots(one.count));
        drop(first);
        assert!(one.try_acquire(SMALL).unwrap().is_ok());
    }

    #[test]
    fn a_reason_to_wait_is_new_once_until_another_comes_or_a_slot_was_free() {
        let (said, slots) = (LastReason::default(), Full::Slots(NonZeroUsize::MIN));
        let memory = |left| Full::Memory { needed: gib(2), left: gib(left) };
        assert_eq!([said.is_new(&slots), said.is_new(&slots)], [true, false]);
        assert_eq!([said.is_new(&memory(1)), said.is_new(&memory(0))], [true, false]);
        said.forget();
        assert!(said.is_new(&memory(1)));
    }

    #[test]
    fn a_guest_that_waits_gets_the_slot_that_is_freed() {
        let folder = tempfile::tempdir().unwrap();
        let first = pool(folder.path(), 1).acquire(SMALL, "one").unwrap();
        let full = pool(folder.path(), 1).try_acquire(SMALL).unwrap().unwrap_err();
        assert_eq!(full.to_string(), "every slot for guests of this host is taken (1)");
        let (sender, ends) = mpsc::channel();
        let second = std::thread::spawn({
            let one = pool(folder.path(), 1);
            move || one.acquire(SMALL, "another").map(drop).inspect(|()| sender.send(()).unwrap())
        });
        ends.recv_timeout(Duration::from_millis(300)).unwrap_err();
        drop(first);
        second.join().unwrap().unwrap();
    }

    #[test]
    fn the_slot_of_a_killed_process_is_free() {
        let folder = tempfile::tempdir().unwrap();
        let one = pool(folder.path(), 1);
        // The lock belongs to the open file, and a child that has it as standard input keeps it locked.
        let file = File::create(one.path(0)).unwrap();
        file.try_lock().unwrap();
        let mut sleep = command_for("sleep");
        let mut holder = Group::spawn(sleep.arg("600").stdin(file)).unwrap();
        // It has a copy of the open file.
        drop(sleep);
        assert!(one.try_acquire(SMALL).unwrap().is_err());
        holder.kill().unwrap();
        one.acquire(SMALL, "one").unwrap();
    }

    #[test]
    fn a_shorter_claim_replaces_all_of_a_longer_one() {
        let folder = tempfile::tempdir().unwrap();
        let one = pool(folder.path(), 1);
        drop(one.take(0, Bytes(u64::MAX)).unwrap());
        let _held = one.take(0, Bytes(7)).unwrap();
        let holder = std::process::id();
        assert_eq!(one.claims().unwrap(), BTreeMap::from([(0, Claim { holder, bytes: Bytes(7) })]));
    }

    #[test]
    fn a_slot_beyond_our_count_still_counts_with_its_memory() {
        let folder = tempfile::tempdir().unwrap();
        let _held = pool(folder.path(), 9).take(8, gib(1_000_000)).unwrap();
        let full = pool(folder.path(), 1).try_acquire(SMALL).unwrap().unwrap_err();
        assert!(matches!(full, Full::Memory { .. }), "{full}");
    }

    #[test]
    fn a_guest_alone_fits_whatever_is_left() {
        assert_eq!(fits(gib(4), gib(1), &[], |_| Bytes(0)), Ok(()));
    }

    #[test]
    fn two_guests_that_start_at_once_do_not_count_on_the_same_memory() {
        let other = Claim { holder: 7, bytes: gib(2) };
        let full = Full::Memory { needed: gib(2), left: gib(1) };
        assert_eq!(fits(gib(2), gib(3), &[other], |_| Bytes(0)), Err(full));
        assert_eq!(fits(gib(2), gib(4), &[other], |_| Bytes(0)), Ok(()));
    }

    #[test]
    fn what_a_running_guest_has_touched_is_not_counted_twice() {
        let other = Claim { holder: 7, bytes: gib(2) };
        assert_eq!(fits(gib(2), gib(2), &[other], |_| gib(2)), Ok(()));
        // A QEMU that is larger than its claim frees nothing.
        assert_eq!(fits(gib(2), gib(2), &[other], |_| gib(9)), Ok(()));
        assert!(fits(gib(3), gib(2), &[other], |_| gib(9)).is_err());
    }

    #[test]
    fn what_running_guests_have_touched_comes_back_when_they_end() {
        let touched = |holder| if holder == 7 { gib(2) } else { Bytes(0) };
        assert_eq!(without_guests(gib(3), BTreeSet::from([7, 8]), touched), gib(5));
        assert_eq!(without_guests(gib(3), BTreeSet::new(), |_| gib(9)), gib(3));
    }

    #[test]
    fn the_guests_of_one_process_are_counted_together() {
        let claims = [Claim { holder: 7, bytes: gib(1) }, Claim { holder: 7, bytes: gib(3) }];
        let full = Full::Memory { needed: gib(2), left: gib(1) };
        assert_eq!(fits(gib(2), gib(3), &claims, |_| gib(2)), Err(full));
    }
}
