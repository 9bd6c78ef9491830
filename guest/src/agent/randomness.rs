//! The kernel's random numbers, made to follow the plan's seed.
//!
//! DAMON draws its sampling addresses and region sizes from a generator of its own, which each context
//! seeds from the kernel's crng when it is made. What was mixed in before decides all of them.

use super::files::FileError;
use nix::errno::Errno;
use nix::libc::c_int;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::AsRawFd;
use std::path::Path;

/// Takes the requests below like `/dev/random`, and opening it waits for nothing.
const DEVICE: &str = "/dev/urandom";

/// Keeps these bytes apart from those of any other hash of a seed.
const CONTEXT: &str = "damonlab 2026 the kernel's random numbers";

const SEED_BYTES: usize = 32;

/// `struct rand_pool_info` of `linux/random.h` with its bytes behind it.
#[repr(C)]
struct PoolInfo {
    entropy_bits: c_int,
    size: c_int,
    bytes: [u8; SEED_BYTES],
}

nix::ioctl_write_ptr!(
    /// `RNDADDENTROPY`: declared as `int [2]`, and the kernel reads on behind them.
    add_entropy, b'R', 0x03, [c_int; 2]);
nix::ioctl_none!(
    /// `RNDRESEEDCRNG`
    reseed_crng, b'R', 0x07);

/// Mixes `seed` into the entropy pool and takes a new key from there, so that every random number from
/// now on is another one for another seed. Seed 0 is one like any other: all runs take the same path.
pub fn mix_in(seed: u64) -> Result<(), FileError> {
    let failed = |action: &str, error: &io::Error| FileError::new(action, Path::new(DEVICE), error);
    let device = OpenOptions::new().write(true).open(DEVICE).map_err(|error| failed("open", &error))?;
    add(&device, blake3::derive_key(CONTEXT, &seed.to_le_bytes()))
        .map_err(|errno| failed("mix the seed into", &errno.into()))?;
    reseed(&device).map_err(|errno| failed("reseed the random numbers through", &errno.into()))
}

/// Counts the bytes as entropy in full: the kernel then needs no other source before it hands out numbers.
fn add(device: &File, bytes: [u8; SEED_BYTES]) -> Result<(), Errno> {
    let bits = 8 * SEED_BYTES as c_int;
    let info = PoolInfo { entropy_bits: bits, size: SEED_BYTES as c_int, bytes };
    #[expect(unsafe_code, reason = "an ioctl has no safe interface")]
    // SAFETY: the kernel reads two ints and `size` bytes behind them, which is all of `info`.
    unsafe { add_entropy(device.as_raw_fd(), (&raw const info).cast()) }.map(drop)
}

fn reseed(device: &File) -> Result<(), Errno> {
    #[expect(unsafe_code, reason = "an ioctl has no safe interface")]
    // SAFETY: the request has no argument.
    unsafe { reseed_crng(device.as_raw_fd()) }.map(drop)
}
