//! The first page of a swap area, as `mkswap` writes it (`union swap_header` in `include/linux/swap.h`).

use crate::units::Bytes;

const PAGE: usize = 4096;
const MAGIC: &[u8] = b"SWAPSPACE2";
/// After 1024 bytes of boot block: version, last page, number of bad pages.
const INFO: usize = 1024;

/// The page for an area of `size`, of which it is part itself.
pub fn page(size: Bytes) -> Vec<u8> {
    let last = u32::try_from(size.pages().saturating_sub(1)).unwrap_or(u32::MAX);
    let mut page = vec![0; PAGE];
    page[INFO..INFO + 4].copy_from_slice(&1u32.to_le_bytes());
    page[INFO + 4..INFO + 8].copy_from_slice(&last.to_le_bytes());
    page[PAGE - MAGIC.len()..].copy_from_slice(MAGIC);
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_says_how_many_pages_come_and_ends_with_the_magic() {
        let page = page(Bytes(64 << 20));
        assert_eq!(page.len(), PAGE);
        assert_eq!(page[1024..1032], [1, 0, 0, 0, 0xff, 0x3f, 0, 0]);
        assert!(page.ends_with(b"SWAPSPACE2"));
    }
}
