//! The kernel's symbols: a `System.map`, with which addresses become `function+0x1a/0x90`, as the kernel prints them. Pure.

use std::collections::HashMap;

/// A function ends where the next symbol begins. Alignment is a few bytes; no function of Linux has a megabyte.
const LONGEST: u64 = 1 << 20;

/// The symbols of one kernel.
#[derive(Debug, Default)]
pub(super) struct Symbols {
    /// Functions by address.
    text: Vec<(u64, String)>,
    /// Everything by name. The first of several has the name.
    places: HashMap<String, u64>,
}

impl Symbols {
    /// Reads a `System.map`: `address type name` a line. Other lines are skipped.
    pub fn parse(map: &str) -> Symbols {
        let mut symbols = Symbols::default();
        for line in map.lines() {
            let mut parts = line.split(' ');
            let (Some(address), Some(kind), Some(name)) = (parts.next(), parts.next(), parts.next()) else {
                continue;
            };
            let Ok(address) = u64::from_str_radix(address, 16) else { continue };
            if matches!(kind, "t" | "T" | "w" | "W") {
                symbols.text.push((address, name.to_owned()));
            }
            symbols.places.entry(name.to_owned()).or_insert(address);
        }
        // Stable: of several names of one address the first of the file is shown.
        symbols.text.sort_by_key(|(address, _)| *address);
        symbols.text.dedup_by_key(|(address, _)| *address);
        symbols
    }

    /// The address of a symbol.
    pub fn address(&self, name: &str) -> Option<u64> {
        self.places.get(name).copied()
    }

    /// Whether the kernel has the function at `address` in its text.
    pub fn is_text(&self, address: u64) -> bool {
        let inside = |from: &str, to: &str| {
            self.address(from).zip(self.address(to)).is_some_and(|(from, to)| (from..to).contains(&address))
        };
        inside("_stext", "_etext") || inside("_sinittext", "_einittext")
    }

    /// The function that `address` is in, and how far.
    pub fn function(&self, address: u64) -> Option<(&str, u64)> {
        let next = self.text.partition_point(|(start, _)| *start <= address);
        let (start, name) = self.text.get(next.checked_sub(1)?)?;
        (self.is_text(address) && address - start < LONGEST).then_some((name.as_str(), address - start))
    }

    /// An address as the kernel prints it; the bare number if it is in no function.
    pub fn shown(&self, address: u64) -> String {
        let Some((name, offset)) = self.function(address) else { return format!("{address:#018x}") };
        let next = self.text.partition_point(|(start, _)| *start <= address);
        match self.text.get(next) {
            Some((end, _)) => format!("{name}+{offset:#x}/{:#x}", end - (address - offset)),
            None => format!("{name}+{offset:#x}"),
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A kernel of three functions.
    pub fn small() -> Symbols {
        Symbols::parse(
            "ffffffff81000000 T _stext\nffffffff81001000 T damos_apply_scheme\nffffffff81001000 t alias\n\
             ffffffff81001400 t kdamond_fn\nffffffff81001800 T kthread\nffffffff81002000 T _etext\n\
             ffffffff81c34018 D current_task\nffffffff81a0aa40 D init_task\nnot a line\n",
        )
    }

    #[test]
    fn an_address_is_shown_as_the_kernel_shows_it() {
        let symbols = small();
        assert_eq!(symbols.shown(0xffff_ffff_8100_1400), "kdamond_fn+0x0/0x400");
        assert_eq!(symbols.shown(0xffff_ffff_8100_13ff), "damos_apply_scheme+0x3ff/0x400");
    }

    #[test]
    fn what_is_in_no_function_stays_a_number() {
        let symbols = small();
        for address in [0, 0x40_0078, 0xffff_ffff_8100_2000, 0xffff_ffff_81c3_4018, u64::MAX] {
            assert_eq!(symbols.shown(address), format!("{address:#018x}"));
        }
    }
}
