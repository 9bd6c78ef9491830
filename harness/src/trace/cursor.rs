//! A strict scanner over one line of text: it accepts exactly what the kernel's printf would print.
//!
//! Strictness is what makes a parsed line print back to itself: a number with a leading zero, or a
//! width that the format cannot give, is refused here and not repaired.

/// What is left of a line.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cursor<'a> {
    rest: &'a str,
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Cursor { rest: text }
    }

    pub(crate) fn rest(self) -> &'a str {
        self.rest
    }

    pub(crate) fn is_empty(self) -> bool {
        self.rest.is_empty()
    }

    /// Takes exactly `text`.
    #[inline]
    pub(crate) fn literal(&mut self, text: &str) -> Option<()> {
        self.rest = self.rest.strip_prefix(text)?;
        Some(())
    }

    /// Takes exactly `count` bytes.
    pub(crate) fn bytes(&mut self, count: usize) -> Option<&'a str> {
        let (taken, rest) = self.rest.split_at_checked(count)?;
        self.rest = rest;
        Some(taken)
    }

    /// Takes spaces, and says how many.
    pub(crate) fn spaces(&mut self) -> usize {
        let rest = self.rest.trim_start_matches(' ');
        let count = self.rest.len() - rest.len();
        self.rest = rest;
        count
    }

    /// Takes a number as `%lu` prints it: no sign, no leading zero.
    #[inline]
    pub(crate) fn unsigned(&mut self) -> Option<u64> {
        let bytes = self.rest.as_bytes();
        let digits = bytes.iter().take_while(|b| b.is_ascii_digit()).count();
        if digits == 0 || (bytes[0] == b'0' && digits > 1) {
            return None;
        }
        self.digits(digits)
    }

    /// Takes exactly `count` digits, leading zeros allowed.
    #[inline]
    pub(crate) fn digits(&mut self, count: usize) -> Option<u64> {
        let taken = self.bytes(count)?;
        let mut value = 0u64;
        for b in taken.bytes() {
            let digit = b.wrapping_sub(b'0');
            if digit > 9 {
                return None;
            }
            value = value.checked_mul(10)?.checked_add(u64::from(digit))?;
        }
        Some(value)
    }

    /// Takes a number as `%d` prints it.
    pub(crate) fn signed(&mut self) -> Option<i64> {
        let negative = self.literal("-").is_some();
        let value = self.unsigned()?;
        match (negative, value) {
            (true, 0) => None,
            (true, _) => 0i64.checked_sub_unsigned(value),
            (false, _) => i64::try_from(value).ok(),
        }
    }

    /// Takes two lowercase hexadecimal digits.
    pub(crate) fn hex_byte(&mut self) -> Option<u8> {
        let taken = self.bytes(2)?;
        if !taken.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
            return None;
        }
        u8::from_str_radix(taken, 16).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_that_printf_would_not_print_is_refused() {
        for text in ["", "x", "007", "18446744073709551616"] {
            assert_eq!(Cursor::new(text).unsigned(), None, "{text}");
        }
        assert_eq!(Cursor::new("18446744073709551615").unsigned(), Some(u64::MAX));
        assert_eq!(Cursor::new("-0").signed(), None);
        assert_eq!(Cursor::new("-1 ").signed(), Some(-1));
    }

    #[test]
    fn taking_more_than_there_is_takes_nothing() {
        let mut cursor = Cursor::new("ab");
        assert_eq!(cursor.bytes(3), None);
        assert_eq!(cursor.rest(), "ab");
    }
}
