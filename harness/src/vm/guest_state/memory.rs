//! The kernel's memory by its virtual addresses: the page tables of `init_top_pgt`, over a memory with physical ones. Pure.
//!
//! The page tables of the CPU may be a program's, in which page-table isolation leaves the kernel out.

use std::collections::HashMap;

pub(super) const PAGE: u64 = 4096;

/// Where the kernel's image is mapped. It is loaded where it was linked: `nokaslr`.
const IMAGE: u64 = 0xffff_ffff_8000_0000;

/// Of an entry: it is valid; it maps memory itself; the address in it.
const PRESENT: u64 = 1;
const LARGE: u64 = 1 << 7;
const ADDRESS: u64 = 0x000f_ffff_ffff_f000;

/// A memory with physical addresses.
pub(super) trait Physical {
    /// The page at `address`; none where no memory is, or where it cannot be read any more.
    fn page(&mut self, address: u64) -> Option<Vec<u8>>;
}

/// The memory of a stopped kernel.
pub(super) struct Memory<'a> {
    physical: &'a mut dyn Physical,
    pages: HashMap<u64, Option<Vec<u8>>>,
    /// The physical address of the top page table.
    top: u64,
    /// How many levels of page tables there are.
    levels: u32,
}

impl<'a> Memory<'a> {
    /// The memory with the page table `top`, a virtual address in the image.
    pub fn new(physical: &'a mut dyn Physical, top: u64, levels: u32) -> Memory<'a> {
        Memory { physical, pages: HashMap::new(), top: top.wrapping_sub(IMAGE), levels }
    }

    /// Eight bytes.
    pub fn word(&mut self, address: u64) -> Option<u64> {
        let bytes = self.bytes(address, 8)?;
        Some(u64::from_le_bytes(bytes.try_into().ok()?))
    }

    /// `length` bytes, all of which must be there.
    pub fn bytes(&mut self, address: u64, length: usize) -> Option<Vec<u8>> {
        let mut bytes = Vec::with_capacity(length);
        while bytes.len() < length {
            let from = address.checked_add(bytes.len() as u64)?;
            let place = self.translate(from)?;
            let offset = (place % PAGE) as usize;
            let page = self.page(place - place % PAGE)?;
            let part = page.get(offset..)?;
            bytes.extend_from_slice(&part[..part.len().min(length - bytes.len())]);
        }
        Some(bytes)
    }

    fn translate(&mut self, address: u64) -> Option<u64> {
        let mut table = self.top;
        for level in (0..self.levels).rev() {
            let shift = 12 + 9 * level;
            let place = table + (address >> shift) % 512 * 8;
            let page = self.page(place - place % PAGE)?;
            let offset = (place % PAGE) as usize;
            let entry = u64::from_le_bytes(page.get(offset..offset + 8)?.try_into().ok()?);
            if entry & PRESENT == 0 {
                return None;
            }
            if level == 0 || (level < 3 && entry & LARGE != 0) {
                let inside = (1 << shift) - 1;
                return Some((entry & ADDRESS & !inside) | (address & inside));
            }
            table = entry & ADDRESS;
        }
        None
    }

    fn page(&mut self, address: u64) -> Option<&[u8]> {
        let physical = &mut *self.physical;
        self.pages.entry(address).or_insert_with(|| physical.page(address)).as_deref()
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Physical memory made of words.
    #[derive(Default)]
    pub struct Words(pub HashMap<u64, u64>);

    impl Physical for Words {
        fn page(&mut self, address: u64) -> Option<Vec<u8>> {
            let known = self.0.keys().any(|word| word - word % PAGE == address);
            let word = |index: u64| self.0.get(&(address + index * 8)).copied().unwrap_or(0);
            known.then(|| (0..PAGE / 8).flat_map(|index| word(index).to_le_bytes()).collect())
        }
    }

    pub const TOP: u64 = IMAGE + 0x1000;
    /// Where [`with_stack`] has its words.
    pub const STACK: u64 = 0xffff_c900_0000_0000;

    /// A memory in which [`STACK`] is one page with these words.
    pub fn with_stack(words: &[(u64, u64)]) -> Words {
        let tables = [(0x1000 + 402 * 8, 0x2003), (0x2000, 0x3003), (0x3000, 0x4003), (0x4000, 0x5003)];
        let stack = words.iter().map(|(offset, word)| (0x5000 + offset, *word));
        Words(tables.into_iter().chain(stack).collect())
    }

    #[test]
    fn a_virtual_address_is_found_through_four_tables() {
        let mut words = with_stack(&[(0xff8, 7)]);
        let mut memory = Memory::new(&mut words, TOP, 4);
        assert_eq!(memory.word(STACK + 0xff8), Some(7));
        assert_eq!(memory.word(STACK + 0xffc), None, "its second half is on a page that is not mapped");
        assert_eq!(memory.word(STACK + PAGE), None);
        assert_eq!(memory.word(u64::MAX), None);
    }

    #[test]
    fn a_large_page_has_no_table_of_its_own() {
        let entries =
            [(0x1000 + 273 * 8, 0x2003), (0x2000, 0x3003), (0x3000 + 8, 0x0020_0083), (0x0020_1008, 9)];
        let mut words = Words(entries.into_iter().collect());
        let mut memory = Memory::new(&mut words, TOP, 4);
        assert_eq!(memory.word(0xffff_8880_0020_1008), Some(9));
    }
}
