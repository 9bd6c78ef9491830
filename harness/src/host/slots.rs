//! Slots for guests: as many run at once on this host as it has cores (or `DAMONLAB_SLOTS` says), and no
//! more than fit into its memory, whoever starts them: threads, test runners, a second terminal.
//!
//! A slot is a file beside the run folders. Who runs a guest holds the file's lock, which the kernel
//! lets go of however the holder ends, and has written into it what the guest may take. A guest
//! touches its memory bit by bit, so what is promised and not yet touched is taken off what the host
//! has left: two that start at once do not both count on the same memory.

use super::fault::{Fault, Faulty};
use super::interrupt;
use super::lock::{Lock, LockError};
use super::{memory, paths, text};
use damonlab_protocol::units::Bytes;
use fs_err as fs;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fmt;
use std::fs::{File, TryLockError};
use std::io::{self, Read, Write};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What QEMU takes beside the guest's memory: its own, and translated code.
const MARGIN: Bytes = Bytes(512 << 20);

/// Held while somebody looks for a slot, so that no two see the same memory free.
const GATE: &str = "slots.lock";

const PREFIX: &str = "slot-";

/// How many slots there are, instead of one a core.
const VARIABLE: &str = "DAMONLAB_SLOTS";

/// A `DAMONLAB_SLOTS` that is no number of guests.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{VARIABLE} is '{0}'; it says how many guests may run at once on this host: 1 or more. Without it there \
     is one a core"
)]
pub struct BadCount(String);

impl Faulty for BadCount {
    fn fault(&self) -> Fault {
        Fault::BadInput
    }
}

/// How many guests may run on this host at once: one a core, or what `DAMONLAB_SLOTS` says.
pub fn count() -> Result<NonZeroUsize, BadCount> {
    let cores = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    std::env::var_os(VARIABLE).map_or(Ok(cores), |word| number(&word))
}

fn number(word: &OsStr) -> Result<NonZeroUsize, BadCount> {
    let count = word.to_str().and_then(|word| word.parse().ok());
    count.ok_or_else(|| BadCount(text::printable(&word.to_string_lossy())))
}

/// The right to run one guest. Dropping it gives the slot to the next.
#[derive(Debug)]
pub struct Slot {
    file: File,
}

impl Drop for Slot {
    /// Said aloud: a child that another thread is just starting has a copy of the file until its exec,
    /// and closing ours would leave the lock to it.
    fn drop(&mut self) {
        let _ = self.file.unlock();
    }
}

/// Why nobody gets a slot right now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Full {
    /// Every slot is held.
    Slots(NonZeroUsize),
    /// The host's memory would not do.
    Memory {
        /// What the guest and its QEMU may take.
        needed: Bytes,
        /// What is left once the running guests have what they may take.
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

impl Slot {
    /// Waits for one of `count` slots of this host ([`count()`]) for a guest with so much memory.
    /// `waiting` is called once if there is none now.
    pub fn acquire(
        count: NonZeroUsize,
        guest: Bytes,
        waiting: impl FnOnce(&Full),
    ) -> Result<Slot, LockError> {
        let base = paths::runtime().map_err(|cause| LockError::Io { path: std::env::temp_dir(), cause })?;
        Pool { base, count }.acquire(guest, waiting)
    }
}

/// What this host's memory would come to if no damonlab guest ran: what one that waits long enough can have.
pub fn memory_without_guests() -> io::Result<Bytes> {
    let base = paths::runtime()?;
    let holders = {
        let _gate = Lock::acquire(&base.join(GATE), || {}).map_err(io::Error::other)?;
        Pool { base, count: NonZeroUsize::MIN }.claims()?.into_values().map(|claim| claim.holder).collect()
    };
    Ok(without_guests(memory::available()?, holders, memory::touched_by_guests_of))
}

/// A guest gives back what it has touched.
fn without_guests(available: Bytes, holders: BTreeSet<u32>, touched: impl Fn(u32) -> Bytes) -> Bytes {
    let held = holders.into_iter().map(|holder| touched(holder).0).fold(0, u64::saturating_add);
    Bytes(available.0.saturating_add(held))
}

/// The slots of one folder.
struct Pool {
    base: PathBuf,
    count: NonZeroUsize,
}

/// What a held slot says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Claim {
    /// The process that holds it.
    holder: u32,
    /// What its guest may take.
    bytes: Bytes,
}

impl Pool {
    fn acquire(&self, guest: Bytes, waiting: impl FnOnce(&Full)) -> Result<Slot, LockError> {
        let mut waiting = Some(waiting);
        loop {
            match self.try_acquire(guest)? {
                Ok(slot) => return Ok(slot),
                Err(full) => {
                    if let Some(waiting) = waiting.take() {
                        waiting(&full);
                    }
                }
            }
            interrupt::check()?;
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    fn try_acquire(&self, guest: Bytes) -> Result<Result<Slot, Full>, LockError> {
        let _gate = Lock::acquire(&self.base.join(GATE), || {})?;
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

    /// What the held slots say. There may be more than [`Pool::count`]: another process may be
    /// allowed more.
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

    /// The gate is held and the slot is free, so nobody else wants its lock.
    fn take(&self, number: usize, bytes: Bytes) -> io::Result<Slot> {
        let path = self.path(number);
        let mut file = File::options().create(true).truncate(false).write(true).open(&path)?;
        file.try_lock()?;
        file.set_len(0)?;
        writeln!(file, "{} {}", std::process::id(), bytes.0)?;
        Ok(Slot { file })
    }
}

/// What the slot's holder has written; none where nobody holds it.
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
    // Held by somebody who says nothing: a slot less, and no memory that we know of.
    Ok(Some(numbers.unwrap_or(Claim { holder: 0, bytes: Bytes(0) })))
}

/// Whether a guest that may take `needed` fits beside the running ones. The only guest always fits:
/// waiting would not make the host larger.
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
    use crate::host::process::Group;
    use std::process::Command;
    use std::sync::mpsc;

    const SMALL: Bytes = Bytes::MIB;

    fn pool(folder: &Path, count: usize) -> Pool {
        Pool { base: folder.to_owned(), count: NonZeroUsize::new(count).unwrap() }
    }

    fn gib(count: u64) -> Bytes {
        Bytes(count << 30)
    }

    #[test]
    fn two_holders_of_one_slot_cannot_be() {
        let folder = tempfile::tempdir().unwrap();
        let one = pool(folder.path(), 1);
        let first = one.acquire(SMALL, |_| panic!("nobody else is here")).unwrap();
        assert_eq!(one.try_acquire(SMALL).unwrap().unwrap_err(), Full::Slots(one.count));
        drop(first);
        assert!(one.try_acquire(SMALL).unwrap().is_ok());
    }

    #[test]
    fn who_waits_says_so_once_and_gets_the_slot_that_is_let_go() {
        let folder = tempfile::tempdir().unwrap();
        let first = pool(folder.path(), 1).acquire(SMALL, |_| {}).unwrap();
        let (told, was_told) = mpsc::channel();
        let second = std::thread::spawn({
            let one = pool(folder.path(), 1);
            move || one.acquire(SMALL, |full| told.send(full.to_string()).unwrap()).map(drop)
        });
        let words = was_told.recv_timeout(Duration::from_secs(10)).unwrap();
        assert_eq!(words, "every slot for guests of this host is taken (1)");
        drop(first);
        second.join().unwrap().unwrap();
        assert!(was_told.try_recv().is_err());
    }

    #[test]
    fn a_killed_holders_slot_is_free() {
        let folder = tempfile::tempdir().unwrap();
        let one = pool(folder.path(), 1);
        // The lock belongs to the open file, and a child that has it as standard input holds it too.
        let held = File::create(one.path(0)).unwrap();
        held.try_lock().unwrap();
        let mut sleep = Command::new("sleep");
        let mut holder = Group::spawn(sleep.arg("600").stdin(held)).unwrap();
        // It has a copy of the open file.
        drop(sleep);
        assert!(one.try_acquire(SMALL).unwrap().is_err());
        holder.kill().unwrap();
        one.acquire(SMALL, |_| {}).unwrap();
    }

    #[test]
    fn a_shorter_claim_replaces_a_longer_one_whole() {
        let folder = tempfile::tempdir().unwrap();
        let one = pool(folder.path(), 1);
        drop(one.take(0, Bytes(u64::MAX)).unwrap());
        let _held = one.take(0, Bytes(7)).unwrap();
        let holder = std::process::id();
        assert_eq!(one.claims().unwrap(), BTreeMap::from([(0, Claim { holder, bytes: Bytes(7) })]));
    }

    #[test]
    fn a_number_of_slots_is_one_or_more() {
        assert_eq!(number(OsStr::new("3")).unwrap().get(), 3);
        for word in ["", "0", "-1", "many", "2.5"] {
            let error = number(OsStr::new(word)).unwrap_err().to_string();
            assert!(error.starts_with(&format!("DAMONLAB_SLOTS is '{word}'; it says ")), "{error}");
        }
    }

    #[test]
    fn a_slot_beyond_our_count_still_counts_with_its_memory() {
        let folder = tempfile::tempdir().unwrap();
        let _held = pool(folder.path(), 9).take(8, gib(1_000_000)).unwrap();
        let full = pool(folder.path(), 1).try_acquire(SMALL).unwrap().unwrap_err();
        assert!(matches!(full, Full::Memory { .. }), "{full}");
    }

    #[test]
    fn the_only_guest_fits_whatever_is_left() {
        assert_eq!(fits(gib(4), gib(1), &[], |_| Bytes(0)), Ok(()));
    }

    #[test]
    fn two_that_start_at_once_do_not_count_on_the_same_memory() {
        let other = Claim { holder: 7, bytes: gib(2) };
        let full = Full::Memory { needed: gib(2), left: gib(1) };
        assert_eq!(fits(gib(2), gib(3), &[other], |_| Bytes(0)), Err(full));
        assert_eq!(fits(gib(2), gib(4), &[other], |_| Bytes(0)), Ok(()));
    }

    #[test]
    fn what_a_running_guest_has_touched_is_not_counted_twice() {
        let other = Claim { holder: 7, bytes: gib(2) };
        assert_eq!(fits(gib(2), gib(2), &[other], |_| gib(2)), Ok(()));
        // A QEMU that is larger than it promised makes no room.
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
    fn the_guests_of_one_process_are_weighed_together() {
        let claims = [Claim { holder: 7, bytes: gib(1) }, Claim { holder: 7, bytes: gib(3) }];
        let full = Full::Memory { needed: gib(2), left: gib(1) };
        assert_eq!(fits(gib(2), gib(3), &claims, |_| gib(2)), Err(full));
    }
}
