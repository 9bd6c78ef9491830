//! The watchdog card that virtme-ng gives every machine (i6300esb): what is written where so that it fires.
//!
//! After Intel's 6300ESB datasheet, as QEMU has it (`hw/watchdog/wdt_i6300esb.c`). QEMU runs with `-action
//! watchdog=pause`, so firing stops the machine, at a moment of virtual time. The guest uses it to stop at
//! its ready point, the host to stop a guest for a debugger. Pure.

use crate::units::Nanos;

/// PCI vendor and device.
pub const ID: (u16, u16) = (0x8086, 0x25ab);

/// Configuration space: what expiry does and how fast the timers count; 16 bits.
pub const CONFIG: u16 = 0x60;
/// Configuration space: the switch; 8 bits.
pub const SWITCH: u16 = 0x68;
/// For [`SWITCH`].
pub const ON: u8 = 1 << 1;

/// For [`CONFIG`]: timers count units of [`Scale::Fine`].
const FINE: u16 = 1 << 2;
/// For [`CONFIG`]. QEMU can send no interrupt, and warns on its standard error of the other types.
const NO_INTERRUPT: u16 = 1;

/// How fast the timers count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scale {
    /// 32 ticks of 30 ns.
    Fine,
    /// 32768 of them.
    Coarse,
}

impl Scale {
    /// What a timer's unit takes.
    pub const fn unit(self) -> Nanos {
        match self {
            Scale::Fine => Nanos(30 << 5),
            Scale::Coarse => Nanos(30 << 15),
        }
    }

    /// For [`CONFIG`].
    pub const fn config(self) -> u16 {
        match self {
            Scale::Fine => FINE | NO_INTERRUPT,
            Scale::Coarse => NO_INTERRUPT,
        }
    }
}

/// Offsets of the registers in the card's memory, 32 bits each. The first timer starts the second.
pub const TIMERS: [u64; 2] = [0, 4];
/// The register that takes [`UNLOCK`].
pub const RELOAD: u64 = 12;
/// Both values, in this order, before each write to a timer.
pub const UNLOCK: [u32; 2] = [0x80, 0x86];

/// A timer has 20 bits.
const MOST: u64 = (1 << 20) - 1;

/// What the timers are set to so that the card fires within a unit before `time` is over; none if that is
/// less than two units or more than both timers.
pub fn timers(scale: Scale, time: Nanos) -> Option<[u32; 2]> {
    let units = time.0 / scale.unit().0;
    let first = units.checked_sub(1)?.clamp(1, MOST);
    let second = units.checked_sub(first).filter(|rest| (1..=MOST).contains(rest))?;
    Some([u32::try_from(first).ok()?, u32::try_from(second).ok()?])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_timers_together_take_the_time_but_for_a_part_of_a_unit() {
        for time in [Nanos(2 * 983_040), Nanos(40_000_000_000), Nanos(1_500_000_000_000)] {
            let [first, second] = timers(Scale::Coarse, time).unwrap();
            let taken = (u64::from(first) + u64::from(second)) * Scale::Coarse.unit().0;
            assert!(taken <= time.0 && time.0 - taken < Scale::Coarse.unit().0, "{time:?}: {taken}");
        }
    }

    #[test]
    fn no_time_and_more_than_the_timers_hold_are_refused() {
        assert_eq!(timers(Scale::Coarse, Nanos(983_040)), None);
        assert_eq!(timers(Scale::Fine, Nanos(3_000_000_000)), None);
    }
}
